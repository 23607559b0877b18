#include "model/forecast.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {

// Three digits are all that a forecast is worth: 0.0312, 3.12, 71.4, 1840.
std::string rounded(double value) {
  const double size = std::abs(value);
  return format_short(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4);
}

// Like duration_words, with one unit where the second would only pretend to be known.
std::string rough_words(Duration d) {
  if (d >= 3h) return duration_words(std::chrono::round<std::chrono::hours>(d));
  if (d >= 30min) return duration_words(std::chrono::round<std::chrono::minutes>(d / 10) * 10);
  return duration_words(d);
}

}  // namespace

std::string Forecast::words() const {
  if (reaches_at <= made_at)
    return fmt::format("{} has reached its limit: {} of {}", metric, rounded(level), rounded(limit));
  std::string text = fmt::format("{} rises by {} per hour from {}; it reaches {} in {} (80 %: {} to {})", metric,
                                 rounded(slope_per_hour), rounded(level), rounded(limit), duration_words(time_left()),
                                 rough_words(earliest - made_at), rough_words(latest - made_at));
  if (!firm) return text + "; too early to be sure";
  if (may_be_burst) text += "; filling, may be a burst";
  return text;
}

std::string duration_words(Duration d) {
  using std::chrono::round;
  if (d < 30s) return "less than a minute";
  const auto minutes = round<std::chrono::minutes>(d).count();
  const auto two = [](std::int64_t many, const char* unit, std::int64_t few, const char* small) {
    return few == 0 ? fmt::format("{} {}", many, unit) : fmt::format("{} {} {} {}", many, unit, few, small);
  };
  if (minutes < 60) return fmt::format("{} min", minutes);
  if (minutes < 48 * 60) return two(minutes / 60, "h", minutes % 60, "min");
  const auto hours = round<std::chrono::hours>(d).count();
  return two(hours / 24, "d", hours % 24, "h");
}

}  // namespace paramedic
