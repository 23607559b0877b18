#include "core/analysis/forecast_columns.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace paramedic {

std::string_view ForecastColumns::add(WallTime at, double value) {
  forecast_.add(at, value);
  text_.clear();
  if (const auto f = forecast_.forecast({})) {
    const auto left = [&](WallTime t) { return std::max(0.0, to_seconds(t - at)); };
    fmt::format_to(std::back_inserter(text_), "{:.0f},{:.0f},{:.0f},{:.2f},{:d}", left(f->reaches_at),
                   left(f->earliest), left(f->latest), f->probability, forecast_.alert());
  } else {
    fmt::format_to(std::back_inserter(text_), ",,,,{:d}", forecast_.alert());
  }
  return text_;
}

}  // namespace paramedic
