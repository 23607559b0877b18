// `paramedic check-data` over the folder of an input journal. Blocking, one thread. A monitor may be writing it, unless
// something is to be repaired.
#pragma once
#include "base/data_check.h"

namespace paramedic::journal {

// Reads all segments. A torn end is only told: that is how a killed monitor leaves its journal. With `aside` torn ends
// are cut off, and what follows a damaged record goes to `aside`; the reader then says what is missing. REQUIRES with
// `aside`: nobody writes the journal. Errors: io, forbidden.
Result<DataCheck> check_journal(const std::string& dir, AsideFolder* aside);

}  // namespace paramedic::journal
