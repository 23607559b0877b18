// The closed vocabularies of the product, with the one spelling that logs, metrics, JSON, the page and tests share.
#pragma once
#include "base/enum_names.h"

namespace paramedic {

// Of a worker (verdict).
enum class Status { unknown, critical, warning, healthy };
PARAMEDIC_ENUM_NAMES(Status, "unknown", "critical", "warning", "healthy")

// Of one check or cause. error = the check itself failed; not_applicable = this worker cannot be judged by it at all.
enum class FindingStatus { healthy, warning, critical, unknown, error, not_applicable };
PARAMEDIC_ENUM_NAMES(FindingStatus, "healthy", "warning", "critical", "unknown", "error", "not_applicable")

// Lifecycle beside the status. stopped and gone workers are `inactive` in every count.
enum class WorkerState { starting, running, draining, stopping, restarting, quarantined, maintenance, stopped, gone };
PARAMEDIC_ENUM_NAMES(WorkerState, "starting", "running", "draining", "stopping", "restarting", "quarantined",
                     "maintenance", "stopped", "gone")
inline bool is_inactive(WorkerState s) { return s == WorkerState::stopped || s == WorkerState::gone; }

enum class Severity { info, warning, critical };
PARAMEDIC_ENUM_NAMES(Severity, "info", "warning", "critical")

// Why a worker announced its stop (report field stop.reason): no incident.
enum class StopReason { drain, deploy, scale_down, recycle, operator_request };
PARAMEDIC_ENUM_NAMES(StopReason, "drain", "deploy", "scale_down", "recycle", "operator")

enum class ModelState { loading, ready, failed, unloaded };
PARAMEDIC_ENUM_NAMES(ModelState, "loading", "ready", "failed", "unloaded")

// Why a cause exists. One word per thing an operator would say.
enum class Reason {
  none,
  // heartbeat
  never_heard,
  late,
  silent,
  starved,
  exited,
  zombie,
  stopped,  // process state T
  blocked,  // process state D
  // resources
  cpu_high,
  memory_high,
  gpu_memory_high,
  gpu_error,
  // task_performance
  error_rate_high,
  slow_tasks,
  hung_task,
  // queue_connection
  round_trip_high,
  reconnecting,
  disconnected,
  not_consuming,
  broker_down,
  // model_loading
  model_slow,
  model_failed,
  model_deadline,
  smoke_failed,
  // disk_space
  disk_usage_high,
  inodes_high,
  // pool findings
  queue_stalled,
  pool_below_min,
  pool_empty,
  did_not_return,
  duplicate_incarnation,
  crash_loop,
  // sources, the monitor itself
  source_blind,
  monitor_lag,
  monitor_cut_off,  // the monitor's own network is gone
  ledger_degraded,
  check_failed,
  overflow,
  no_data,
  // recovery
  verification_failed,
  quarantined,
  canary_failed,  // a frozen pool stays so
  // alerting
  shared_cause,         // several workers turned ill that have something in common
  notification_failed,  // a channel could not be reached
  rule,                 // the condition of a rule that people wrote
  recycle,              // a planned restart of a worker that is well: never an alert
  // recovery asks people
  rolling_paused,   // a rolling restart waits for a person
  approval_wanted,  // a remedy waits for a person
  // analysis
  poison_task,    // the same task was in flight at several deaths
  anomaly,        // metrics of a worker are unlike its own past, and its peers are well
  forecast,       // a metric will reach its limit soon
  task_degraded,  // tasks of a type became lastingly slower or fail more
};
PARAMEDIC_ENUM_NAMES(Reason, "none", "never_heard", "late", "silent", "starved", "exited", "zombie", "stopped",
                     "blocked", "cpu_high", "memory_high", "gpu_memory_high", "gpu_error", "error_rate_high",
                     "slow_tasks", "hung_task", "round_trip_high", "reconnecting", "disconnected", "not_consuming",
                     "broker_down", "model_slow", "model_failed", "model_deadline", "smoke_failed", "disk_usage_high",
                     "inodes_high", "queue_stalled", "pool_below_min", "pool_empty", "did_not_return",
                     "duplicate_incarnation", "crash_loop", "source_blind", "monitor_lag", "monitor_cut_off",
                     "ledger_degraded", "check_failed", "overflow", "no_data", "verification_failed", "quarantined",
                     "canary_failed", "shared_cause", "notification_failed", "rule", "recycle", "rolling_paused",
                     "approval_wanted", "poison_task", "anomaly", "forecast", "task_degraded")

}  // namespace paramedic
