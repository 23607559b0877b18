// One stored point of one worker: at each resolution step and at each transition.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/histogram.h"
#include "model/metric_set.h"
#include "model/status.h"

namespace paramedic {

// What one task type did since the row before of the same worker: increases, never cumulative counts.
struct TaskIncrease {
  std::string type;
  std::uint64_t completed = 0, failed = 0, retried = 0, revoked = 0, lost = 0;
  DurationHistogram durations;

  bool operator==(const TaskIncrease&) const = default;
};

// What happened in one step.
struct TaskHistoryPoint {
  WallTime at{};                    // start of the step
  std::vector<TaskIncrease> tasks;  // sorted by type; only types of which something happened
};

struct HistoryRow {
  std::string worker_id;
  WallTime at{};
  Status status = Status::unknown;
  std::optional<double> score;
  MetricSet metrics;
  bool transition = false;          // written because status or state changed
  bool backlog = false;             // measured earlier, arrived late; status and score are then unknown
  std::vector<TaskIncrease> tasks;  // only types of which something happened
};

}  // namespace paramedic
