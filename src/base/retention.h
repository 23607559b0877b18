// How far a retention pass may delete. Pure.
#pragma once
#include <algorithm>

#include "base/clock.h"

namespace paramedic {

// Everything before the returned instant may go. Never more than twice the monotonic time that passed since the last
// pass beyond the oldest kept instant: a wall clock that jumps ahead by a year then costs hours of data, not a week.
// After a long stop the backlog of old data leaves at twice the speed at which new data comes. `passed` <= 0 (the first
// pass after a start) deletes nothing.
inline WallTime retention_cutoff(WallTime oldest, WallTime now, Duration keep, Duration passed) {
  const Duration allowed = std::clamp(passed, Duration{0}, Duration{std::chrono::hours(24 * 365)}) * 2;
  return std::min(now - keep, oldest + allowed);
}

}  // namespace paramedic
