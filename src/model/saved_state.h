// What the analysis has learned of one subject, as opaque bytes of core/analysis: what the engine hands out to be kept
// with the history and gets back at its next start. Of one name the newest counts. A plain value.
#pragma once
#include <string>

#include "base/clock.h"

namespace paramedic {

struct SavedState {
  std::string name;  // "worker/ID", "tasks/POOL/TYPE"
  WallTime as_of{};
  std::string bytes;
};

}  // namespace paramedic
