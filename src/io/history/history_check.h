// Reads all of history.db without trusting it: the file, its names, every chunk and every log entry. For `check-data`;
// the monitor itself reads what it needs when it needs it. One thread; blocks on the disk.
#pragma once
#include <string>
#include <vector>

#include "base/data_check.h"

namespace paramedic {

// Parts: the file, "chunks", "log". Without `aside` the file is opened read-only and seen as it is at one instant: a
// monitor may run. With `aside` damaged chunks and log entries are kept there and then removed from the file, in one
// transaction; REQUIRES: the lock of the data directory. A file that SQLite itself finds damaged is left as it is.
// Errors: not_found, forbidden, io, unavailable: what keeps it from being read at all. Damage is no error.
Result<std::vector<DataCheck>> check_history(const std::string& file, AsideFolder* aside);

}  // namespace paramedic
