// What is forecast, and what "reaching its limit" means for each kind: one row per kind in forecast_kinds.cc, with the
// reason beside it. Constant; any thread.
#pragma once
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/enum_names.h"

namespace paramedic {

enum class ForecastKind : unsigned char {
  memory,
  disk,
  gpu_memory,
  temperature,
  error_rate,
  latency,
  heartbeat_jitter,
  queue_age
};
PARAMEDIC_ENUM_NAMES(ForecastKind, "memory", "disk", "gpu_memory", "temperature", "error_rate", "latency",
                     "heartbeat_jitter", "queue_age")

struct ForecastKindInfo {
  std::string_view metric;  // as our own metrics are called
  double limit;             // default, in the unit of that metric
  Duration horizon;         // an alert tells of a limit that will be reached within it
  // Touching the limit once does the harm. Otherwise it must hold for minutes: single peaks do not count, and the
  // median of five minutes is followed.
  bool once;
  bool sawtooth;    // falls back regularly (garbage collection, rotation): its lower envelope must rise as well
  bool factors;     // degrades by factors, not by amounts: followed on a logarithmic scale
  bool over_base;   // what counts is how far it lies above its usual lowest value
  bool of_process;  // a new incarnation begins anew; false: the host's, which a restart of a worker leaves as it is
};

const ForecastKindInfo& forecast_kind_info(ForecastKind kind);
// "memory_percent" → memory; nullopt = a metric that is not forecast.
std::optional<ForecastKind> forecast_kind_of(std::string_view metric);

}  // namespace paramedic
