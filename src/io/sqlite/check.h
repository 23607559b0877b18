// The part of `check-data` that both databases share. One thread; blocks.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/data_check.h"
#include "io/sqlite/database.h"

namespace paramedic::sqlite {

using CheckRecords = std::function<Result<void>(Database&, std::vector<DataCheck>&)>;

// parts[0] = the file as SQLite sees it (integrity_check) and its format; when that is sound `records` adds its own,
// all within one transaction, so that a running monitor changes nothing meanwhile. With `aside` the file may be
// written. Errors: what keeps the file from being read at all. Damage is no error.
Result<std::vector<DataCheck>> check_database(const std::string& file, const std::string& name, std::int64_t format,
                                              const AsideFolder* aside, const CheckRecords& records);

// What `pragma` ("quick_check" or "integrity_check") finds wrong, `most` lines at most; empty = sound. Pages that the
// disk does not give are an error (io), no damage: nobody should move a sound file away because of them.
Result<std::vector<std::string>> find_damage(Database& db, std::string_view pragma, std::size_t most);

}  // namespace paramedic::sqlite
