#include "model/anomaly.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {

// 4137.2 → "4 000": two digits are all that an estimate of a rarity is worth.
std::string grouped(double number) {
  const double scale = std::pow(10, std::max(0.0, std::floor(std::log10(std::max(number, 1.0))) - 1));
  std::string digits = fmt::format("{:.0f}", std::round(number / scale) * scale);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

// Three significant digits for small numbers, none behind the point for large ones.
std::string shown(double value) {
  const double size = std::fabs(value);
  return format_short(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4);
}

std::string clock_time(WallTime at, WallTime now) {
  const std::string text = format_time(at), today = format_time(now);
  const std::string time = text.substr(11, 5);
  return text.substr(0, 10) == today.substr(0, 10) ? time : text.substr(0, 10) + " " + time;
}

std::string_view where(const Anomaly& a) {
  if (a.observed > a.expected_high) return "far above";
  if (a.observed < a.expected_low) return "far below";
  return "";
}

// After "cpu_percent 97 is".
std::string predicate(const Anomaly& a) {
  const bool high = a.observed >= (a.expected_low + a.expected_high) / 2;
  switch (a.statistic) {
    case AnomalyStatistic::difference:
      return "a step away from its last sample,";
    case AnomalyStatistic::local:
    case AnomalyStatistic::relative:
      return "away from its last samples,";
    case AnomalyStatistic::volatility:
      return "wavering more than it does around its";
    case AnomalyStatistic::flat_line:
      return "strangely still within its";
    case AnomalyStatistic::record:
      return high ? "higher than ever," : "lower than ever,";
    case AnomalyStatistic::slow_record:
      return "drifting beyond all it was,";
    case AnomalyStatistic::shift:
      return "moving to another level,";
    case AnomalyStatistic::time_of_day:
      return "drifting from what is usual at this time of the day,";
    default:
      return "back within its";
  }
}

}  // namespace

double Anomaly::one_in() const { return std::pow(10, std::clamp(score, 0.0, 9.0)); }

std::string Anomaly::rarity() const { return "1 in " + grouped(one_in()); }

std::string Anomaly::words(WallTime now) const {
  std::string out;
  if (statistic == AnomalyStatistic::vanished) {
    out = fmt::format("{} is no longer told", metric);
  } else if (statistic == AnomalyStatistic::late) {
    out = fmt::format("{} is late", metric);
  } else {
    const std::string_view side = where(*this);
    out = fmt::format("{} {} is {} usual {} to {}", metric, shown(observed),
                      side.empty() ? predicate(*this) : std::string(side) + " its", shown(expected_low),
                      shown(expected_high));
  }
  out += fmt::format(" ({}), since {}", rarity(), clock_time(since, now));
  if (peers == PeerOpinion::differ) out += "; its peers are not";
  if (peers == PeerOpinion::alike) out += "; so are its peers";
  return out;
}

}  // namespace paramedic
