// GET /anomalies, /forecasts, /degradations: what the analysis says of the whole fleet, the worst first.
#include <algorithm>

#include "io/api/core.h"
#include "io/api/query.h"
#include "io/wire/analysis_json.h"

namespace paramedic::api {

namespace {

constexpr std::int64_t kDefaultLimit = 100, kMaxLimit = 1000;

struct Filter {
  std::vector<std::string> pools, workers, metrics;
  std::size_t limit = kDefaultLimit;
};

bool wanted(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

Result<Filter> read_filter(const Call& call) {
  QueryReader query(call.request.query);
  Filter out{query.texts("pool"), query.texts("worker_id"), query.texts("metric")};
  out.limit = std::size_t(query.number("limit", 1, kMaxLimit).value_or(kDefaultLimit));
  if (auto ok = query.finish(); !ok) return ok.error();
  return out;
}

// f(worker) for each worker that is analysed and wanted.
template <class F>
void each_worker(const FleetView& view, const Filter& filter, F f) {
  for (const auto& page : view.pages)
    for (const auto& worker : page->workers)
      if (worker->analysis && wanted(filter.pools, worker->pool) && wanted(filter.workers, worker->worker_id)) f(worker);
}

template <class List, class Less>
void cut(List& list, std::size_t limit, Less less) {
  std::stable_sort(list.begin(), list.end(), less);
  if (list.size() > limit) list.resize(limit);
}

}  // namespace

HttpReply get_anomalies(Core& core, Call& call) {
  const auto filter = read_filter(call);
  if (!filter) return problem_reply(filter.error(), call.request.path);
  const auto view = core.ports.fleet->view();
  std::vector<wire::WorkerAnomaly> found;
  each_worker(*view, *filter, [&](const auto& worker) {
    for (const Anomaly& anomaly : worker->analysis->anomalies)
      if (wanted(filter->metrics, anomaly.metric)) found.push_back({worker, &anomaly});
  });
  cut(found, filter->limit, [](const auto& a, const auto& b) { return a.anomaly->score > b.anomaly->score; });
  const WallTime now = call.now.wall;
  return json_reply(wire::list_json("anomalies", found, [now](wire::JsonWriter& w, const wire::WorkerAnomaly& one) {
    wire::write_worker_anomaly(w, one, now);
  }));
}

HttpReply get_forecasts(Core& core, Call& call) {
  const auto filter = read_filter(call);
  if (!filter) return problem_reply(filter.error(), call.request.path);
  const auto view = core.ports.fleet->view();
  std::vector<wire::WorkerForecast> found;
  each_worker(*view, *filter, [&](const auto& worker) {
    for (const Forecast& forecast : worker->analysis->forecasts)
      if (wanted(filter->metrics, forecast.metric)) found.push_back({worker, &forecast});
  });
  cut(found, filter->limit, [](const auto& a, const auto& b) {
    const bool a_fires = a.forecast->alert_since.has_value(), b_fires = b.forecast->alert_since.has_value();
    return a_fires != b_fires ? a_fires : a.forecast->reaches_at < b.forecast->reaches_at;
  });
  return json_reply(wire::list_json("forecasts", found, wire::write_worker_forecast));
}

HttpReply get_degradations(Core& core, Call& call) {
  QueryReader query(call.request.query);
  const auto pools = query.texts("pool");
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const auto view = core.ports.fleet->view();
  std::vector<TaskDegradation> found;
  if (view->degradations)
    for (const TaskDegradation& told : *view->degradations)
      if (wanted(pools, told.pool)) found.push_back(told);
  const WallTime now = call.now.wall;
  return json_reply(wire::list_json("degradations", found, [now](wire::JsonWriter& w, const TaskDegradation& told) {
    wire::write_degradation(w, told, now);
  }));
}

}  // namespace paramedic::api
