// The state of a MetricForecast as bytes, to be stored and taken back after a restart of the monitor: what goes on then
// is bit-equal to what would have gone on without it. Pure; any thread.
//
// Layout, version 1, little endian, always kForecastStateBytes long:
//   1 byte   version (1)
//   1 byte   kind (its place in ForecastKind)
//   8 bytes  as_of: seconds since 1970 (signed), when it was stored
//   then the fields of MetricForecast::visit() in its order: whole numbers in their own width, floating-point numbers
//   as IEEE 754, a bool as one byte 0 or 1
// Nothing in it is believed: another length, version or kind, or a value that could not have come about, refuses it.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/analysis/metric_forecast.h"

namespace paramedic {

inline constexpr std::size_t kForecastStateBytes = 629;

// Appends it.
void put_forecast_state(std::string& out, const MetricForecast& forecast, WallTime as_of);

struct StoredForecast {
  MetricForecast forecast;
  WallTime as_of{};
};
// Errc::corrupt with the reason. Samples from between `as_of` and now are a gap like any other.
Result<StoredForecast> take_forecast_state(std::string_view bytes);

}  // namespace paramedic
