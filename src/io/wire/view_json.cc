#include "io/wire/view_json.h"

#include <algorithm>

#include "io/wire/analysis_json.h"

namespace paramedic::wire {

namespace {

template <class List, class Write>
void write_list(JsonWriter& w, std::string_view key, const List& list, Write write) {
  w.key(key).begin_array();
  for (const auto& item : list) write(w, item);
  w.end_array();
}

// Empty text is "not known": null in answers to people and programs.
JsonWriter& text_field(JsonWriter& w, std::string_view key, const std::string& text) {
  return text.empty() ? w.key(key).null() : w.field(key, text);
}

void write_pending(JsonWriter& w, const Pending& p) {
  w.begin_object().field("check_name", p.check).field("reason", p.reason);
  text_field(w, "subject", p.subject)
      .field("from", p.from)
      .field("to", p.to)
      .field("seen", p.seen)
      .field("needed", p.needed);
  w.end_object();
}

// A step lasts until the next one begins.
void write_step(JsonWriter& w, const ActionStep& step, const ActionStep* next) {
  w.begin_object().field("step", step.step).field("at", step.at).key("duration_seconds");
  if (next)
    w.seconds(std::max(next->at - step.at, Duration{0}));
  else
    w.null();
  text_field(w, "message", step.message).end_object();
}

// The action in one line, for the list.
void write_action_short(JsonWriter& w, const ActionRecord& a) {
  w.begin_object().field("action_id", a.action_id).field("kind", a.kind).field("state", a.state).field("step", a.step);
  w.field("reason", a.reason).field("requested_at", a.requested_at).field("ended_at", a.ended_at).end_object();
}

void write_worker_members(JsonWriter& w, const WorkerView& v) {
  w.field("worker_id", v.worker_id).field("status", v.verdict->status).field("health_score", v.verdict->score);
  w.field("last_check", v.last_check).key("issues").begin_array();
  for (const auto& issue : v.issues()) w.value(issue);
  w.end_array();
  write_metrics(w.key("metrics"), v.metrics);
  text_field(w.field("pool", v.pool), "host", v.host).field("pid", v.pid);
  text_field(w, "version", v.version);
  text_field(w, "incarnation", v.incarnation);
  write_labels(w.key("labels"), v.labels);
  w.field("state", v.state).field("confidence", v.verdict->confidence);
  write_list(w, "pending", v.verdict->pending, write_pending);
  text_field(w, "source", v.source).field("status_since", v.status_since);
  w.field("last_report", v.last_report).field("alive_at", v.alive_at);
}

void write_held(JsonWriter& w, const WorkerView& v) {
  w.key("held");
  if (v.held)
    write_hold(w, *v.held);
  else
    w.null();
}

void write_worker_entry(JsonWriter& w, const WorkerView& v) {
  w.begin_object();
  write_worker_members(w, v);
  write_held(w, v);
  w.key("action");
  if (v.action)
    write_action_short(w, *v.action);
  else
    w.null();
  w.end_object();
}

void write_task_type(JsonWriter& w, const TaskTypeView& t) {
  w.begin_object()
      .field("type", t.type)
      .field("completed", t.completed)
      .field("failed", t.failed)
      .field("retried", t.retried);
  w.field("revoked", t.revoked).field("lost", t.lost).key("duration_seconds").begin_object();
  w.field("count", t.durations.count())
      .field("sum", t.durations.sum_seconds)
      .field("p50", t.durations.quantile_seconds(0.5));
  w.field("p95", t.durations.quantile_seconds(0.95)).field("p99", t.durations.quantile_seconds(0.99));
  w.key("buckets").begin_array();
  for (const auto n : t.durations.counts) w.value(n);
  w.end_array().end_object().end_object();
}

void write_in_flight(JsonWriter& w, const InFlightTask& t, WallTime now) {
  w.begin_object().field("id", t.id);
  text_field(w, "type", t.type).field("started_at", t.started_at).key("running_seconds");
  if (t.started_at)
    w.seconds(now - *t.started_at);
  else
    w.null();
  text_field(w, "args_digest", t.args_digest);
  text_field(w, "traceparent", t.traceparent).end_object();
}

void write_worker_queue(JsonWriter& w, const QueuePart& q) {
  w.begin_object();
  text_field(w, "broker", q.broker).field("name", q.name).field("connected", q.connected).field("paused", q.paused);
  w.field("rtt_ms", q.rtt_ms).field("ready", q.ready).field("oldest_age_seconds", q.oldest_age_seconds);
  w.field("consumed", q.consumed).end_object();
}

void write_model(JsonWriter& w, const ModelPart& m) {
  w.begin_object().field("name", m.name).field("state", m.state).field("load_seconds", m.load_seconds);
  text_field(w.field("progress", m.progress), "error", m.error).field("smoke_ok", m.smoke_ok).end_object();
}

JsonWriter& age_field(JsonWriter& w, std::string_view key, const std::optional<WallTime>& t, WallTime now) {
  w.key(key);
  return t ? w.seconds(std::max(Duration{0}, now - *t)) : w.null();
}

void write_times(JsonWriter& w, const WorkerView& v, WallTime now) {
  w.field("first_seen", v.first_seen).field("started_at", v.started_at);
  age_field(w, "report_age_seconds", v.last_report, now);
  age_field(w, "voice_age_seconds", v.alive_at, now).key("period_seconds").seconds(v.period);
}

}  // namespace

void write_metrics(JsonWriter& w, const MetricSet& metrics) {
  w.begin_object();
  for (std::size_t i = 0; i < metrics.size() && i < metrics.values.size(); ++i)
    w.field((*metrics.names)[i], metrics.values[i]);
  w.end_object();
}

void write_labels(JsonWriter& w, const Labels& labels) {
  w.begin_object();
  for (const auto& [name, text] : labels) w.field(name, text);
  w.end_object();
}

void write_cause(JsonWriter& w, const Cause& c) {
  w.begin_object().field("reason", c.reason).field("status", c.status).field("value", c.value).field("limit", c.limit);
  w.field("unit", c.unit).key("since");
  if (c.since == WallTime{})
    w.null();
  else
    w.value(c.since);
  text_field(w, "subject", c.subject).field("remedy", c.remedy).field("message", describe(c)).end_object();
}

void write_finding(JsonWriter& w, const Finding& f) {
  w.begin_object().field("check_name", f.check).field("status", f.status).field("message", f.message());
  w.key("metrics").begin_object();
  for (const auto& [name, number] : f.metrics) w.field(name, number);
  w.end_object();
  write_list(w, "causes", f.causes, write_cause);
  w.end_object();
}

void write_exit(JsonWriter& w, const ExitInfo& e) {
  w.begin_object().field("code", e.code).field("signal", e.signal).field("oom", e.oom);
  w.field("unknown_cause", e.unknown_cause).end_object();
}

void write_hold(JsonWriter& w, const HoldBack& h) {
  w.begin_object()
      .field("wanted", h.wanted)
      .field("code", h.code)
      .field("text", h.text)
      .field("until", h.until)
      .end_object();
}

void write_action(JsonWriter& w, const ActionRecord& a) {
  w.begin_object().field("action_id", a.action_id).field("worker_id", a.worker_id).field("pool", a.pool);
  text_field(w, "host", a.host);
  text_field(w, "incarnation", a.incarnation);
  text_field(w, "new_incarnation", a.new_incarnation)
      .field("kind", a.kind)
      .field("state", a.state)
      .field("step", a.step);
  w.field("reason", a.reason).field("text", a.text).field("actor", a.actor);
  text_field(w, "executor", a.executor);
  text_field(w, "rolling_id", a.rolling_id).field("by_operator", a.by_operator).field("counted_start", a.counted_start);
  w.field("counted_stop", a.counted_stop).key("canary_of").begin_array();
  for (const std::string& what : a.canary_of) w.value(what);
  w.end_array().field("requested_at", a.requested_at).field("sent_at", a.sent_at);
  text_field(w.field("verify_since", a.verify_since).field("ended_at", a.ended_at), "outcome", a.outcome);
  w.key("steps").begin_array();
  for (std::size_t i = 0; i < a.steps.size(); ++i)
    write_step(w, a.steps[i], i + 1 < a.steps.size() ? &a.steps[i + 1] : nullptr);
  w.end_array().end_object();
}

// In a large fleet few workers change between two requests of the list: the others are copied.
void write_worker(JsonWriter& w, const WorkerView& v) {
  w.raw(v.entry.get([&v] {
    std::string out;
    out.reserve(1024);
    JsonWriter entry(out);
    write_worker_entry(entry, v);
    return out;
  }));
}

void write_worker_detail(JsonWriter& w, const WorkerView& v, WallTime now) {
  w.begin_object();
  write_worker_members(w, v);
  write_list(w, "findings", v.verdict->findings, write_finding);
  write_times(w, v, now);
  write_list(w, "tasks", v.tasks, write_task_type);
  write_list(w, "in_flight", v.in_flight,
             [now](JsonWriter& to, const InFlightTask& t) { write_in_flight(to, t, now); });
  write_list(w, "queues", v.queues, write_worker_queue);
  write_list(w, "models", v.models, write_model);
  write_held(w, v);
  w.key("action");
  if (v.action)
    write_action(w, *v.action);
  else
    w.null();
  write_analysis(w.key("analysis"), v.analysis.get(), now);
  w.field("crashes", v.crashes)
      .field("stops_used", v.stops_used)
      .field("stops_allowed", v.stops_allowed)
      .key("last_exit");
  if (v.last_exit)
    write_exit(w, *v.last_exit);
  else
    w.null();
  w.end_object();
}

void write_counts(JsonWriter& w, const StatusCounts& c) {
  w.field("total_workers", c.total).field("healthy_workers", c.healthy).field("warning_workers", c.warning);
  w.field("critical_workers", c.critical).field("unknown_workers", c.unknown).field("inactive_workers", c.inactive);
}

std::string worker_json(const WorkerView& worker, WallTime now) {
  std::string out;
  out.reserve(4096);
  JsonWriter w(out);
  write_worker_detail(w, worker, now);
  return out;
}

std::string workers_json(const FleetView& view, std::span<const WorkerRef> page, std::size_t matching) {
  std::string out;
  out.reserve(256 + page.size() * 1024);
  JsonWriter w(out);
  w.begin_object();
  write_counts(w, view.counts);
  w.field("generation", view.generation).field("at", view.at).field("matching", matching);
  write_list(w, "workers", page, [](JsonWriter& to, const WorkerRef& worker) { write_worker(to, *worker); });
  w.end_object();
  return out;
}

namespace {
void write_task_increase(JsonWriter& w, const TaskIncrease& t) {
  w.begin_object().field("type", t.type).field("completed", t.completed).field("failed", t.failed);
  w.field("retried", t.retried).field("revoked", t.revoked).field("lost", t.lost);
  const std::uint64_t count = t.durations.count();
  w.key("duration_seconds").begin_object().field("count", count).field("sum", t.durations.sum_seconds);
  w.field("mean", count ? std::optional(t.durations.sum_seconds / double(count)) : std::nullopt);
  w.field("p50", t.durations.quantile_seconds(0.5)).field("p95", t.durations.quantile_seconds(0.95));
  w.field("p99", t.durations.quantile_seconds(0.99)).end_object();
  w.end_object();
}
}  // namespace

std::string task_history_json(std::span<const TaskHistoryPoint> points) {
  std::string out;
  out.reserve(2 + points.size() * 256);
  JsonWriter w(out);
  w.begin_array();
  for (const TaskHistoryPoint& point : points) {
    w.begin_object().field("timestamp", point.at).key("tasks").begin_array();
    for (const TaskIncrease& task : point.tasks) write_task_increase(w, task);
    w.end_array().end_object();
  }
  w.end_array();
  return out;
}

}  // namespace paramedic::wire
