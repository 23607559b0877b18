// The fleet-wide half of view_json.h: pools, queues, incidents, the event stream, results and errors.
#include <utility>

#include "io/wire/rolling_json.h"
#include "io/wire/view_json.h"

namespace paramedic::wire {

namespace {

template <class List, class Write>
void write_list(JsonWriter& w, std::string_view key, const List& list, Write write) {
  w.key(key).begin_array();
  for (const auto& item : list) write(w, item);
  w.end_array();
}

JsonWriter& text_field(JsonWriter& w, std::string_view key, const std::string& text) {
  return text.empty() ? w.key(key).null() : w.field(key, text);
}

void write_open_incidents(JsonWriter& w, const FleetView& view) {
  w.key("open_incidents").begin_array();
  for (const Incident& incident : view.incidents)
    if (incident.open()) write_incident(w, incident, false);
  w.end_array();
}

// The open ones, and the latest that is over: how it ended.
void write_rollings(JsonWriter& w, const FleetView& view) {
  w.key("rolling_restarts").begin_array();
  bool over = false;
  for (const RollingRecord& r : view.rollings) {
    if (is_over(r.state) && std::exchange(over, true)) break;
    write_rolling_short(w, r);
  }
  w.end_array();
}

// The members that snapshot, delta and summary share.
void write_head(JsonWriter& w, const FleetView& view) {
  w.field("generation", view.generation).field("at", view.at);
  write_counts(w, view.counts);
  write_list(w, "pools", view.pools, write_pool);
  write_list(w, "queues", view.queues, write_queue);
  write_list(w, "sources", view.sources, write_source);
  write_open_incidents(w, view);
  w.field("firing_alerts", view.alerts.size()).key("big_switch").begin_object().field("held", view.big_switch_held);
  text_field(w, "reason", view.big_switch_reason).end_object();
  write_list(w, "maintenance", view.maintenance, write_maintenance);
  write_rollings(w, view);
  w.field("ledger_degraded", view.ledger_degraded);
}

std::string_view title(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "The request is wrong";
    case Errc::not_found:
      return "Not found";
    case Errc::conflict:
      return "Not possible in this state";
    case Errc::unauthorized:
      return "Credentials are missing or unknown";
    case Errc::forbidden:
      return "Not allowed";
    case Errc::too_large:
      return "Over a size limit";
    case Errc::too_many:
      return "Over a rate limit";
    case Errc::unavailable:
      return "Not available now";
    case Errc::timeout:
      return "Took too long";
    case Errc::io:
      return "A system call failed";
    case Errc::corrupt:
      return "Data does not decode";
    case Errc::internal:
      break;
  }
  return "Internal error";
}

}  // namespace

void write_pool(JsonWriter& w, const PoolView& p) {
  w.begin_object().field("pool", p.name);
  write_counts(w, p.counts);
  w.field("mode", p.mode);
  write_list(w, "findings", p.findings, write_cause);
  w.field("frozen", p.frozen).field("frozen_since", p.frozen_since).field("maintenance", p.maintenance);
  w.field("down_now", p.down_now).field("down_allowed", p.down_allowed).field("stops_hour", p.stops_hour);
  w.field("stops_hour_allowed", p.stops_hour_allowed).field("tasks_per_minute", p.tasks_per_minute).end_object();
}

void write_queue(JsonWriter& w, const QueueView& q) {
  w.begin_object();
  text_field(w, "broker", q.broker).field("name", q.name).field("ready", q.ready);
  w.field("oldest_age_seconds", q.oldest_age_seconds).field("paused", q.paused).field("workers", q.workers);
  w.field("connected", q.connected)
      .field("broker_down", q.broker_down)
      .field("consumed_per_minute", q.consumed_per_minute);
  w.field("last_consumed", q.last_consumed).key("pools").begin_array();
  for (const auto& pool : q.pools) w.value(pool);
  w.end_array().end_object();
}

void write_source(JsonWriter& w, const SourceView& s) {
  w.begin_object().field("id", s.id).field("kind", s.kind);
  text_field(w, "host", s.host);
  text_field(w, "version", s.version)
      .field("state", s.state)
      .field("since", s.since)
      .field("workers", s.workers)
      .end_object();
}

void write_alert(JsonWriter& w, const Alert& a) {
  w.begin_object().field("key", a.key);
  text_field(w, "rule", a.rule);
  text_field(w, "incident_id", a.incident_id)
      .field("state", a.state)
      .field("severity", a.severity)
      .field("reason", a.reason);
  text_field(w, "check_name", a.check);
  text_field(w, "worker_id", a.worker_id);
  text_field(w, "pool", a.pool);
  text_field(w, "host", a.host).field("title", a.title).field("message", a.message);
  write_labels(w.key("labels"), a.labels);
  write_labels(w.key("annotations"), a.annotations);
  text_field(w.field("started_at", a.started_at).field("ended_at", a.ended_at), "closed_as", a.closed_as);
  w.field("hard_evidence", a.hard_evidence).end_object();
}

void write_incident(JsonWriter& w, const Incident& i, bool with_timeline) {
  w.begin_object().field("id", i.id).field("scope", i.scope).field("severity", i.severity).field("title", i.title);
  text_field(w, "pool", i.pool);
  text_field(w, "host", i.host).field("affected_workers", i.affected_workers).key("workers").begin_array();
  for (const auto& id : i.workers) w.value(id);
  w.end_array().key("alert_keys").begin_array();
  for (const auto& key : i.alert_keys) w.value(key);
  w.end_array().field("open", i.open()).field("started_at", i.started_at).field("ended_at", i.ended_at);
  if (with_timeline) {
    write_list(w, "timeline", i.timeline, [](JsonWriter& to, const TimelineEntry& e) {
      to.begin_object().field("at", e.at).field("kind", e.kind).field("text", e.text).end_object();
    });
  }
  w.end_object();
}

void write_maintenance(JsonWriter& w, const MaintenanceRecord& r) {
  w.begin_object().field("id", r.id).field("on", r.on).field("reason", r.reason).field("actor", r.actor);
  w.field("until", r.until).field("at", r.at).end_object();
}

void write_audit(JsonWriter& w, const AuditRecord& r) {
  w.begin_object().field("at", r.at).field("actor", r.actor).field("verb", r.verb).field("target", r.target);
  w.field("reason", r.reason).field("result", r.result).end_object();
}

void write_event(JsonWriter& w, const FleetEvent& e) {
  w.begin_object().field("id", e.id).field("at", e.at).field("kind", e.kind);
  text_field(w, "worker_id", e.worker_id);
  text_field(w, "pool", e.pool);
  text_field(w, "from", e.from);
  text_field(w, "to", e.to).field("text", e.text).end_object();
}

std::string summary_json(const FleetView& view) {
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  write_head(w, view);
  w.end_object();
  return out;
}

std::string snapshot_json(const FleetView& view) {
  std::string out;
  out.reserve(4096 + view.pages.size() * kWorkersPerPage * 1024);
  JsonWriter w(out);
  w.begin_object();
  write_head(w, view);
  w.key("workers").begin_array();
  for (const auto& page : view.pages)
    for (const auto& worker : page->workers) write_worker(w, *worker);
  w.end_array();
  write_list(w, "events", view.events, write_event);
  w.end_object();
  return out;
}

std::string delta_json(const FleetDelta& delta) {
  std::string out;
  out.reserve(2048 + delta.changed.size() * 1024);
  JsonWriter w(out);
  w.begin_object();
  if (delta.view) write_head(w, *delta.view);
  write_list(w, "workers", delta.changed, [](JsonWriter& to, const WorkerRef& worker) { write_worker(to, *worker); });
  w.key("removed").begin_array();
  for (const auto& id : delta.removed) w.value(id);
  w.end_array();
  write_list(w, "events", delta.events, write_event);
  w.end_object();
  return out;
}

void write_poison_task(JsonWriter& w, const PoisonTask& t) {
  w.begin_object().field("pool", t.pool);
  text_field(w, "type", t.type).field("args_digest", t.args_digest).field("alert_key", t.key());
  w.field("seen", t.seen).field("deaths", t.deaths).field("living_with", t.living_with).field("living", t.living);
  write_list(w, "evidence", t.evidence, [](JsonWriter& to, const PoisonDeath& d) {
    to.begin_object().field("worker_id", d.worker_id);
    text_field(to, "host", d.host).field("incarnation", d.incarnation).field("at", d.at).field("how", d.how);
    to.field("stopped", d.stopped).key("ran_seconds").seconds(d.ran).key("told_ago_seconds").seconds(d.told_ago);
    to.field("living_with", d.living_with).field("living", d.living).end_object();
  });
  w.end_object();
}

void write_loss_forecast(JsonWriter& w, const LossForecast& f) {
  w.begin_object().field("kind", f.kind).field("tasks_known", f.known);
  write_list(w, "tasks", f.tasks, [](JsonWriter& to, const TaskForecast& t) {
    to.begin_object().field("id", t.id);
    text_field(to, "type", t.type).field("since", t.since).field("running_seconds", t.running_seconds);
    to.field("fate", t.fate).field("why", t.why).end_object();
  });
  w.field("tasks_left_out", f.left_out).end_object();
}

std::string command_result_json(const CommandResult& r) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("success", r.success);
  text_field(w, "action_id", r.action_id);
  w.field_if("id", r.id);
  w.field("message", r.message.empty() && r.error ? r.error->message : r.message).field("running", r.running);
  if (r.forecast) write_loss_forecast(w.key("forecast"), *r.forecast);
  w.end_object();
  return out;
}

std::string problem_json(const Error& error, std::string_view instance) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("type", "urn:paramedic:problem:" + std::string(to_string(error.code)));
  w.field("title", title(error.code)).field("status", http_status(error.code)).field("detail", error.message);
  w.field("code", to_string(error.code));
  if (!instance.empty()) w.field("instance", instance);
  w.end_object();
  return out;
}

}  // namespace paramedic::wire
