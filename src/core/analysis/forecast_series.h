// For tests: makers of series that workers really have, one sample a minute, and a run of forecasts over them.
#pragma once
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "core/analysis/metric_forecast.h"

namespace paramedic::forecast_tests {

inline constexpr int kHour = 60, kDay = 24 * kHour;  // samples
inline const WallTime kStart{std::chrono::seconds(1'795'000'200)};

// Value of the minute i; noise is the caller's.
using Series = std::function<double(int)>;

inline std::vector<double> make(int minutes, const Series& series, double noise = 0, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<double> out;
  for (int i = 0; i < minutes; ++i) {
    // A sum of four uniform numbers: the same with every standard library, unlike its normal distribution.
    double n = -2;
    for (int k = 0; k < 4; ++k) n += double(random() >> 8) / double(1 << 24);
    out.push_back(series(i) + noise * n * std::sqrt(3.0));
  }
  return out;
}
inline double saw(int i, int period) { return double(i % period) / period; }

struct Run {
  int alerts = 0;                  // how often one began
  std::optional<int> first_alert;  // minute
  std::optional<Forecast> at_alert, last;
  bool standing = false;
};

inline Run run(MetricForecast& forecast, const std::vector<double>& values, WallTime start = kStart) {
  Run out;
  bool was = forecast.alert();
  for (std::size_t i = 0; i < values.size(); ++i) {
    forecast.add(start + int(i) * 1min, values[i]);
    if (forecast.alert() && !was && ++out.alerts == 1) {
      out.first_alert = int(i);
      out.at_alert = forecast.forecast("m");
    }
    was = forecast.alert();
  }
  out.last = forecast.forecast("m");
  out.standing = was;
  return out;
}

inline Run run(ForecastKind kind, double limit, const std::vector<double>& values) {
  MetricForecast forecast(kind, limit);
  return run(forecast, values);
}

// Minute in which the values first reach the limit.
inline int reached(const std::vector<double>& values, double limit) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] >= limit) return int(i);
  return -1;
}

}  // namespace paramedic::forecast_tests
