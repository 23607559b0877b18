// Forecasts of one stream of (time, value) as columns beside it: for `paramedic analyze FILE.csv --forecast --limit X`.
// Streaming, no lookahead: a row says what was known with its own sample. Pure; one thread.
//
//   seconds_to_limit,earliest_seconds,latest_seconds,probability,alert
//   27600,21600,36000,0.42,0        80 % of the crossings lie between the second and the third
//   ,,,,0                           no trend towards the limit
// Between two blocks of five minutes the forecast stays, its times run down with the clock.
#pragma once
#include <string>
#include <string_view>

#include "core/analysis/metric_forecast.h"

namespace paramedic {

class ForecastColumns {
 public:
  // REQUIRES: a finite limit > 0. Of an unknown metric nothing better can be said than that its limit must not be
  // touched: hence `disk` as its kind, which no restart ends and whose envelopes both count.
  explicit ForecastColumns(double limit, ForecastKind kind = ForecastKind::disk) : forecast_(kind, limit) {}
  static constexpr std::string_view kHeader = "seconds_to_limit,earliest_seconds,latest_seconds,probability,alert";
  // Takes the next row; the text is valid until the next call.
  std::string_view add(WallTime at, double value);
  const MetricForecast& forecast() const { return forecast_; }

 private:
  MetricForecast forecast_;
  std::string text_;
};

}  // namespace paramedic
