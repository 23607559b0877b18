// A copy of a database file that another process may be writing: what `paramedic backup` is made of. Any thread;
// blocks.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace paramedic::sqlite {

// Writes the database `from` as it is at one instant into the new file `to` (mode 0600), on disk when it returns: bytes
// of the copy. Readers and the writer of `from` go on meanwhile; its write-ahead log cannot be cut until the copy is
// done. By VACUUM INTO: the backup API starts anew whenever another process commits, and copies pages unread, damaged
// ones too; this reads every row of one snapshot and leaves free pages out.
// Errors: not_found (no `from`), conflict (`to` exists), corrupt, unavailable (disk full), forbidden, io. What was
// written of `to` is removed then.
Result<std::uint64_t> copy_database(const std::string& from, const std::string& to);

// Makes a file, or the names in a directory, durable. Errors: not_found, forbidden, io.
Result<void> sync_path(const std::string& path);

}  // namespace paramedic::sqlite
