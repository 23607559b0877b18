#include "core/analysis/metric_traits.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/metric_set.h"

namespace paramedic {

namespace {

constexpr std::array<std::string_view, kOrdinaryRank> kMostTelling{
    "memory_mb", "avg_duration_seconds", "error_rate", "cpu_percent", "gpu_memory_percent", "tasks_per_minute"};

float floor_of(std::string_view name, bool counter) {
  const auto ends = [&](std::string_view tail) { return name.ends_with(tail); };
  if (counter) return 1.0F / 60;
  if (ends("_percent") || ends("_utilization") || ends("_celsius") || ends("_mb") || ends("_per_minute")) return 1;
  if (ends("_rate") || ends("_ratio")) return 0.01F;
  return float(std::pow(10.0, -metric_decimals(name)));
}

}  // namespace

MetricTraits metric_traits(std::string_view name) {
  MetricTraits traits;
  traits.counter =
      name.ends_with("_total") || name == "completed_tasks" || name == "failed_tasks" || name == "total_tasks";
  traits.floor = floor_of(name, traits.counter);
  traits.rank = int(std::find(kMostTelling.begin(), kMostTelling.end(), name) - kMostTelling.begin());
  return traits;
}

}  // namespace paramedic
