// Reads all of ledger.db, and of the spool beside it, without trusting them. For `check-data`. One thread; blocks.
#pragma once
#include <string>
#include <vector>

#include "base/data_check.h"

namespace paramedic {

// Parts: the file, "records". Without `aside` the file is opened read-only, a monitor may run. With `aside` records
// that do not decode are kept there and removed from the file; REQUIRES: the lock of the data directory. Errors: what
// keeps it from being read at all. Damage is no error.
Result<std::vector<DataCheck>> check_ledger(const std::string& file, AsideFolder* aside);

// Every record of the spool. With `repair` a torn tail is cut off and what follows a damaged record moved to
// FILE.damaged, as a monitor's start does; REQUIRES: the lock. Errors as above.
Result<DataCheck> check_spool(const std::string& file, bool repair);

}  // namespace paramedic
