#include "core/analysis/forecast_kinds.h"

#include <array>

namespace paramedic {

namespace {

// Horizon: four hours for all that fills slowly: somebody is told in time to look before the end of a shift, and a
// planned recycle finds a quiet hour. Measured at 3, 4 and 6 h (docs/analysis-forecasts.md): longer ones tell earlier
// at hardly more false alarms, but the intervals of an accelerating trend grow with them. Two hours for the age of a
// queue, which follows the work offered: nobody knows it for longer. Limits: those at which the checks turn critical
// (src/core/checks/configs.h).
constexpr std::array<ForecastKindInfo, kEnumCount<ForecastKind>> kKinds{{
    // Once over its limit a process is killed. Collectors make sawteeth.
    {"memory_percent", 95, 4h, true, true, false, false, true},
    // A write that fails once has failed. Logs are rotated, temporary files removed. It belongs to the host.
    {"disk_percent", 95, 4h, true, true, false, false, false},
    // An allocation fails at the limit itself: the check's 90 % only warns that it is near.
    {"gpu_memory_percent", 100, 4h, true, true, false, false, true},
    // Data-centre GPUs slow down at 87 to 93 °C, after minutes. Belongs to the device.
    {"temperature_celsius", 90, 4h, false, true, false, false, false},
    // The broken share of the work grows by amounts and starts from zero, where a logarithm would see only noise.
    {"error_rate", 0.1, 4h, false, false, false, false, true},
    // A saturating resource stretches durations by factors. No default limit: it depends on the task.
    {"avg_duration_seconds", 0, 4h, false, false, true, false, true},
    // A heart that begins to stumble: what lies above the usual pause doubles and doubles again. Limit: the check's
    // shortest critical silence.
    {"last_heartbeat_seconds", 60, 4h, false, false, true, true, true},
    // With too few consumers the oldest message ages by amounts. Belongs to the queue. No default limit.
    {"queue_oldest_age_seconds", 0, 2h, false, false, false, false, false},
}};

}  // namespace

const ForecastKindInfo& forecast_kind_info(ForecastKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::optional<ForecastKind> forecast_kind_of(std::string_view metric) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i].metric == metric) return static_cast<ForecastKind>(i);
  return std::nullopt;
}

}  // namespace paramedic
