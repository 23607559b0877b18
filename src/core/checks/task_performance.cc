// task_performance: failed tasks, slow tasks, hung tasks.
#include <algorithm>

#include <fmt/format.h>

#include "core/checks/check.h"
#include "core/checks/checks.h"

namespace paramedic {

TaskPerformanceConfig TaskPerformanceConfig::parse(ParamsReader& reader) {
  TaskPerformanceConfig c;
  reader.read("error_rate_warning_percent", c.error_rate_warning_percent, 0, 100);
  reader.read("error_rate_critical_percent", c.error_rate_critical_percent, 0, 100);
  reader.read("window", c.window, 1min, 1h);
  reader.read("widen_to", c.widen_to, 1min, 1h);
  reader.read("min_tasks", c.min_tasks, 1, 100'000);
  reader.read("min_failures", c.min_failures, 1, 100'000);
  reader.read("slow_factor", c.slow_factor, 1, 1000);
  reader.read("min_measured", c.min_measured, 1, 100'000);
  reader.read("expected_durations", c.expected_durations, 1ms, 24h);
  reader.read("task_limits", c.task_limits, 1s, 24 * 30 * 1h);
  reader.read("hung_p50_factor", c.hung_p50_factor, 1, 1000);
  reader.read("hung_p99_factor", c.hung_p99_factor, 1, 1000);
  reader.read("hung_min", c.hung_min, 1s, 24h);
  if (c.error_rate_warning_percent >= c.error_rate_critical_percent)
    reader.problem("error_rate_warning_percent", "must be below error_rate_critical_percent");
  if (c.widen_to < c.window) reader.problem("widen_to", "must not be shorter than window");
  return c;
}

namespace {

void judge_errors(Finding& f, const FinishWindow::Sum& sum, const TaskPerformanceConfig& c) {
  if (sum.finished < std::uint64_t(c.min_tasks) || sum.failed < std::uint64_t(c.min_failures)) return;
  Cause cause;
  cause.reason = Reason::error_rate_high;
  cause.unit = "%";
  const Thresholds limits{c.error_rate_warning_percent, c.error_rate_critical_percent};
  if (judge_sampled(cause, *sum.error_rate() * 100, limits, clear_ratio)) f.causes.push_back(std::move(cause));
}

const LearnedDuration* learned(const Snapshot& s, std::uint32_t type) {
  return type < s.pool.durations.size() ? &s.pool.durations[type] : nullptr;
}

std::optional<double> expected_seconds(const LearnedDuration& type, const TaskPerformanceConfig& c) {
  if (const auto it = c.expected_durations.find(type.type); it != c.expected_durations.end())
    return to_seconds(it->second);
  if (type.learned() && type.mean_seconds > 0) return type.mean_seconds;
  return std::nullopt;
}

void judge_slow(Finding& f, const Snapshot& s, const TaskTypeFacts& facts, const TaskPerformanceConfig& c) {
  const LearnedDuration* type = learned(s, facts.type);
  if (!type) return;
  const auto expected = expected_seconds(*type, c);
  if (!expected) return;
  const auto sum = facts.window.widened(s.taken_at, std::uint64_t(c.min_tasks), c.window, c.widen_to);
  if (sum.measured < std::uint64_t(c.min_measured)) return;
  Cause cause;
  cause.reason = Reason::slow_tasks;
  cause.unit = "s";
  const Thresholds limits{c.slow_factor * *expected, std::numeric_limits<double>::infinity()};
  if (!judge_sampled(cause, *sum.mean_seconds(), limits, clear_ratio)) return;
  cause.subject = type->type;
  f.causes.push_back(std::move(cause));
}

// A configured limit replaces the learned one; without either the task may run for ever.
std::optional<Duration> hung_limit(const Snapshot& s, const InFlightFacts& task, const TaskPerformanceConfig& c) {
  const LearnedDuration* type = learned(s, task.type);
  if (!type) return std::nullopt;
  if (const auto it = c.task_limits.find(type->type); it != c.task_limits.end()) return it->second;
  if (!type->learned()) return std::nullopt;
  const double seconds = std::max(c.hung_p50_factor * type->p50_seconds, c.hung_p99_factor * type->p99_seconds);
  return std::max(c.hung_min, from_seconds(std::min(seconds, 1e8)));
}

// Names the one that is farthest over its limit.
void judge_hung(Finding& f, const Snapshot& s, const TaskPerformanceConfig& c) {
  const InFlightFacts* worst = nullptr;
  Duration worst_limit{}, worst_excess{};
  for (const InFlightFacts& task : s.worker.in_flight) {
    const auto limit = hung_limit(s, task, c);
    if (!limit) continue;
    const Duration excess = s.since(task.started) - *limit;
    if (excess <= worst_excess) continue;
    worst = &task;
    worst_limit = *limit;
    worst_excess = excess;
  }
  if (!worst) return;
  Cause cause;
  cause.reason = Reason::hung_task;
  cause.status = cause.hold_status = FindingStatus::critical;
  cause.value = to_seconds(s.since(worst->started));
  cause.limit = to_seconds(worst_limit);
  cause.unit = "s";
  cause.subject = fmt::format("{} {}", learned(s, worst->type)->type, worst->id);
  cause.remedy = RemedyKind::restart;
  f.causes.push_back(std::move(cause));
}

void add_metrics(Finding& f, const FinishWindow::Sum& sum, double per_minute) {
  f.metrics.reserve(6);
  f.metrics.emplace_back("total_tasks", double(sum.finished));
  f.metrics.emplace_back("completed_tasks", double(sum.completed()));
  f.metrics.emplace_back("failed_tasks", double(sum.failed));
  if (const auto rate = sum.error_rate()) f.metrics.emplace_back("error_rate", *rate);
  if (const auto mean = sum.mean_seconds()) f.metrics.emplace_back("avg_duration_seconds", *mean);
  f.metrics.emplace_back("tasks_per_minute", per_minute);
}

}  // namespace

// not_applicable to a worker whose tasks nobody counts; unknown while neither counts nor running tasks are fresh.
Finding check_task_performance(const Snapshot& s, const TaskPerformanceConfig& c) {
  Finding f = make_finding("task_performance", s);
  const WorkerFacts& w = s.worker;
  if (!w.capabilities.tasks && !w.tasks.stamp.at && !w.in_flight_stamp.at)
    return std::move(set_not_applicable(f, "no task data is reported"));
  if (w.dead()) return std::move(set_unknown(f, "the process has ended"));
  const bool counts = s.known(w.tasks.stamp), running = s.known(w.in_flight_stamp);
  if (!counts && !running)
    return std::move(set_unknown(f, stale_note("task", w.tasks.stamp.at ? w.tasks.stamp : w.in_flight_stamp, s)));
  if (running) judge_hung(f, s, c);
  if (counts) {
    f.evidence_at = *w.tasks.stamp.at;
    const auto sum = w.tasks.window.widened(s.taken_at, std::uint64_t(c.min_tasks), c.window, c.widen_to);
    judge_errors(f, sum, c);
    for (const TaskTypeFacts& type : w.tasks.types) judge_slow(f, s, type, c);
    add_metrics(f, sum, w.tasks.window.over(s.taken_at).per_minute());
  }
  settle(f);
  return f;
}

std::optional<SteadyTime> deadline_task_performance(const Snapshot& s, const TaskPerformanceConfig& c) {
  NextDeadline next(s.taken_at);
  if (s.worker.dead() || !s.known(s.worker.in_flight_stamp)) return std::nullopt;
  for (const InFlightFacts& task : s.worker.in_flight)
    if (const auto limit = hung_limit(s, task, c)) next.add(task.started + *limit);
  return next.next();
}

}  // namespace paramedic
