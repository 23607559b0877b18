#include "core/analysis/fleet_analysis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/ids.h"

namespace paramedic {

namespace {

// When a state is saved first: spread over the period by name, so that ten thousand workers make no peak.
WallTime first_save(std::string_view name, WallTime now) {
  return now - hash_jitter(stable_hash(name), FleetAnalysis::kSaveEvery);
}

bool may_teach(WallTime began, WallTime now) { return now - began >= FleetAnalysis::kTeachesAfter; }

}  // namespace

void FleetAnalysis::set_limit(std::size_t bytes) {
  budget_.set_limit(bytes);
  for (auto& [id, worker] : workers_)
    while (budget_.is_over() && worker.analysis->degrade() > 0) {
    }
}

FleetAnalysis::Pool& FleetAnalysis::pool(std::string_view name) {
  const auto found = pools_.find(name);
  return found == pools_.end() ? pools_[std::string(name)] : found->second;
}

FleetAnalysis::Watched& FleetAnalysis::watched(const AnalysisSample& sample, const AnalysisSettings& settings) {
  const std::string id(sample.worker_id);
  Watched& worker = workers_[id];
  if (worker.analysis) return worker;
  worker.analysis = std::make_unique<WorkerAnalysis>(id, budget_, settings.watch);
  worker.pool = sample.pool;
  worker.version = sample.version;
  worker.incarnation = sample.incarnation;
  worker.began = sample.at;
  worker.saved_at = first_save(id, sample.at);
  const auto teacher = workers_.find(pool(sample.pool).teacher);
  if (teacher != workers_.end() && teacher->second.analysis && &teacher->second != &worker) {
    worker.analysis->inherit(*teacher->second.analysis, true);
    worker.began = teacher->second.began;
  }
  return worker;
}

void FleetAnalysis::follow_life(Watched& worker, const AnalysisSample& sample) {
  worker.pool = sample.pool;
  if (worker.version != sample.version) {
    if (!worker.version.empty() && !sample.version.empty()) worker.analysis->recentre();
    if (!sample.version.empty()) worker.version = sample.version;
  }
  if (worker.incarnation == sample.incarnation || sample.incarnation.empty()) return;
  worker.incarnation = sample.incarnation;
  worker.analysis->pause();  // how long it was away is known otherwise
  for (std::size_t kind = 0; kind < kForecasts; ++kind)
    if (worker.forecasts[kind] && forecast_kind_info(ForecastKind(kind)).of_process)
      worker.forecasts[kind]->restarted();
}

MetricForecast* FleetAnalysis::forecast_for(Watched& worker, ForecastKind kind, double limit) {
  auto& forecast = worker.forecasts[std::size_t(kind)];
  if (!forecast) {
    // A worker with a GPU and twenty metrics has room for five.
    const auto have =
        std::size_t(std::count_if(worker.forecasts.begin(), worker.forecasts.end(), [](auto& f) { return bool(f); }));
    if (worker.analysis->bytes() + (have + 1) * sizeof(MetricForecast) > WorkerAnalysis::kMaxBytes) return nullptr;
    if (!budget_.take_small(sizeof(MetricForecast))) return nullptr;
    forecast = std::make_unique<MetricForecast>(kind, limit);
  } else if (forecast->limit() != limit) {
    forecast->set_limit(limit);
  }
  return forecast.get();
}

void FleetAnalysis::forecast(Watched& worker, const AnalysisSample& sample, const AnalysisSettings& settings) {
  for (std::size_t i = 0; i < kForecasts; ++i) {
    const ForecastKind kind{ForecastKind(i)};
    const ForecastKindInfo& info = forecast_kind_info(kind);
    const auto value = sample.metrics->find(info.metric);
    if (!value || !std::isfinite(*value)) continue;
    const auto set = settings.limits.find(info.metric);
    const double limit = set == settings.limits.end() ? info.limit : set->second;
    if (!(limit > 0)) continue;  // a kind without a default limit
    if (MetricForecast* forecast = forecast_for(worker, kind, limit)) forecast->add(sample.at, *value);
  }
}

WorkerAnalysisView FleetAnalysis::view_of(const Watched& worker, const AnalysisSample& sample,
                                          WorkerReading reading) const {
  WorkerAnalysisView view;
  view.at = sample.at;
  view.scored = reading.score.scored;
  view.score = reading.score.score;
  view.health = reading.score.health;
  view.level = reading.score.level;
  view.anomalies = std::move(reading.anomalies);
  for (std::size_t i = 0; i < kForecasts; ++i)
    if (worker.forecasts[i])
      if (auto forecast = worker.forecasts[i]->forecast(forecast_kind_info(ForecastKind(i)).metric))
        view.forecasts.push_back(std::move(*forecast));
  std::stable_sort(view.forecasts.begin(), view.forecasts.end(),
                   [](const Forecast& a, const Forecast& b) { return a.reaches_at < b.reaches_at; });
  return view;
}

std::shared_ptr<const WorkerAnalysisView> FleetAnalysis::update(const AnalysisSample& sample,
                                                                const AnalysisSettings& settings,
                                                                std::vector<SavedState>& states) {
  if (!settings.enabled) {
    remove(sample.worker_id);
    return nullptr;
  }
  Watched& worker = watched(sample, settings);
  follow_life(worker, sample);
  values_.clear();
  for (std::size_t i = 0; i < sample.metrics->size(); ++i)
    values_.push_back({(*sample.metrics->names)[i], sample.metrics->values[i]});
  samples_ += values_.size();
  Pool& peers = pool(sample.pool);
  WorkerReading reading = worker.analysis->update(sample.at, values_, &peers.peers);
  forecast(worker, sample, settings);
  degradations_.add(sample.pool, {sample.worker_id, sample.host, sample.version}, sample.tasks, sample.at);
  if (peers.teacher.empty() && may_teach(worker.began, sample.at)) peers.teacher = sample.worker_id;
  // A clock that went back must not keep it from being saved.
  if (sample.at - worker.saved_at >= kSaveEvery || worker.saved_at > sample.at) {
    worker.saved_at = sample.at;
    states.push_back({"worker/" + std::string(sample.worker_id), sample.at, encode(worker, sample.at)});
  }
  return std::make_shared<const WorkerAnalysisView>(view_of(worker, sample, std::move(reading)));
}

void FleetAnalysis::remove(std::string_view worker_id) {
  const auto found = workers_.find(std::string(worker_id));
  if (found == workers_.end()) return;
  for (const auto& forecast : found->second.forecasts)
    if (forecast) budget_.give_back(sizeof(MetricForecast));
  if (Pool& its = pool(found->second.pool); its.teacher == worker_id) its.teacher.clear();
  workers_.erase(found);
}

std::vector<std::pair<std::string, double>> FleetAnalysis::scores(std::string_view worker_id) const {
  const auto found = workers_.find(std::string(worker_id));
  if (found == workers_.end()) return {};
  std::vector<std::pair<std::string, double>> out;
  found->second.analysis->each_known([&](const std::string& name, double score) { out.emplace_back(name, score); });
  return out;
}

std::vector<std::pair<std::string, double>> FleetAnalysis::seconds_left(std::string_view worker_id,
                                                                        WallTime now) const {
  const auto found = workers_.find(std::string(worker_id));
  if (found == workers_.end()) return {};
  std::vector<std::pair<std::string, double>> out;
  for (std::size_t i = 0; i < kForecasts; ++i) {
    if (!found->second.forecasts[i]) continue;
    const std::string_view metric = forecast_kind_info(ForecastKind(i)).metric;
    const auto forecast = found->second.forecasts[i]->forecast(metric);
    const double seconds =
        forecast ? std::max(0.0, to_seconds(forecast->reaches_at - now)) : std::numeric_limits<double>::infinity();
    out.emplace_back(metric, seconds);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void FleetAnalysis::advance(WallTime now, std::vector<SavedState>& states) {
  degradations_.advance(now);
  if (now - tasks_looked_at_ < kLookEvery && tasks_looked_at_ <= now) return;
  tasks_looked_at_ = now;
  const std::vector<DegradationFinder::Key> keys = degradations_.keys();
  for (const auto& key : keys) {
    const std::string name = "tasks/" + key.first + "/" + key.second;
    const auto [saved, fresh] = tasks_saved_.try_emplace(key, first_save(name, now));
    if (now - saved->second < kSaveEvery && saved->second <= now) continue;
    saved->second = now;
    states.push_back({name, now, degradations_.encode(key, now)});
  }
  if (tasks_saved_.size() > keys.size())
    std::erase_if(tasks_saved_, [&](const auto& e) { return !std::binary_search(keys.begin(), keys.end(), e.first); });
}

FleetAnalysisStats FleetAnalysis::stats() const {
  FleetAnalysisStats out;
  out.workers = workers_.size();
  out.bytes = budget_.used();
  out.limit_bytes = budget_.limit();
  out.task_types = degradations_.types();
  out.samples = samples_;
  out.series_degraded = budget_.degraded();
  out.series_refused = budget_.refused();
  out.task_types_refused = degradations_.types_refused();
  out.states_refused = states_refused_;
  return out;
}

}  // namespace paramedic
