#include "model/metric_set.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

std::optional<double> MetricSet::find(std::string_view name) const {
  if (!names) return std::nullopt;
  const auto at = std::lower_bound(names->begin(), names->end(), name);
  if (at == names->end() || *at != name) return std::nullopt;
  const double value = values[size_t(at - names->begin())];
  if (std::isnan(value)) return std::nullopt;
  return value;
}

int metric_decimals(std::string_view name) {
  const auto ends = [&](std::string_view tail) { return name.ends_with(tail); };
  if (ends("_percent") || ends("_utilization") || ends("_per_minute") || ends("_celsius")) return 2;
  if (ends("_mb")) return 1;
  if (ends("_tasks") || ends("_bytes") || ends("_total") || ends("_ready") || ends("_count")) return 0;
  return ends("_rate") || ends("_ratio") || ends("_score") ? 4 : 3;
}

double quantise(double value, int decimals) {
  static constexpr double kScale[] = {1, 10, 100, 1000, 10000};
  const double scale = kScale[std::clamp(decimals, 0, 4)];
  // Beyond 2^53 / scale the product has no fraction left to round.
  if (!std::isfinite(value) || std::fabs(value) > 9.0e15 / scale) return value;
  return std::round(value * scale) / scale;
}

}  // namespace paramedic
