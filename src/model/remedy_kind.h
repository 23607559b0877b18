// What a cause may ask for.
#pragma once
#include "base/enum_names.h"

namespace paramedic {

// start: begin a dead process again. restart: end a living one and begin it again. drain_restart: let it finish first.
enum class RemedyKind { none, start, restart, drain_restart };
PARAMEDIC_ENUM_NAMES(RemedyKind, "none", "start", "restart", "drain_restart")

inline bool is_stop(RemedyKind k) { return k == RemedyKind::restart || k == RemedyKind::drain_restart; }

}  // namespace paramedic
