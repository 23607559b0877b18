// The analysis meets the rest: each history row is judged, what is found becomes alerts, and what was learned is handed
// out to be kept. It wishes no remedy; a forecast of memory may make a planned recycle due (rounds.cc).
#include <algorithm>

#include <fmt/format.h>

#include "core/analysis/anomaly_notice.h"
#include "core/engine/engine_impl.h"

namespace paramedic {

namespace {

// The words of an alert that goes on follow what is known so often.
constexpr Duration kWordsEvery = 5min;

std::string forecast_key(const Forecast& forecast, std::string_view worker, std::string_view host, bool of_host) {
  return of_host ? fmt::format("forecast/{}/{}", host, forecast.metric)
                 : fmt::format("worker/{}/forecast/{}", worker, forecast.metric);
}

AlertWish forecast_wish(const Forecast& forecast, const WorkerFacts& f) {
  const auto kind = forecast_kind_of(forecast.metric);
  const bool of_host = kind == ForecastKind::disk && !f.host.empty();
  AlertWish wish;
  wish.key = forecast_key(forecast, f.worker_id, f.host, of_host);
  wish.reason = Reason::forecast;
  // What may end by itself wakes nobody.
  wish.severity = forecast.may_be_burst ? Severity::info : Severity::warning;
  wish.host = f.host;
  if (!of_host) {
    wish.worker_id = f.worker_id;
    wish.pool = f.pool;
  }
  wish.title = of_host ? fmt::format("Host {}: {} will reach its limit", f.host, forecast.metric)
                       : fmt::format("Worker {}: {} will reach its limit", f.worker_id, forecast.metric);
  wish.message = forecast.words();
  wish.labels = {{"metric", forecast.metric}};
  return wish;
}

AlertWish anomaly_wish(const WorkerAnalysisView& view, const Anomaly& anomaly, const WorkerFacts& f) {
  AlertWish wish;
  wish.key = fmt::format("worker/{}/anomaly", f.worker_id);
  wish.reason = Reason::anomaly;
  wish.severity = Severity::info;
  wish.worker_id = f.worker_id;
  wish.pool = f.pool;
  wish.host = f.host;
  wish.title = fmt::format("Worker {} is unlike its own past", f.worker_id);
  wish.message = anomaly.words(view.at);
  for (const MetricScore& other : anomaly.top)
    if (other.metric != anomaly.metric) wish.message += fmt::format("; also {} ({:.1f})", other.metric, other.score);
  wish.labels = {{"metric", anomaly.metric}};
  return wish;
}

AlertWish degradation_wish(const TaskDegradation& told, const Now& now) {
  AlertWish wish;
  wish.key = told.key();
  wish.on = told.state == DegradationState::holds;
  wish.reason = Reason::task_degraded;
  wish.pool = told.pool;
  if (told.scope == DegradationScope::host) wish.host = told.name;
  const bool errors = told.what == TaskMeasure::error_ratio;
  wish.title = fmt::format("Tasks {} of pool {} {}", told.type, told.pool, errors ? "fail more" : "became slower");
  wish.message = told.words(now.wall);
  wish.labels = {{"task_type", told.type}, {"scope", std::string(to_string(told.scope))}};
  if (told.scope == DegradationScope::version) wish.labels.emplace_back("version", told.name);
  return wish;
}

}  // namespace

void Engine::Impl::analyse(WorkerHandle worker, const HistoryRow& row, const Now& now, Effects& out) {
  if (!config.analysis.enabled) return;
  Slot& s = slots[worker];
  const WorkerFacts& f = fleet.facts(worker);
  if (!f.last_report) return;  // known from the ledger alone: nothing was told yet
  const AnalysisSample sample{s.id, f.pool, f.host, f.version, f.incarnation, row.at, &row.metrics, row.tasks};
  s.analysis = analysis.update(sample, config.pool(f.pool).analysis, out.states);
  tell_analysis(worker, now);
}

std::vector<AlertWish> Engine::Impl::analysis_wishes(const Slot& s, const WorkerFacts& f) const {
  std::vector<AlertWish> out;
  if (!s.analysis) return out;
  for (const Forecast& forecast : s.analysis->forecasts)
    if (forecast.alert_since) out.push_back(forecast_wish(forecast, f));
  const bool told = s.foretold.contains(fmt::format("worker/{}/anomaly", s.id));
  if (const Anomaly* anomaly = anomaly_to_tell(*s.analysis, told)) out.push_back(anomaly_wish(*s.analysis, *anomaly, f));
  return out;
}

void Engine::Impl::tell_analysis(WorkerHandle worker, const Now& now) {
  Slot& s = slots[worker];
  const WorkerFacts& f = fleet.facts(worker);
  const std::vector<AlertWish> wishes = analysis_wishes(s, f);
  if (wishes.empty() && s.foretold.empty()) return;
  std::set<std::string> held;
  for (const AlertWish& wish : wishes) {
    held.insert(wish.key);
    if (wish.worker_id.empty()) host_forecasts[wish.key].insert(s.id);
    const auto [told, fresh] = s.foretold.try_emplace(wish.key, now.steady);
    if (!fresh && now.steady - told->second < kWordsEvery) continue;
    told->second = now.steady;
    if (!wish.worker_id.empty()) tell_alerting(worker, now);  // who it is, so that maintenance and outages count
    alerting.on_wish(wish, now);
  }
  for (auto it = s.foretold.begin(); it != s.foretold.end();) {
    const std::string key = it->first;
    it = held.contains(key) ? std::next(it) : s.foretold.erase(it);
    if (!held.contains(key)) end_foretold(s, key, now);
  }
}

void Engine::Impl::end_foretold(Slot& s, const std::string& key, const Now& now) {
  if (const auto shared = host_forecasts.find(key); shared != host_forecasts.end()) {
    shared->second.erase(s.id);
    if (!shared->second.empty()) return;  // another of its host still tells it
    host_forecasts.erase(shared);
  }
  alerting.on_wish({.key = key, .on = false, .reason = Reason::forecast}, now);
}

void Engine::Impl::forget_analysis(WorkerHandle worker, const Now& now) {
  Slot& s = slots[worker];
  for (const auto& [key, at] : s.foretold) end_foretold(s, key, now);
  s.foretold.clear();
  s.analysis = nullptr;
  analysis.remove(s.id);
}

// Alerts of the last life are stated anew by the next row of their worker, or end with it; without analysis at once.
void Engine::Impl::restore_analysis(const LedgerState& state, const Now& now) {
  for (const Alert& alert : state.alerts) {
    const bool of_tasks = alert.reason == Reason::task_degraded;
    if (!of_tasks && alert.reason != Reason::anomaly && alert.reason != Reason::forecast) continue;
    if (!config.analysis.enabled)
      alerting.on_wish({.key = alert.key, .on = false, .reason = alert.reason}, now);
    else if (of_tasks)
      restored_degradations.insert(alert.key);
    else if (alert.worker_id.empty())
      host_forecasts[alert.key];
    else if (const auto worker = fleet.find(alert.worker_id))
      slot(*worker).foretold[alert.key] = now.steady - kWordsEvery;
  }
  restored_analysis_until = now.steady + kRestoredAnalysisGrace;
}

void Engine::Impl::sweep_analysis(const Now& now, Effects& out) {
  if (!config.analysis.enabled) return;
  analysis.advance(now.wall, out.states);
  judge_degradations(now);
  if (!restored_analysis_until || now.steady < *restored_analysis_until) return;
  restored_analysis_until.reset();
  for (const std::string& key : restored_degradations)
    alerting.on_wish({.key = key, .on = false, .reason = Reason::task_degraded}, now);
  restored_degradations.clear();
  std::erase_if(host_forecasts, [&](const auto& entry) {
    if (!entry.second.empty()) return false;
    alerting.on_wish({.key = entry.first, .on = false, .reason = Reason::forecast}, now);
    return true;
  });
}

void Engine::Impl::judge_degradations(const Now& now) {
  const std::vector<TaskDegradation> changes = analysis.degradations().take_changes();
  const bool first = degradations_dirty;  // what was restored holds without a change
  if (changes.empty() && !first) return;
  degradations_dirty = false;
  auto current = std::make_shared<const std::vector<TaskDegradation>>(analysis.degradations().current());
  for (const TaskDegradation& told : changes)
    if (told.state != DegradationState::holds) alerting.on_wish(degradation_wish(told, now), now);
  for (const TaskDegradation& told : *current) {
    restored_degradations.erase(told.key());
    alerting.on_wish(degradation_wish(told, now), now);
  }
  degradations = std::move(current);
  dirty = true;
}

void Engine::Impl::configure_analysis(const Now& now) {
  analysis.set_limit(config.analysis.max_memory);
  for (const WorkerHandle worker : fleet.workers()) {
    if (config.analysis.enabled && config.pool(fleet.facts(worker).pool).analysis.enabled) continue;
    if (slot(worker).used) forget_analysis(worker, now);
  }
  if (config.analysis.enabled) return;
  for (const TaskDegradation& told : *degradations)
    alerting.on_wish({.key = told.key(), .on = false, .reason = Reason::task_degraded}, now);
  degradations = std::make_shared<const std::vector<TaskDegradation>>();
  degradations_dirty = true;  // should it be switched on again
}

}  // namespace paramedic
