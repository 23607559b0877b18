#include "io/telemetry/exporter.h"

#include <array>
#include <functional>
#include <map>

#include "io/telemetry/catalogue.h"

namespace paramedic::telemetry {

namespace {

namespace f = families;
using Number = std::uint64_t;

double unix_seconds(WallTime t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

void flag(MetricsWriter& out, LabelSet labels, bool value) { out.sample(labels, Number{value ? 1u : 0u}); }

void single(MetricsWriter& out, const MetricFamily& family, auto value) {
  out.begin(family);
  out.sample({}, value);
}

// gone_at: rounds and reports end when a worker is gone, so the youngest of its times bounds it.
WallTime last_sign(const WorkerView& w) {
  WallTime latest = std::max(w.status_since, w.last_check);
  if (w.last_report) latest = std::max(latest, *w.last_report);
  return latest;
}

bool exported(const WorkerView& w, WallTime now) {
  return w.state != WorkerState::gone || now - last_sign(w) <= kGoneExportedFor;
}

// One family over all workers that still have series.
template <class Each>
void per_worker(MetricsWriter& out, const MetricFamily& family, const FleetView& view, const Each& each) {
  out.begin(family);
  for (const auto& page : view.pages)
    for (const auto& worker : page->workers)
      if (exported(*worker, view.at)) each(*worker);
}

void metric_of_workers(MetricsWriter& out, const MetricFamily& family, const FleetView& view, std::string_view metric) {
  per_worker(out, family, view, [&](const WorkerView& w) {
    if (w.state == WorkerState::gone) return;
    if (const auto value = w.metrics.find(metric)) out.sample({{"worker_id", w.worker_id}}, *value);
  });
}

void write_tasks(MetricsWriter& out, const FleetView& view) {
  per_worker(out, f::task_duration, view, [&](const WorkerView& w) {
    for (const TaskTypeView& t : w.tasks)
      out.histogram({{"worker_id", w.worker_id}, {"task_type", t.type}}, t.durations);
  });
  per_worker(out, f::task_total, view, [&](const WorkerView& w) {
    for (const TaskTypeView& t : w.tasks) {
      const std::array<std::pair<std::string_view, Number>, 5> counts{{{"completed", t.completed},
                                                                       {"failed", t.failed},
                                                                       {"retried", t.retried},
                                                                       {"revoked", t.revoked},
                                                                       {"lost", t.lost}}};
      for (const auto& [status, count] : counts)
        out.sample({{"worker_id", w.worker_id}, {"task_type", t.type}, {"status", status}}, count);
    }
  });
}

void write_brief(MetricsWriter& out, const FleetView& view) {
  per_worker(out, f::health_score, view, [&](const WorkerView& w) {
    if (w.state == WorkerState::gone)
      out.sample({{"worker_id", w.worker_id}}, Number{0});
    else if (w.verdict->score)
      out.sample({{"worker_id", w.worker_id}}, *w.verdict->score);
  });
  metric_of_workers(out, f::cpu_percent, view, "cpu_percent");
  metric_of_workers(out, f::memory_mb, view, "memory_mb");
  write_tasks(out, view);
}

void write_workers(MetricsWriter& out, const FleetView& view) {
  per_worker(out, f::worker_info, view, [&](const WorkerView& w) {
    out.sample(
        {{"worker_id", w.worker_id}, {"pool", w.pool}, {"host", w.host}, {"version", w.version}, {"source", w.source}},
        Number{1});
  });
  per_worker(out, f::worker_status, view, [&](const WorkerView& w) {
    out.sample({{"worker_id", w.worker_id}, {"status", to_string(w.verdict->status)}}, Number{1});
  });
  per_worker(out, f::worker_state, view, [&](const WorkerView& w) {
    out.sample({{"worker_id", w.worker_id}, {"state", to_string(w.state)}}, Number{1});
  });
  per_worker(out, f::worker_heartbeat, view, [&](const WorkerView& w) {
    if (w.alive_at) out.sample({{"worker_id", w.worker_id}}, unix_seconds(*w.alive_at));
  });
  per_worker(out, f::worker_report, view, [&](const WorkerView& w) {
    if (w.last_report) out.sample({{"worker_id", w.worker_id}}, unix_seconds(*w.last_report));
  });
  per_worker(out, f::worker_crashes, view, [&](const WorkerView& w) {
    out.sample({{"worker_id", w.worker_id}}, double(w.crashes));
  });
  per_worker(out, f::worker_held, view, [&](const WorkerView& w) {
    if (w.held) out.sample({{"worker_id", w.worker_id}, {"reason", to_string(w.held->code)}}, Number{1});
  });
  per_worker(out, f::worker_anomaly, view, [&](const WorkerView& w) {
    if (w.analysis && w.analysis->scored) out.sample({{"worker_id", w.worker_id}}, w.analysis->score);
  });
  per_worker(out, f::worker_limit_in, view, [&](const WorkerView& w) {
    if (!w.analysis) return;
    for (const Forecast& forecast : w.analysis->forecasts)
      out.sample({{"worker_id", w.worker_id}, {"metric", forecast.metric}},
                 std::max(0.0, to_seconds(forecast.reaches_at - view.at)));
  });
}

void write_analysis(MetricsWriter& out, const FleetView& view) {
  const EngineStats& s = view.stats;
  single(out, f::analysis_workers, s.analysis_workers);
  single(out, f::analysis_bytes, s.analysis_bytes);
  single(out, f::analysis_limit, s.analysis_limit_bytes);
  single(out, f::analysis_samples, s.analysis_samples);
  single(out, f::analysis_degraded, s.analysis_degraded);
  single(out, f::analysis_refused, s.analysis_refused);
  single(out, f::analysis_states_refused, s.analysis_states_refused);
  single(out, f::task_degradations, view.degradations ? view.degradations->size() : std::size_t{0});
  std::array<Number, kEnumCount<AnomalyLevel>> levels{};
  Number firing = 0;
  for (const auto& page : view.pages)
    for (const auto& worker : page->workers) {
      if (!worker->analysis) continue;
      ++levels[std::size_t(worker->analysis->level)];
      for (const Forecast& forecast : worker->analysis->forecasts) firing += forecast.alert_since ? 1 : 0;
    }
  out.begin(f::workers_unusual);
  for (const AnomalyLevel level : {AnomalyLevel::warning, AnomalyLevel::critical})
    out.sample({{"level", to_string(level)}}, levels[std::size_t(level)]);
  single(out, f::forecast_alerts, firing);
}

// "status" over the five counts; `with` adds the labels in front.
void write_counts(const StatusCounts& c, const std::function<void(std::string_view, int)>& with) {
  with("healthy", c.healthy);
  with("warning", c.warning);
  with("critical", c.critical);
  with("unknown", c.unknown);
  with("inactive", c.inactive);
}

void write_pools(MetricsWriter& out, const FleetView& view) {
  out.begin(f::workers);
  write_counts(view.counts, [&](std::string_view status, int n) { out.sample({{"status", status}}, double(n)); });
  out.begin(f::pool_workers);
  for (const PoolView& p : view.pools)
    write_counts(p.counts, [&](std::string_view status, int n) {
      out.sample({{"pool", p.name}, {"status", status}}, double(n));
    });
  out.begin(f::pool_frozen);
  for (const PoolView& p : view.pools) flag(out, {{"pool", p.name}}, p.frozen.has_value());
  out.begin(f::pool_maintenance);
  for (const PoolView& p : view.pools) flag(out, {{"pool", p.name}}, p.maintenance);
  out.begin(f::pool_down);
  for (const PoolView& p : view.pools) out.sample({{"pool", p.name}}, double(p.down_now));
  out.begin(f::pool_down_allowed);
  for (const PoolView& p : view.pools) out.sample({{"pool", p.name}}, double(p.down_allowed));
}

void write_queues(MetricsWriter& out, const FleetView& view) {
  out.begin(f::queue_ready);
  for (const QueueView& q : view.queues)
    if (q.ready) out.sample({{"broker", q.broker}, {"queue", q.name}}, *q.ready);
  out.begin(f::queue_age);
  for (const QueueView& q : view.queues)
    if (q.oldest_age_seconds) out.sample({{"broker", q.broker}, {"queue", q.name}}, *q.oldest_age_seconds);
  out.begin(f::queue_connected);
  for (const QueueView& q : view.queues) out.sample({{"broker", q.broker}, {"queue", q.name}}, double(q.connected));
  out.begin(f::broker_down);
  for (const QueueView& q : view.queues) flag(out, {{"broker", q.broker}, {"queue", q.name}}, q.broker_down);
}

template <class List, class Counts>
void write_by_severity(MetricsWriter& out, const MetricFamily& family, const List& list, const Counts& counts_in) {
  std::array<Number, kEnumCount<Severity>> by{};
  for (const auto& item : list)
    if (counts_in(item)) ++by[std::size_t(item.severity)];
  out.begin(family);
  for (std::size_t s = 0; s < by.size(); ++s) out.sample({{"severity", to_string(static_cast<Severity>(s))}}, by[s]);
}

void write_recovery(MetricsWriter& out, const FleetView& view) {
  const EngineStats& s = view.stats;
  write_by_severity(out, f::alerts, view.alerts, [](const Alert& a) { return a.state == AlertState::firing; });
  write_by_severity(out, f::incidents, view.incidents, [](const Incident& i) { return i.open(); });
  single(out, f::big_switch, Number{view.big_switch_held});
  std::array<std::uint64_t, kEnumCount<RollingState>> rollings{};
  for (const RollingRecord& r : view.rollings) ++rollings[std::size_t(r.state)];
  out.begin(f::rolling_restarts);
  for (std::size_t i = 0; i < rollings.size(); ++i)
    out.sample({{"state", to_string(RollingState(i))}}, Number{rollings[i]});
  single(out, f::starts_wanted, s.starts_wanted);
  single(out, f::starts_done, s.starts_done);
  single(out, f::stops_wanted, s.stops_wanted);
  single(out, f::stops_ordered, s.stops_ordered);
  single(out, f::stops_done, s.stops_done);
  out.begin(f::held);
  for (const auto& [key, count] : s.held) {
    const std::string_view text = key;
    const auto slash = text.find('/');
    const auto reason = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
    out.sample({{"kind", text.substr(0, slash)}, {"reason", reason}}, count);
  }
  out.begin(f::actions);
  out.sample({{"result", "succeeded"}}, s.actions_succeeded);
  out.sample({{"result", "failed"}}, s.actions_failed);
  single(out, f::transitions, s.transitions);
}

void write_probes(MetricsWriter& out, const MonitorStats& stats) {
  out.begin(f::probe_up);
  for (const ProbeRow& row : stats.probes) flag(out, {{"probe", row.probe}}, row.up);
  out.begin(f::probe_duration);
  for (const ProbeRow& row : stats.probes) out.sample({{"probe", row.probe}}, row.duration_seconds);
  out.begin(f::probe_failures);
  for (const ProbeRow& row : stats.probes) out.sample({{"probe", row.probe}}, row.failures);
}

void write_intake(MetricsWriter& out, const FleetView& view, const MonitorStats& stats) {
  const EngineStats& s = view.stats;
  std::map<std::pair<SourceKind, SourceState>, Number> sources;
  for (const SourceView& source : view.sources) ++sources[{source.kind, source.state}];
  out.begin(f::sources);
  for (const auto& [key, n] : sources)
    out.sample({{"kind", to_string(key.first)}, {"state", to_string(key.second)}}, n);
  single(out, f::reports, s.reports);
  single(out, f::samples, s.samples);
  single(out, f::reports_late, s.reports_late);
  single(out, f::reports_duplicate, s.reports_duplicate);
  single(out, f::reports_backlog, s.reports_backlog);
  single(out, f::unknown_members, stats.unknown_report_members);
  single(out, f::refused_workers, s.workers_refused);
  single(out, f::refused_rate, s.ids_refused_rate);
  single(out, f::counter_resets, s.counter_resets);
  single(out, f::types_folded, s.task_types_folded);
  single(out, f::pool_conflicts, s.pool_conflicts);
  single(out, f::duplicates, s.duplicate_incarnations);
  out.begin(f::inbox_depth);
  for (const InboxLane& lane : stats.inbox) out.sample({{"lane", lane.lane}}, lane.depth);
  single(out, f::inbox_age, to_seconds(stats.inbox_oldest_age));
  out.begin(f::inbox_refused);
  for (const InboxLane& lane : stats.inbox) out.sample({{"lane", lane.lane}}, lane.refused);
  write_probes(out, stats);
  single(out, f::rounds, s.rounds);
  single(out, f::round_lag, s.round_lag_seconds);
  single(out, f::checks_failed, s.checks_failed);
  single(out, f::poison_tasks, view.poison_tasks ? view.poison_tasks->size() : std::size_t{0});
  single(out, f::poison_evicted, s.poison_evicted);
  write_analysis(out, view);
  single(out, f::rules, s.rules);
  single(out, f::rule_evaluations, s.rule_evaluations);
  single(out, f::rule_cut, s.rule_alerts_cut);
  if (!stats.config_reloaded) return;
  single(out, f::config_reload_ok, Number{stats.config_reload_ok});
  single(out, f::config_reload_time, unix_seconds(*stats.config_reloaded));
}

void write_storage(MetricsWriter& out, const FleetView& view, const MonitorStats& stats) {
  single(out, f::history_rows, stats.history_rows);
  if (stats.history_bytes) single(out, f::history_bytes, *stats.history_bytes);
  single(out, f::history_errors, stats.history_errors);
  single(out, f::history_degraded, Number{stats.history_degraded});
  single(out, f::history_buffered, stats.history_buffered);
  single(out, f::history_dropped, stats.history_dropped);
  single(out, f::history_damaged, stats.history_damaged);
  single(out, f::history_open_bytes, stats.history_open_bytes);
  single(out, f::history_flush, stats.history_flush_seconds);
  single(out, f::ledger_commits, stats.ledger_commits);
  single(out, f::ledger_errors, stats.ledger_errors);
  single(out, f::ledger_degraded, Number{view.ledger_degraded});
  single(out, f::ledger_reserve_spent, Number{stats.ledger_reserve_spent});
  single(out, f::ledger_pruned, stats.ledger_pruned);
  single(out, f::ledger_store_away, Number{stats.ledger_store_away});
  single(out, f::ledger_spool_bytes, stats.ledger_spool_bytes);
  single(out, f::ledger_spool_waiting, stats.ledger_spool_waiting);
  single(out, f::ledger_spooled, stats.ledger_spooled);
  single(out, f::ledger_replayed, stats.ledger_replayed);
}

void write_journal(MetricsWriter& out, const MonitorStats& stats) {
  if (!stats.input_journal) return;
  const InputJournalRow& journal = *stats.input_journal;
  single(out, f::journal_bytes, journal.size_bytes);
  single(out, f::journal_queue, journal.queued_bytes);
  single(out, f::journal_written, journal.written_bytes);
  single(out, f::journal_records, journal.records);
  single(out, f::journal_dropped, journal.dropped);
  single(out, f::journal_errors, journal.errors);
  single(out, f::journal_degraded, Number{journal.degraded});
}

void write_remote(MetricsWriter& out, const MonitorStats& stats) {
  const auto each = [&](const MetricFamily& family, auto RemoteWriteRow::*member) {
    out.begin(family);
    for (const RemoteWriteRow& row : stats.remote_write) out.sample({{"destination", row.destination}}, row.*member);
  };
  const auto by_reason = [&](const MetricFamily& family, auto RemoteWriteRow::*member) {
    out.begin(family);
    for (const RemoteWriteRow& row : stats.remote_write)
      for (const auto& [reason, count] : row.*member)
        out.sample({{"destination", row.destination}, {"reason", reason}}, count);
  };
  each(f::remote_pending, &RemoteWriteRow::pending_samples);
  each(f::remote_bytes, &RemoteWriteRow::queue_bytes);
  each(f::remote_lag, &RemoteWriteRow::lag_seconds);
  each(f::remote_sent, &RemoteWriteRow::sent_samples);
  by_reason(f::remote_dropped, &RemoteWriteRow::dropped);
  each(f::remote_requests, &RemoteWriteRow::requests);
  by_reason(f::remote_failed, &RemoteWriteRow::failed);
}

void write_executors(MetricsWriter& out, const MonitorStats& stats) {
  out.begin(f::executor_jobs);
  for (const ExecutorRow& row : stats.executors)
    for (const auto& [outcome, count] : row.jobs)
      out.sample({{"pool", row.pool}, {"kind", row.kind}, {"outcome", outcome}}, count);
  out.begin(f::executor_seconds);
  for (const ExecutorRow& row : stats.executors) out.histogram({{"pool", row.pool}, {"kind", row.kind}}, row.seconds);
}

void write_notifications(MetricsWriter& out, const MonitorStats& stats) {
  const auto each = [&](const MetricFamily& family, auto value_of) {
    out.begin(family);
    for (const NotificationRow& row : stats.notifications) out.sample({{"channel", row.channel}}, value_of(row));
  };
  const auto by_result = [&](const MetricFamily& family, auto NotificationRow::*member) {
    out.begin(family);
    for (const NotificationRow& row : stats.notifications)
      for (const auto& [result, count] : row.*member) out.sample({{"channel", row.channel}, {"result", result}}, count);
  };
  const auto histogram = [&](const MetricFamily& family, auto NotificationRow::*member) {
    out.begin(family);
    for (const NotificationRow& row : stats.notifications) out.histogram({{"channel", row.channel}}, row.*member);
  };
  each(f::notify_queued, [](const NotificationRow& row) { return row.queued; });
  each(f::notify_oldest, [](const NotificationRow& row) { return row.oldest_age_seconds; });
  by_result(f::notify_ended, &NotificationRow::ended);
  by_result(f::notify_sends, &NotificationRow::sends);
  histogram(f::notify_send, &NotificationRow::send_seconds);
  histogram(f::notify_delivery, &NotificationRow::delivery_seconds);
  each(f::notify_throttled, [](const NotificationRow& row) { return row.throttled; });
  each(f::notify_degraded, [](const NotificationRow& row) { return row.degraded; });
  each(f::notify_failing, [](const NotificationRow& row) { return Number{row.failing}; });
  if (!stats.dead_man) return;
  out.begin(f::dead_man_pings);
  for (const auto& [result, count] : stats.dead_man->pings) out.sample({{"result", result}}, count);
  if (stats.dead_man->last) single(out, f::dead_man_last, unix_seconds(*stats.dead_man->last));
}

void write_process(MetricsWriter& out, const MonitorStats& stats) {
  out.begin(f::http_requests);
  for (const HttpCount& c : stats.http)
    out.sample({{"method", c.method}, {"route", c.route}, {"status", std::to_string(c.status)}}, c.count);
  single(out, f::http_connections, stats.http_connections);
  single(out, f::http_accepted, stats.http_connections_total);
  single(out, f::http_refused, stats.http_refused_connections);
  single(out, f::http_errors, stats.http_errors);
  single(out, f::auth_failures, stats.auth_failures);
  single(out, f::event_clients, stats.event_clients);
  single(out, f::event_overflows, stats.event_overflows);
  out.begin(f::build_info);
  out.sample({{"version", stats.version}}, Number{1});
  single(out, f::process_cpu, stats.process_cpu_seconds);
  single(out, f::process_memory, stats.process_resident_bytes);
  single(out, f::process_start, unix_seconds(stats.started_at));
}

}  // namespace

std::string render(const FleetView& view, const MonitorStats& stats, PageFormat format) {
  MetricsWriter out(format);
  write_brief(out, view);
  write_workers(out, view);
  write_pools(out, view);
  write_queues(out, view);
  write_recovery(out, view);
  write_intake(out, view, stats);
  write_storage(out, view, stats);
  write_journal(out, stats);
  write_remote(out, stats);
  write_executors(out, stats);
  write_notifications(out, stats);
  write_process(out, stats);
  return out.finish();
}

std::span<const MetricFamily> metric_catalogue() {
  static constexpr std::array kAll = {
#define PARAMEDIC_FAMILY(id, ...) f::id,
#include "io/telemetry/families.def"
#undef PARAMEDIC_FAMILY
  };
  return kAll;
}

}  // namespace paramedic::telemetry
