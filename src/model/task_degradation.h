// A lasting change for the worse of one task type, and who shares it. Made by core/analysis/degradation.h; told by
// alerts, API and page. A plain value.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace paramedic {

enum class TaskMeasure : std::uint8_t { duration_p50, duration_p95, error_ratio };
enum class DegradationScope : std::uint8_t { pool, version, host, worker };
// ended: back to what was usual. accepted: it lasted so long that it is the new usual. merged: a wider or narrower
// statement tells it now. silent: no tasks for so long that nothing can be said.
enum class DegradationState : std::uint8_t { holds, ended, accepted, merged, silent };

std::string_view to_string(TaskMeasure measure);
std::string_view to_string(DegradationScope scope);
std::string_view to_string(DegradationState state);

struct TaskDegradation {
  std::string pool, type;
  TaskMeasure what = TaskMeasure::duration_p95;
  DegradationScope scope = DegradationScope::pool;
  std::string name;                // of the version, host or worker; empty for the pool
  double before = 0, after = 0;    // seconds, or a ratio of 0…1: what was usual, and what it is since
  std::optional<double> siblings;  // the others of its kind over the same time; none = there are too few tasks
  WallTime since{};                // start of the block of 5 minutes in which it most likely began
  WallTime told_at{};              // when it was first stated
  WallTime until{};                // only when it no longer holds
  std::uint64_t tasks = 0;         // finished since, within the hour that was looked at
  double rarity = 0;               // noise alone looks like this once in `rarity` looks; at most 1e9
  DegradationState state = DegradationState::holds;

  // Of its alert: "pool/<pool>/degradation/<hash>": the same for all measures of durations of one subject.
  std::string key() const;
  // How bad, to put the worst first: ln(after / before) of durations; ten points of errors weigh as much as a factor e.
  double badness() const;
  // "p95 of resize went from 0.8 s to 2.1 s at 14:05, only on version 1.4.3 (its siblings: 0.82 s)". Times are UTC; the
  // date is told when it is not that of `now`.
  std::string words(WallTime now) const;

  bool operator==(const TaskDegradation&) const = default;
};

}  // namespace paramedic
