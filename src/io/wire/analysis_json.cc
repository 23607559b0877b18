#include "io/wire/analysis_json.h"

namespace paramedic::wire {

namespace {

void anomaly_members(JsonWriter& w, const Anomaly& a, WallTime now) {
  w.field("metric", a.metric).field("score", a.score).field("one_in", a.one_in()).field("observed", a.observed);
  w.field("expected_low", a.expected_low).field("expected_high", a.expected_high).field("statistic", a.statistic);
  w.field("since", a.since).field("peers", a.peers).field("may_notify", a.may_notify).key("top").begin_array();
  for (const MetricScore& top : a.top)
    w.begin_object().field("metric", top.metric).field("score", top.score).end_object();
  w.end_array().field("text", a.words(now));
}

void forecast_members(JsonWriter& w, const Forecast& f) {
  w.field("metric", f.metric).field("level", f.level).field("limit", f.limit);
  w.field("slope_per_hour", f.slope_per_hour).field("made_at", f.made_at).field("reaches_at", f.reaches_at);
  w.field("earliest", f.earliest).field("latest", f.latest).field("probability", f.probability);
  w.key("horizon_seconds").seconds(f.horizon).field("rising_since", f.rising_since);
  w.field("alert_since", f.alert_since).field("firm", f.firm).field("may_be_burst", f.may_be_burst);
  w.field("text", f.words());
}

void who(JsonWriter& w, const WorkerView& worker) {
  w.begin_object().field("worker_id", worker.worker_id).field("pool", worker.pool).key("host");
  if (worker.host.empty())
    w.null();
  else
    w.value(worker.host);
}

}  // namespace

void write_anomaly(JsonWriter& w, const Anomaly& anomaly, WallTime now) {
  w.begin_object();
  anomaly_members(w, anomaly, now);
  w.end_object();
}

void write_forecast(JsonWriter& w, const Forecast& forecast) {
  w.begin_object();
  forecast_members(w, forecast);
  w.end_object();
}

void write_analysis(JsonWriter& w, const WorkerAnalysisView* a, WallTime now) {
  if (!a) {
    w.null();
    return;
  }
  w.begin_object().field("at", a->at).field("scored", a->scored).field("score", a->score).field("health", a->health);
  w.field("level", a->level).key("anomalies").begin_array();
  for (const Anomaly& anomaly : a->anomalies) write_anomaly(w, anomaly, now);
  w.end_array().key("forecasts").begin_array();
  for (const Forecast& forecast : a->forecasts) write_forecast(w, forecast);
  w.end_array().end_object();
}

void write_degradation(JsonWriter& w, const TaskDegradation& d, WallTime now) {
  w.begin_object().field("pool", d.pool).field("type", d.type).field("measure", to_string(d.what));
  w.field("scope", to_string(d.scope)).key("name");
  if (d.name.empty())
    w.null();
  else
    w.value(d.name);
  w.field("before", d.before).field("after", d.after).field("siblings", d.siblings).field("since", d.since);
  w.field("told_at", d.told_at).field("tasks", d.tasks).field("one_in", d.rarity).field("alert_key", d.key());
  w.field("text", d.words(now)).end_object();
}

void write_worker_anomaly(JsonWriter& w, const WorkerAnomaly& one, WallTime now) {
  who(w, *one.worker);
  anomaly_members(w, *one.anomaly, now);
  w.end_object();
}

void write_worker_forecast(JsonWriter& w, const WorkerForecast& one) {
  who(w, *one.worker);
  forecast_members(w, *one.forecast);
  w.end_object();
}

}  // namespace paramedic::wire
