// What remote write sends of a worker: which series each stored metric becomes, and the rows that wait in the queue.
// Names (docs/metrics.md, "Remote write"): the score is worker_health_score, cpu_percent and memory_mb carry the
// brief's names, the status is paramedic_worker_status{status} = 1, any other metric is paramedic_worker_NAME.
// Plain values; the cache belongs to one thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/history_row.h"

namespace paramedic::remote_write {

// One series of a worker but for the worker itself: metric name and at most one further label.
struct Column {
  std::string metric;
  std::string label, value;  // both empty = none
  auto operator<=>(const Column&) const = default;
};
using Columns = std::vector<Column>;  // sorted, unique

// All samples of one worker at one instant.
struct Row {
  std::string worker_id;
  std::int64_t at_ms = 0;  // Unix time
  bool late = false;  // older than what was queued of this worker before: only for receivers that sort by themselves
  std::shared_ptr<const Columns> columns;
  std::vector<double> values;  // one per column; NaN = no sample, stale_marker() = the series ends here
  std::size_t samples() const;
};

// Prometheus' special NaN 0x7ff0000000000002: "this series has ended".
double stale_marker();
bool is_stale_marker(double value);
// Any NaN but the stale marker.
bool is_absent(double value);

inline constexpr std::size_t kMaxMetricName = 200;  // bytes; longer ones are cut

// "queue depth/s" → "paramedic_worker_queue_depth_s". Characters outside [A-Za-z0-9_] become '_'. Names of families
// that /metrics uses for something else (status, info, …) become paramedic_worker_custom_NAME.
std::string metric_series_name(std::string_view metric);

// How the values of a history row are laid out as columns; shared by all rows with the same names.
struct Shape {
  std::shared_ptr<const MetricNames> names;  // may be null: no metrics
  std::shared_ptr<const Columns> columns;
  std::vector<std::int32_t> from;  // per name: its column; -1 = left out, another name became the same series
  std::size_t score = 0;           // columns of the score and of each status, by Status
  std::size_t status[kEnumCount<Status>] = {};
  std::uint64_t collisions = 0;  // how many are -1
};

class Shapes {
 public:
  // Valid until the next call.
  const Shape& of(const std::shared_ptr<const MetricNames>& names);

 private:
  std::map<const MetricNames*, Shape> shapes_;  // each holds its names, so no address is used twice
  std::size_t purge_at_ = 256;
};

}  // namespace paramedic::remote_write
