#include "core/recovery/loss_forecast.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {

// When it is still running as its worker is stopped.
void judge_end(TaskForecast& task, Acknowledge acknowledge) {
  switch (acknowledge) {
    case Acknowledge::late:
      task.fate = TaskFate::redone;
      task.why = "acknowledged after its end: the broker hands it out again";
      return;
    case Acknowledge::early:
      task.fate = TaskFate::lost;
      task.why = "acknowledged when it was taken: nobody does it again";
      return;
    case Acknowledge::unknown:
      task.fate = TaskFate::unknown;
      task.why = "lost or done again: when its pool acknowledges is not configured (pools.NAME.tasks.acknowledge)";
  }
}

void judge(TaskForecast& task, std::optional<double> usual, Acknowledge acknowledge, Duration drain) {
  judge_end(task, acknowledge);
  if (drain <= Duration{0}) return;
  const std::string limit = format_duration(drain);
  if (!usual || !task.running_seconds) {
    task.why = fmt::format("how long it takes is not known; if longer than the drain of {}: {}", limit, task.why);
    return;
  }
  const double left = *usual - *task.running_seconds;
  if (left >= 0 && left <= to_seconds(drain)) {
    task.fate = TaskFate::safe;
    task.why =
        fmt::format("99 % of its type end within {} s: it has the drain of {} to do so", format_short(*usual), limit);
  } else if (left > 0) {
    task.why = fmt::format("it may need {} s more, the drain is {}; {}", format_short(left, 0), limit, task.why);
  } else {
    task.why = fmt::format("it runs longer than 99 % of its type ({} s); {}", format_short(*usual), task.why);
  }
}

}  // namespace

LossForecast forecast_losses(const RecoveryWorkerFacts& f, RemedyKind kind, const RecoveryPolicy& policy,
                             const Now& now) {
  LossForecast out;
  out.kind = kind;
  out.known = f.tasks_known;
  if (!is_stop(kind)) return out;  // a dead worker has nothing to lose any more
  const bool drains = kind == RemedyKind::drain_restart && f.by_agent;
  for (std::size_t i = 0; i < f.in_flight.size(); ++i) {
    const InFlightTask& t = f.in_flight[i];
    TaskForecast& task = out.tasks.emplace_back();
    task.id = t.id;
    task.type = t.type;
    task.since = t.started_at;
    if (t.started_at) task.running_seconds = std::max(to_seconds(now.wall - *t.started_at), 0.0);
    const auto usual = i < f.usual_seconds.size() ? f.usual_seconds[i] : std::nullopt;
    judge(task, usual, f.acknowledge, drains ? policy.drain : Duration{0});
  }
  std::stable_sort(out.tasks.begin(), out.tasks.end(), [](const TaskForecast& a, const TaskForecast& b) {
    return a.running_seconds.value_or(-1) > b.running_seconds.value_or(-1);
  });
  if (out.tasks.size() > LossForecast::kMaxTasks) {
    out.left_out = int(out.tasks.size() - LossForecast::kMaxTasks);
    out.tasks.resize(LossForecast::kMaxTasks);
  }
  return out;
}

std::string in_words(const LossForecast& forecast) {
  if (!forecast.known) return "its tasks in flight are unknown";
  const std::size_t all = forecast.tasks.size() + std::size_t(forecast.left_out);
  if (all == 0) return "no task is in flight";
  std::array<int, kEnumCount<TaskFate>> counts{};
  for (const TaskForecast& t : forecast.tasks) ++counts[std::size_t(t.fate)];
  const std::array<std::string_view, kEnumCount<TaskFate>> words{"safe", "done again", "lost", "lost or done again"};
  std::string out = fmt::format("{} task{} in flight", all, all == 1 ? "" : "s");
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) out += fmt::format(", {} {}", counts[i], words[i]);
  constexpr std::size_t kNamed = 5;
  for (std::size_t i = 0; i < std::min(forecast.tasks.size(), kNamed); ++i) {
    const TaskForecast& t = forecast.tasks[i];
    out += fmt::format("{}{} {} (", i ? ", " : ": ", t.type.empty() ? "task" : t.type, t.id);
    if (t.running_seconds) out += fmt::format("running {} s, ", format_short(*t.running_seconds, 0));
    out += fmt::format("{})", words[std::size_t(t.fate)]);
  }
  return all > kNamed ? out + fmt::format(" and {} more", all - kNamed) : out;
}

}  // namespace paramedic
