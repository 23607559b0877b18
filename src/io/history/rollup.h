// Many rows as one: roll-ups (10 min, 1 h) and the steps of a chart are the same computation. Pure; any thread.
#pragma once
#include <functional>
#include <span>

#include "io/history/codec/frame.h"

namespace paramedic::history {

struct RollUpOptions {
  std::int64_t step = 0;  // milliseconds, > 0; steps begin at multiples of it since 1970
  bool p95 = false;
  std::function<int(std::uint32_t)> decimals;  // of a metric by its number: a mean keeps one more (4 at most)
};

// `parts` in order of time, no two in one instant; each is rows as stored or a roll-up. One row per step that has any:
// stamped with its start, the worst status, all marks, the lowest score; per metric mean (weighted by rows), min, max
// and, if wanted, p95 by nearest rank (of roll-ups: the highest of their p95, an upper bound); task counts are summed.
Frame roll_up(std::span<const Frame> parts, const RollUpOptions& options);

// As roll-up ids: the start of the step that holds `at`.
inline std::int64_t floor_to(std::int64_t at, std::int64_t step) {
  const std::int64_t rest = at % step;
  return at - (rest < 0 ? rest + step : rest);
}

}  // namespace paramedic::history
