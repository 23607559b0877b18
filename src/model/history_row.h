// One stored point of one worker: at each resolution step and at each transition.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "model/metric_set.h"
#include "model/status.h"

namespace paramedic {

struct HistoryRow {
  std::string worker_id;
  WallTime at{};
  Status status = Status::unknown;
  std::optional<double> score;
  MetricSet metrics;
  bool transition = false;  // written because status or state changed
  bool backlog = false;     // measured earlier, arrived late; status and score are then unknown
};

}  // namespace paramedic
