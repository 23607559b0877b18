// GET of what is stored, history and ledger: read on the blocking pool.
#include "base/text.h"
#include "io/api/core.h"
#include "io/api/query.h"
#include "io/wire/history_json.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

constexpr std::size_t kMaxRecords = 1000;

Error too_long(const Core& core) {
  return make_error(Errc::too_large, "the answer would be larger than " +
                                         std::to_string(core.options.max_history_bytes >> 20) +
                                         " MiB: ask for a shorter time, fewer metrics, or a larger step");
}

Result<HttpResponse> history_body(Core& core, const HistoryQuery& query, bool as_columns) {
  const auto points = core.ports.history->read(query);
  if (!points) return points.error();
  if (points->empty() && !core.ports.fleet->view()->find(query.worker_id))
    return make_error(Errc::not_found, "worker '" + query.worker_id + "' is not known and has no history");
  const std::size_t most = core.options.max_history_bytes;
  auto body =
      as_columns ? wire::history_columns_json(query.worker_id, *points, most) : wire::history_rows_json(*points, most);
  if (!body) return too_long(core);
  return json_reply(std::move(*body));
}

Result<HttpResponse> task_history_body(Core& core, const TaskHistoryQuery& query) {
  const auto points = core.ports.history->read_tasks(query);
  if (!points) return points.error();
  if (points->empty() && !core.ports.fleet->view()->find(query.worker_id))
    return make_error(Errc::not_found, "worker '" + query.worker_id + "' is not known and has no history");
  std::string body = wire::task_history_json(*points);
  if (body.size() > core.options.max_history_bytes) return too_long(core);
  return json_reply(std::move(body));
}

// hours, or start and end; the default is the last 24 hours.
template <class Query>
void read_range(Query& q, QueryReader& reader, const Call& call, const Core& core) {
  q.worker_id = call.id;
  const auto hours = reader.number("hours", 1, 24 * 400);
  const auto start = reader.time("start");
  q.to = reader.time("end").value_or(call.now.wall + 1ms);
  q.from = start.value_or(q.to - std::chrono::hours(hours.value_or(24)));
  if (hours && start) reader.problem("hours", "give either hours or start");
  if (q.from >= q.to) reader.problem("start", "must be before end");
  if (q.to - q.from > core.options.max_history)
    reader.problem("start", "at most " + format_duration(core.options.max_history) + " in one answer");
}

HistoryQuery read_history_query(QueryReader& reader, const Call& call, const Core& core) {
  HistoryQuery q;
  read_range(q, reader, call, core);
  q.step = reader.duration("step", 1s, 24h * 7);
  q.metrics = reader.texts("metrics");
  const std::string p95 = reader.text("p95").value_or("false");
  if (p95 != "true" && p95 != "false") reader.problem("p95", "must be true or false");
  q.p95 = p95 == "true";
  if (q.p95 && !q.step) reader.problem("p95", "needs a step");
  return q;
}

LedgerQuery read_ledger_query(QueryReader& reader) {
  LedgerQuery q;
  q.worker_id = reader.text("worker_id").value_or("");
  q.pool = reader.text("pool").value_or("");
  q.before = reader.time("before");
  q.limit = std::size_t(reader.number("limit", 1, kMaxRecords).value_or(100));
  return q;
}

}  // namespace

HttpReply get_history(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  HistoryQuery query = read_history_query(reader, call, core);
  const std::string format = reader.text("format").value_or("rows");
  if (format != "rows" && format != "columns") reader.problem("format", "must be rows or columns");
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return on_pool(core, call.request.path, [&core, query = std::move(query), as_columns = format == "columns"] {
    return history_body(core, query, as_columns);
  });
}

HttpReply get_task_history(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  TaskHistoryQuery query;
  read_range(query, reader, call, core);
  query.step = reader.duration("step", 1s, 24h * 7).value_or(query.step);
  query.type = reader.text("type").value_or("");
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return on_pool(core, call.request.path, [&core, query = std::move(query)] { return task_history_body(core, query); });
}

HttpReply get_incidents(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  const std::string state = reader.text("state").value_or("all");
  if (state != "all" && state != "open") reader.problem("state", "must be open or all");
  const LedgerQuery query = read_ledger_query(reader);
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const auto write = [](wire::JsonWriter& w, const Incident& i) { wire::write_incident(w, i); };
  if (state == "open") {
    std::vector<Incident> open;
    const auto view = core.ports.fleet->view();
    for (const Incident& i : view->incidents) {
      const bool named =
          query.worker_id.empty() || std::find(i.workers.begin(), i.workers.end(), query.worker_id) != i.workers.end();
      if (i.open() && named && (query.pool.empty() || i.pool == query.pool)) open.push_back(i);
    }
    return json_reply(wire::list_json("incidents", open, write));
  }
  return on_pool(core, call.request.path, [&core, query, write]() -> Result<HttpResponse> {
    auto found = core.ports.ledger->incidents(query);
    if (!found) return found.error();
    return records_reply("incidents", *found, query.limit, write, [](const Incident& i) { return i.started_at; });
  });
}

HttpReply get_incident(Core& core, Call& call) {
  return on_pool(core, call.request.path, [&core, id = call.id]() -> Result<HttpResponse> {
    std::string body;
    wire::JsonWriter w(body);
    const auto view = core.ports.fleet->view();  // its timeline is younger than the ledger's
    for (const Incident& i : view->incidents) {
      if (i.id != id) continue;
      wire::write_incident(w, i);
      return json_reply(std::move(body));
    }
    auto found = core.ports.ledger->incident(id);
    if (!found) return found.error();
    if (!*found) return make_error(Errc::not_found, "incident '" + id + "' is not known: see GET /incidents");
    wire::write_incident(w, **found);
    return json_reply(std::move(body));
  });
}

HttpReply get_restarts(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  const LedgerQuery query = read_ledger_query(reader);
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return on_pool(core, call.request.path, [&core, query]() -> Result<HttpResponse> {
    auto found = core.ports.ledger->restarts(query);
    if (!found) return found.error();
    return records_reply("restarts", *found, query.limit, wire::write_action,
                         [](const ActionRecord& a) { return a.requested_at; });
  });
}

HttpReply get_audit(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  LedgerQuery query;
  query.worker_id = reader.text("target").value_or("");
  query.before = reader.time("before");
  query.limit = std::size_t(reader.number("limit", 1, kMaxRecords).value_or(100));
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return on_pool(core, call.request.path, [&core, query]() -> Result<HttpResponse> {
    auto found = core.ports.ledger->audit(query);
    if (!found) return found.error();
    return records_reply("audit", *found, query.limit, wire::write_audit, [](const AuditRecord& a) { return a.at; });
  });
}

}  // namespace paramedic::api
