// GET of what the published fleet holds: answered from memory, on the I/O thread.
#include "io/api/core.h"
#include "io/api/query.h"
#include "io/api/worker_query.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

namespace asio = boost::asio;

// Answers with more workers than this are built page by page, so that no reply holds the I/O thread for long.
constexpr std::size_t kWorkersAtOnce = kWorkersPerPage;

// The same text as wire::workers_json, in chunks of at most 64 workers.
asio::awaitable<void> stream_workers(BodyWriter* out, std::shared_ptr<const FleetView> view,
                                     std::shared_ptr<const WorkerSelection> selection) {
  std::string text = wire::workers_json(*view, {}, selection->matching);
  text.resize(text.size() - 2);  // "]}"
  const auto& workers = selection->workers;
  for (std::size_t i = 0; i < workers.size();) {
    for (const std::size_t end = std::min(i + kWorkersAtOnce, workers.size()); i < end; ++i) {
      if (i > 0) text += ',';
      wire::JsonWriter w(text);
      wire::write_worker(w, *workers[i]);
    }
    if (i == workers.size()) text += "]}";
    auto chunk = std::make_shared<const std::string>(std::move(text));
    text = {};
    const auto written = co_await out->write(std::move(chunk));
    if (!written) co_return;
  }
}

template <class List, class Write>
HttpReply list_reply(Call& call, std::string_view name, const List& list, Write write) {
  QueryReader query(call.request.query);
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return json_reply(wire::list_json(name, list, write));
}

bool wanted(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

HttpReply get_workers(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  const WorkerQuery query = read_worker_query(reader);
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const auto view = core.ports.fleet->view();
  auto selection = std::make_shared<const WorkerSelection>(select_workers(*view, query));
  if (selection->workers.size() <= kWorkersAtOnce || call.head)
    return json_reply(wire::workers_json(*view, selection->workers, selection->matching));
  Streamed reply;
  reply.content_type = "application/json";
  reply.produce = [view, selection](BodyWriter& out) { return stream_workers(&out, view, selection); };
  return reply;
}

HttpReply get_worker(Core& core, Call& call) {
  QueryReader query(call.request.query);
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const auto worker = core.ports.fleet->view()->find(call.id);
  if (worker) return json_reply(wire::worker_json(*worker, call.now.wall));
  const std::string why = "worker '" + call.id + "' is not known: see GET /health/workers for those that are";
  return problem_reply(make_error(Errc::not_found, why), call.request.path);
}

HttpReply get_summary(Core& core, Call& call) {
  QueryReader query(call.request.query);
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return json_reply(wire::summary_json(*core.ports.fleet->view()));
}

HttpReply get_pools(Core& core, Call& call) {
  return list_reply(call, "pools", core.ports.fleet->view()->pools, wire::write_pool);
}

HttpReply get_queues(Core& core, Call& call) {
  return list_reply(call, "queues", core.ports.fleet->view()->queues, wire::write_queue);
}

HttpReply get_poison_tasks(Core& core, Call& call) {
  const auto view = core.ports.fleet->view();
  static const std::vector<PoisonTask> kNone;
  return list_reply(call, "poison_tasks", view->poison_tasks ? *view->poison_tasks : kNone, wire::write_poison_task);
}

HttpReply get_alerts(Core& core, Call& call) {
  QueryReader query(call.request.query);
  const auto severities = query.words<Severity>("severity");
  const auto pools = query.texts("pool");
  const auto workers = query.texts("worker_id");
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  std::vector<Alert> found;
  const auto view = core.ports.fleet->view();
  for (const Alert& a : view->alerts) {
    const bool severe =
        severities.empty() || std::find(severities.begin(), severities.end(), a.severity) != severities.end();
    if (severe && wanted(pools, a.pool) && wanted(workers, a.worker_id)) found.push_back(a);
  }
  return json_reply(wire::list_json("alerts", found, wire::write_alert));
}

HttpReply get_maintenance(Core& core, Call& call) {
  return list_reply(call, "maintenance", core.ports.fleet->view()->maintenance, wire::write_maintenance);
}

HttpReply get_demo(Core& core, Call&) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field("enabled", core.ports.demo != nullptr).key("modes").begin_array();
  if (core.ports.demo)
    for (const std::string& mode : core.ports.demo->modes()) w.value(mode);
  w.end_array().end_object();
  return json_reply(std::move(body));
}

}  // namespace paramedic::api
