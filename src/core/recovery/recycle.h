// Planned recycle: a worker that is well is drained and restarted before its age, its number of tasks or a memory leak
// makes it ill; staggered, at low load, inside the budgets of all other stops. Pure functions of plain values, called
// by class Recovery (design section 8).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/recovery/policy.h"

namespace paramedic {

// That the memory of a worker fills: made by a forecaster, which must be calibrated before it states one.
struct LeakForecast {
  SteadyTime full_at{};    // the early end of the interval: nine of ten times it fills later
  double probability = 0;  // 0…1, that it fills within the forecaster's horizon
  std::string text;        // "memory grows by 40 MiB/h, full in 3 h"
};

// What is known of one incarnation.
struct RecycleFacts {
  SteadyTime began{};                  // of the incarnation
  std::optional<std::uint64_t> tasks;  // finished by it
  std::optional<LeakForecast> leak;
};

struct RecycleDue {
  SteadyTime since{};      // when it came due
  SteadyTime at_latest{};  // then the load does not count any more
  std::string text;        // "runs for 1d2h (limit 1d)"
};

// Is it due? Of several limits the first that came due. The age limit of each incarnation lies up to a fifth earlier,
// by a hash of its name: workers that were started together do not come due together.
std::optional<RecycleDue> recycle_due(const RecoveryPolicy& policy, std::string_view worker_id,
                                      std::string_view incarnation, const RecycleFacts& facts, SteadyTime now);
// When recycle_due() changes by time alone; nullopt = never.
std::optional<SteadyTime> next_recycle_due(const RecoveryPolicy& policy, std::string_view worker_id,
                                           std::string_view incarnation, const RecycleFacts& facts);

// The pool at the moment when a due recycle asks.
struct PoolQuiet {
  std::optional<double> load_percent;  // slots of the pool that work on a task; nullopt = not known
  int not_well = 0;                    // ill, crashed or unknown ones
  int down = 0;                        // through us
  int allowed = 1;      // so many of both together at most, this one included: half of what may be down at once
  bool settled = true;  // neither frozen nor thawing
};
// Why it waits, in words; empty = now. A pool that is not well is never made smaller for a plan; its load only counts
// until `at_latest`.
std::string recycle_waits_for(const RecoveryPolicy& policy, const PoolQuiet& pool, const RecycleDue& due,
                              bool worker_is_idle, SteadyTime now);

}  // namespace paramedic
