#include "model/task_degradation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"

namespace paramedic {

namespace {
constexpr std::array<std::string_view, 3> kMeasures{"duration_p50", "duration_p95", "error_ratio"};
constexpr std::array<std::string_view, 4> kScopes{"pool", "version", "host", "worker"};
constexpr std::array<std::string_view, 5> kStates{"holds", "ended", "accepted", "merged", "silent"};

// Two digits that count, as people say it: 0.8 s, 2.1 s, 14 s, 250 s.
std::string seconds_text(double seconds) {
  if (seconds >= 10) return format_short(seconds, 0) + " s";
  if (seconds >= 1) return format_short(seconds, 1) + " s";
  if (seconds >= 0.1) return format_short(seconds, 2) + " s";
  return format_short(seconds * 1000, seconds >= 0.01 ? 0 : 1) + " ms";
}

std::string percent_text(double ratio) {
  const double percent = ratio * 100;
  return format_short(percent, percent >= 10 ? 0 : percent >= 1 ? 1 : 2) + " %";
}

std::string value_text(TaskMeasure what, double value) {
  return what == TaskMeasure::error_ratio ? percent_text(value) : seconds_text(value);
}

// "at 14:05", or with its date.
std::string when_text(WallTime t, WallTime now) {
  const std::string told = format_time(t), today = format_time(now);
  const std::string clock = told.substr(11, 5);
  return told.substr(0, 10) == today.substr(0, 10) ? "at " + clock : "on " + told.substr(0, 10) + " at " + clock;
}
}  // namespace

std::string_view to_string(TaskMeasure measure) { return kMeasures[std::size_t(measure)]; }
std::string_view to_string(DegradationScope scope) { return kScopes[std::size_t(scope)]; }
std::string_view to_string(DegradationState state) { return kStates[std::size_t(state)]; }

std::string TaskDegradation::key() const {
  const std::uint64_t kind = (what == TaskMeasure::error_ratio ? 8u : 0u) + std::uint64_t(scope);
  return fmt::format("pool/{}/degradation/{:016x}", pool, hash_mix(stable_hash(type, stable_hash(name)), kind));
}

double TaskDegradation::badness() const {
  if (what == TaskMeasure::error_ratio) return 10 * (after - before);
  return before > 0 && after > 0 ? std::log(after / before) : 0;
}

std::string TaskDegradation::words(WallTime now) const {
  const std::string_view subject = what == TaskMeasure::error_ratio    ? "errors"
                                   : what == TaskMeasure::duration_p95 ? "p95"
                                                                       : "p50";
  std::string out = fmt::format("{} of {} went from {} to {} {}", subject, type, value_text(what, before),
                                value_text(what, after), when_text(since, now));
  if (scope == DegradationScope::pool) {
    out += ", all over pool " + pool;
  } else {
    out += fmt::format(", only on {} {}", to_string(scope), name);
    if (siblings) out += fmt::format(" (its siblings: {})", value_text(what, *siblings));
  }
  if (state == DegradationState::holds) return out;
  return out + fmt::format("; {} {}", to_string(state), when_text(until, now));
}

}  // namespace paramedic
