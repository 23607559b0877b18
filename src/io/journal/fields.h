// The fields of everything that an input or the restored state may hold, for coder.h. A field that is new in model does
// not compile until it stands here; it changes shape_of_inputs(), so that older journals are told apart.
// Internal to io/journal.
#pragma once
#include "io/journal/coder.h"
#include "model/effects.h"
#include "model/input.h"

namespace paramedic::journal {

// ---- reports ----
PARAMEDIC_JOURNAL_FIELDS(Capabilities, voice, tasks, queues, models, process)
PARAMEDIC_JOURNAL_FIELDS(ExitInfo, code, signal, oom, unknown_cause)
PARAMEDIC_JOURNAL_FIELDS(ProcessPart, pid, started_at, state, threads, open_files, exit, last_words)
PARAMEDIC_JOURNAL_FIELDS(GpuPart, id, utilization, memory_percent, temperature_celsius, xid)
PARAMEDIC_JOURNAL_FIELDS(ResourcesPart, cpu_percent, cpu_cores, memory_percent, memory_mb, memory_limit_kind,
                         memory_limit_mb, gpus)
PARAMEDIC_JOURNAL_FIELDS(DiskPart, mount, used_percent, free_bytes, inodes_used_percent)
PARAMEDIC_JOURNAL_FIELDS(DurationHistogram, counts, sum_seconds)
PARAMEDIC_JOURNAL_FIELDS(TaskPart, type, started, completed, failed, retried, revoked, lost, durations)
PARAMEDIC_JOURNAL_FIELDS(InFlightTask, id, type, started_at, args_digest, traceparent)
PARAMEDIC_JOURNAL_FIELDS(QueuePart, broker, name, connected, paused, rtt_ms, ready, oldest_age_seconds, consumed)
PARAMEDIC_JOURNAL_FIELDS(ModelPart, name, state, load_seconds, progress, error, smoke_ok)
PARAMEDIC_JOURNAL_FIELDS(StopNotice, reason, back_within)
PARAMEDIC_JOURNAL_FIELDS(Report, worker_id, pool, host, version, incarnation, seq, sent_at, age, alive_at, period,
                         capabilities, state, stop, concurrency, labels, process, resources, disks, tasks, in_flight,
                         queues, models, metrics)

// ---- what people are told ----
PARAMEDIC_JOURNAL_FIELDS(Alert, key, incident_id, state, severity, reason, rule, check, worker_id, pool, host, title,
                         message, labels, started_at, ended_at, closed_as, annotations, hard_evidence)
PARAMEDIC_JOURNAL_FIELDS(TimelineEntry, at, kind, text)
PARAMEDIC_JOURNAL_FIELDS(Incident, id, scope, severity, title, pool, host, workers, affected_workers, alert_keys,
                         timeline, started_at, ended_at)
PARAMEDIC_JOURNAL_FIELDS(Matcher, label, op, value)
PARAMEDIC_JOURNAL_FIELDS(Silence, id, matchers, starts_at, ends_at, author, comment, created_at, ended_at, ended_by)
PARAMEDIC_JOURNAL_FIELDS(Acknowledgement, incident_id, author, comment, at, until, on, external_id)
PARAMEDIC_JOURNAL_FIELDS(Notification, id, group_key, channel, route, kind, severity, incident_id, title, text,
                         group_labels, common_labels, alerts, alert_count, firing_count, worker_count,
                         needs_acknowledgement, escalation_step, actor, at, sequence, members)
PARAMEDIC_JOURNAL_FIELDS(NotificationRecord, notification, state, attempts, tried_at, ended_at, answer, merged_into,
                         failed_over_to, remote_id)
PARAMEDIC_JOURNAL_FIELDS(DeliveryOutcome, notification_id, state, attempts, at, answer, remote_id, merged_into, digest)

// ---- inputs ----
PARAMEDIC_JOURNAL_FIELDS(ReportInput, report, source, received, backlog)
PARAMEDIC_JOURNAL_FIELDS(SourceInput, source, kind, id_scope, state, host, boot_id, version, period, can_restart,
                         expiry, received)
PARAMEDIC_JOURNAL_FIELDS(SourceFrameInput, source, received)
PARAMEDIC_JOURNAL_FIELDS(ProgressInput, source, action_id, worker_id, step, done, ok, new_incarnation, message,
                         received, held_back, retry_after)
PARAMEDIC_JOURNAL_FIELDS(AgentStartInput, source, action_id, worker_id, previous_incarnation, incarnation, crashes, ago,
                         exit, last_words, received)
PARAMEDIC_JOURNAL_FIELDS(RollingWish, pool, version, host, at_once, at_once_percent, pause_on_failure)
PARAMEDIC_JOURNAL_FIELDS(CommandInput, command_id, verb, worker_id, pool, actor, reason, force, duration,
                         idempotency_key, target, author, dry_run, silence, rolling, received)
PARAMEDIC_JOURNAL_FIELDS(LedgerStateInput, degraded, text)
PARAMEDIC_JOURNAL_FIELDS(DeliveryInput, outcome, received)
PARAMEDIC_JOURNAL_FIELDS(ProbeInput, name, kind, broker, ok, text, took, at)

// ---- what the engine began with ----
PARAMEDIC_JOURNAL_FIELDS(ActionStep, step, at, message)
PARAMEDIC_JOURNAL_FIELDS(ActionRecord, action_id, worker_id, pool, host, incarnation, new_incarnation, kind, state,
                         step, reason, text, actor, executor, rolling_id, by_operator, counted_start, counted_stop,
                         canary_of, requested_at, sent_at, verify_since, ended_at, outcome, steps)
PARAMEDIC_JOURNAL_FIELDS(WorkerRecord, worker_id, pool, host, source, version, incarnation, state, status, back_within,
                         since, forgotten)
PARAMEDIC_JOURNAL_FIELDS(BudgetRecord, action_id, worker_id, pool, host, stop, crash, at, returned)
PARAMEDIC_JOURNAL_FIELDS(QuarantineRecord, worker_id, pool, reason, actor, on, by_operator, at)
PARAMEDIC_JOURNAL_FIELDS(MaintenanceRecord, id, reason, actor, on, until, at)
PARAMEDIC_JOURNAL_FIELDS(BigSwitchRecord, held, reason, actor, at)
PARAMEDIC_JOURNAL_FIELDS(BackoffClearedRecord, worker_id, reason, crashes_only, at)
PARAMEDIC_JOURNAL_FIELDS(NotificationGroup, key, route, labels, incident_id, title, open, storm, sequence,
                         told_severity, channels, members, step, opened_at, told_at, step_at, held_until, follows)
PARAMEDIC_JOURNAL_FIELDS(DeathTask, id, type, args_digest, ran, living)
PARAMEDIC_JOURNAL_FIELDS(DeathRecord, worker_id, pool, host, incarnation, how, stopped, at, told_ago, living, tasks)
PARAMEDIC_JOURNAL_FIELDS(RollingTarget, rolling_id, worker_id, pool, incarnation, turn, state, action_id, tries, at)
PARAMEDIC_JOURNAL_FIELDS(RollingNote, worker_id, state, text, at)
PARAMEDIC_JOURNAL_FIELDS(RollingRecord, id, wish, state, reason, actor, total, done, skipped, failed, now, held, text,
                         changed_by, started_at, changed_at, ended_at, notes)
PARAMEDIC_JOURNAL_FIELDS(LedgerState, actions, workers, budgets, quarantines, maintenance, big_switch, backoff_cleared,
                         incidents, alerts, notifications, silences, acknowledgements, groups, rollings,
                         rolling_targets, deaths)

// An input without fields has nothing to bind.
template <class Coder>
void code_fields(Coder& coder, InOut<Coder, ShutdownInput>&) {
  coder("ShutdownInput", "");
}

}  // namespace paramedic::journal
