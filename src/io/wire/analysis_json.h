// What the analysis says, as JSON (docs/api.md). Pure writers as in view_json.h; any thread.
#pragma once
#include "io/wire/json_writer.h"
#include "model/view.h"

namespace paramedic::wire {

// {metric, score, one_in, observed, expected_low, expected_high, statistic, since, peers, may_notify, top, text}
void write_anomaly(JsonWriter& w, const Anomaly& anomaly, WallTime now);
// {metric, level, limit, slope_per_hour, made_at, reaches_at, earliest, latest, probability, horizon_seconds,
//  rising_since, alert_since, firm, may_be_burst, text}
void write_forecast(JsonWriter& w, const Forecast& forecast);
// {at, scored, score, health, level, anomalies, forecasts}, or null.
void write_analysis(JsonWriter& w, const WorkerAnalysisView* analysis, WallTime now);
// {pool, type, measure, scope, name, before, after, siblings, since, told_at, tasks, one_in, alert_key, text}
void write_degradation(JsonWriter& w, const TaskDegradation& told, WallTime now);

// One of a worker, for lists over the fleet: the members above behind {worker_id, pool, host}.
struct WorkerAnomaly {
  std::shared_ptr<const WorkerView> worker;
  const Anomaly* anomaly = nullptr;  // in worker->analysis
};
struct WorkerForecast {
  std::shared_ptr<const WorkerView> worker;
  const Forecast* forecast = nullptr;
};
void write_worker_anomaly(JsonWriter& w, const WorkerAnomaly& one, WallTime now);
void write_worker_forecast(JsonWriter& w, const WorkerForecast& one);

}  // namespace paramedic::wire
