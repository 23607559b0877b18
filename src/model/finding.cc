#include "model/finding.h"

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {

// What the reason says, and whether value and limit belong behind it.
std::string_view words(Reason reason) {
  switch (reason) {
    case Reason::never_heard:
      return "never heard since its start";
    case Reason::late:
      return "heartbeat late";
    case Reason::silent:
      return "no heartbeat";
    case Reason::starved:
      return "silent but burning CPU";
    case Reason::exited:
      return "process ended";
    case Reason::zombie:
      return "process is a zombie";
    case Reason::stopped:
      return "process is stopped (state T)";
    case Reason::blocked:
      return "process is blocked in the kernel (state D)";
    case Reason::cpu_high:
      return "high CPU usage";
    case Reason::memory_high:
      return "high memory usage";
    case Reason::gpu_memory_high:
      return "high GPU memory usage";
    case Reason::gpu_error:
      return "fatal GPU error (Xid)";
    case Reason::error_rate_high:
      return "high error rate";
    case Reason::slow_tasks:
      return "slow tasks";
    case Reason::hung_task:
      return "hung task";
    case Reason::round_trip_high:
      return "slow broker round trip";
    case Reason::reconnecting:
      return "reconnecting to the broker";
    case Reason::disconnected:
      return "disconnected from the broker";
    case Reason::not_consuming:
      return "takes no work while a sibling does";
    case Reason::broker_down:
      return "broker down";
    case Reason::model_slow:
      return "model loads slowly";
    case Reason::model_failed:
      return "model failed to load";
    case Reason::model_deadline:
      return "model still loading";
    case Reason::smoke_failed:
      return "smoke inference failed";
    case Reason::disk_usage_high:
      return "disk nearly full";
    case Reason::inodes_high:
      return "inodes nearly used up";
    case Reason::queue_stalled:
      return "ready work, a free slot, and nobody takes any";
    case Reason::pool_below_min:
      return "too few healthy workers";
    case Reason::pool_empty:
      return "no worker left";
    case Reason::did_not_return:
      return "did not return from its announced stop";
    case Reason::duplicate_incarnation:
      return "two incarnations alive at once";
    case Reason::crash_loop:
      return "crash loop";
    case Reason::source_blind:
      return "source is blind";
    case Reason::monitor_lag:
      return "the monitor itself lags";
    case Reason::monitor_cut_off:
      return "the monitor itself is cut off";
    case Reason::ledger_degraded:
      return "the ledger cannot commit";
    case Reason::check_failed:
      return "the check itself failed";
    case Reason::overflow:
      return "limit reached";
    case Reason::no_data:
      return "no data";
    case Reason::verification_failed:
      return "the cure did not work";
    case Reason::quarantined:
      return "quarantined: too many restarts";
    case Reason::canary_failed:
      return "a canary restart did not help";
    case Reason::shared_cause:
      return "one cause for several workers";
    case Reason::notification_failed:
      return "a notification was not delivered";
    case Reason::rule:
      return "the condition of a rule holds";
    case Reason::recycle:
      return "a planned restart is due";
    case Reason::rolling_paused:
      return "a rolling restart is paused";
    case Reason::approval_wanted:
      return "a remedy waits for approval";
    case Reason::poison_task:
      return "a task in flight at several deaths";
    case Reason::anomaly:
      return "unlike its own past";
    case Reason::forecast:
      return "will reach its limit";
    case Reason::task_degraded:
      return "tasks became worse";
    case Reason::none:
      break;
  }
  return "normal";
}

std::string_view normal(std::string_view check) {
  if (check == "heartbeat") return "Heartbeat normal";
  if (check == "resources") return "Resources normal";
  if (check == "task_performance") return "Performance normal";
  if (check == "queue_connection") return "Queues connected";
  if (check == "model_loading") return "Models ready";
  if (check == "disk_space") return "Disk space normal";
  return "Normal";
}

std::string with_unit(double value, std::string_view unit) {
  if (unit == "%") return format_short(value) + " %";
  if (unit.empty()) return format_short(value);
  return fmt::format("{} {}", format_short(value), unit);
}

}  // namespace

int badness(FindingStatus status) {
  if (status == FindingStatus::warning) return 1;
  return status == FindingStatus::critical ? 2 : 0;
}

std::string describe(const Cause& cause) {
  std::string out;
  if (!cause.subject.empty()) out = cause.subject + ": ";
  out += words(cause.reason);
  if (cause.limit != 0) {
    out += fmt::format(": {} (limit {})", with_unit(cause.value, cause.unit), with_unit(cause.limit, cause.unit));
  } else if (cause.value != 0) {
    out += fmt::format(": {}", with_unit(cause.value, cause.unit));
  }
  return out;
}

std::string Finding::message() const {
  if (!note.empty() && causes.empty()) return note;
  std::string out;
  for (const Cause& cause : causes) {
    if (badness(cause.status) == 0) continue;
    if (!out.empty()) out += "; ";
    out += describe(cause);
  }
  return out.empty() ? std::string(normal(check)) : out;
}

}  // namespace paramedic
