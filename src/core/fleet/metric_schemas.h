// Interned shapes of metric sets: ten thousand workers with the same metrics share one list of names. Engine's strand.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "model/metric_set.h"

namespace paramedic {

// The product's own metrics, in the order of their names (the brief's spelling).
enum class StandardMetric {
  avg_duration_seconds,
  completed_tasks,
  cpu_percent,
  disk_percent,
  error_rate,
  failed_tasks,
  gpu_memory_percent,
  gpu_utilization,
  last_heartbeat_seconds,
  memory_mb,
  memory_percent,
  tasks_per_minute,
  total_tasks,
};
inline constexpr std::size_t kStandardMetrics = 13;
std::string_view standard_metric_name(std::size_t index);

// Names of one shape, and where each value comes from: >= 0 a standard metric, else ~index into the custom ones.
struct MetricSchema {
  std::shared_ptr<const MetricNames> custom;  // keeps the address alive that the table is keyed by
  std::shared_ptr<const MetricNames> names;
  std::vector<std::int16_t> from;
};

class MetricSchemas {
 public:
  // REQUIRES: sorted, unique. The same list gives the same pointer while somebody holds it.
  std::shared_ptr<const MetricNames> intern(MetricNames names);
  // Bit i of `mask` = standard metric i is part of the shape. `custom` may be null.
  std::shared_ptr<const MetricSchema> schema(std::uint32_t mask, const std::shared_ptr<const MetricNames>& custom);
  std::size_t size() const { return names_.size() + schemas_.size(); }

 private:
  void purge();  // drops what nobody holds any more, when the tables doubled
  std::map<MetricNames, std::weak_ptr<const MetricNames>> names_;
  std::map<std::pair<std::uint32_t, const MetricNames*>, std::weak_ptr<const MetricSchema>> schemas_;
  std::size_t purge_at_ = 256;
};

}  // namespace paramedic
