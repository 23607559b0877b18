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

}  // namespace paramedic::sqlite
