// The API's JSON: exact names of the brief (design section 3, docs/api.md). Pure writers, any thread, appending to a
// string, so that large answers can be built page by page. Times are RFC 3339 UTC with milliseconds; unknown numbers
// are null. `now` is only used for ages in seconds.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "io/wire/json_writer.h"
#include "model/view.h"

namespace paramedic::wire {

using WorkerRef = std::shared_ptr<const WorkerView>;

// ---- pieces: one JSON value each -----------------------------------------------------------------------------------
// {worker_id, status, health_score, last_check, issues, metrics, pool, host, pid, version, incarnation, labels, state,
//  confidence, pending, source, status_since, held, action}; `held` and `action` are null or short. The first call
//  makes the text and leaves it in the view (OnceText), some 0.7 KiB per worker that anybody lists.
void write_worker(JsonWriter& w, const WorkerView& worker);
// The entry with all findings, tasks, in_flight, queues, models, held, action, analysis, crashes, stops, last_exit,
// times and ages.
void write_worker_detail(JsonWriter& w, const WorkerView& worker, WallTime now);
void write_finding(JsonWriter& w, const Finding& finding);
void write_cause(JsonWriter& w, const Cause& cause);
void write_metrics(JsonWriter& w, const MetricSet& metrics);
void write_labels(JsonWriter& w, const Labels& labels);
void write_pool(JsonWriter& w, const PoolView& pool);
void write_queue(JsonWriter& w, const QueueView& queue);
void write_poison_task(JsonWriter& w, const PoisonTask& task);
void write_source(JsonWriter& w, const SourceView& source);
void write_alert(JsonWriter& w, const Alert& alert);
void write_incident(JsonWriter& w, const Incident& incident, bool with_timeline = true);
void write_action(JsonWriter& w, const ActionRecord& action);
void write_hold(JsonWriter& w, const HoldBack& hold);
void write_exit(JsonWriter& w, const ExitInfo& exit);
void write_maintenance(JsonWriter& w, const MaintenanceRecord& record);
void write_audit(JsonWriter& w, const AuditRecord& record);
void write_event(JsonWriter& w, const FleetEvent& event);
// total_workers, healthy_workers, … as members of the object that is open.
void write_counts(JsonWriter& w, const StatusCounts& counts);

// ---- whole answers -------------------------------------------------------------------------------------------------
// GET /health/workers: counts of the fleet and the entries of `page` (the caller filters, sorts and pages). `matching`
// is the number of workers that the filter left before paging.
std::string workers_json(const FleetView& view, std::span<const WorkerRef> page, std::size_t matching);
std::string worker_json(const WorkerView& worker, WallTime now);
// GET /health/summary: counts, pools, sources, open incidents in short, big switch, ledger state.
std::string summary_json(const FleetView& view);
// GET /health/workers/{id}/tasks/history: the list; percentiles are estimates within a bucket of the histogram.
std::string task_history_json(std::span<const TaskHistoryPoint> points);
// Event stream. snapshot: the summary, all workers and the latest events. delta: generation, at, counts, changed
// workers, removed ids, new events, pools, queues, open incidents.
std::string snapshot_json(const FleetView& view);
std::string delta_json(const FleetDelta& delta);
// {success, action_id, message, running}; the reason of a refusal is its message.
std::string command_result_json(const CommandResult& result);
// RFC 9457 problem details: {type, title, status, detail, code}; `instance` (the path asked for) when not empty.
// Content type application/problem+json; status = http_status(error.code).
std::string problem_json(const Error& error, std::string_view instance = {});

// {"<name>":[…]} from any list and writer; with "next":"<cursor>" when `next` is not empty.
template <class List, class Write>
std::string list_json(std::string_view name, const List& list, Write write, std::string_view next = {}) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key(name).begin_array();
  for (const auto& item : list) write(w, item);
  w.end_array();
  if (!next.empty()) w.field("next", next);
  w.end_object();
  return out;
}

}  // namespace paramedic::wire
