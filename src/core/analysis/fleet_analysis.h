// The analysis of the whole fleet: for each worker its anomalies and forecasts, for each pool what its workers have in
// common, for each task type lasting changes. It reads what goes into the history, so that a look back over stored rows
// (`paramedic backtest`) says the same. Whatever it says, it restarts nothing.
//
// A new worker begins with what a peer of its pool has learned, levels apart; a new incarnation goes on with its own; a
// new version learns its levels anew. Its memory is bounded by a budget over all workers: beyond three quarters of it
// new series get the small form, beyond all of it they are not watched, and both is counted.
// Pure and deterministic; one thread (the engine's).
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/analysis/degradation.h"
#include "core/analysis/metric_forecast.h"
#include "core/analysis/worker_analysis.h"
#include "model/analysis_view.h"
#include "model/history_row.h"
#include "model/saved_state.h"

namespace paramedic {

// Of one pool.
struct AnalysisSettings {
  bool enabled = true;
  std::vector<std::string> watch;  // metrics to watch in full before all others
  // Metric → the limit that its forecast is about, where it differs from the default of its kind (forecast_kinds.h).
  std::map<std::string, double, std::less<>> limits;

  bool operator==(const AnalysisSettings&) const = default;
};

// One history row of a worker that is heard. Borrowed for the call.
struct AnalysisSample {
  std::string_view worker_id, pool, host, version, incarnation;
  WallTime at{};
  const MetricSet* metrics = nullptr;
  std::span<const TaskIncrease> tasks;
};

struct FleetAnalysisStats {
  std::size_t workers = 0, bytes = 0, limit_bytes = 0, task_types = 0;
  std::uint64_t samples = 0;          // values that were judged
  std::uint64_t series_degraded = 0;  // that wanted the full form and got the small one
  std::uint64_t series_refused = 0;   // not watched for want of room
  std::uint64_t task_types_refused = 0;
  std::uint64_t states_refused = 0;  // saved ones that could not be taken back
};

class FleetAnalysis {
 public:
  static constexpr std::size_t kForecasts = kEnumCount<ForecastKind>;
  static constexpr Duration kSaveEvery = 1h;      // each worker and task type, spread over the hour
  static constexpr Duration kLookEvery = 1min;    // at which states of task types are due
  static constexpr Duration kTeachesAfter = 24h;  // who has learned so long may teach a new peer

  explicit FleetAnalysis(std::size_t bytes = AnalysisBudget::kDefaultBytes) : budget_(bytes) {}
  void set_limit(std::size_t bytes);

  // Null where the pool has no analysis. States that are due to be saved are appended to `states`.
  std::shared_ptr<const WorkerAnalysisView> update(const AnalysisSample& sample, const AnalysisSettings& settings,
                                                   std::vector<SavedState>& states);
  void remove(std::string_view worker_id);

  // How unusual each metric of the worker that is known well enough is now: (name, -log10 p), by name.
  std::vector<std::pair<std::string, double>> scores(std::string_view worker_id) const;
  // Seconds until each metric that is forecast reaches its limit, infinite without a trend towards it, by name.
  std::vector<std::pair<std::string, double>> seconds_left(std::string_view worker_id, WallTime now) const;

  // Closes blocks of task types that have ended, and hands out states of them that are due.
  void advance(WallTime now, std::vector<SavedState>& states);
  DegradationFinder& degradations() { return degradations_; }
  const DegradationFinder& degradations() const { return degradations_; }

  // All states, for a stop.
  std::vector<SavedState> save(WallTime now) const;
  // Takes one back. Before the first update of its subject. Errors: corrupt, invalid_argument, too_large; counted.
  using SettingsOf = std::function<const AnalysisSettings&(std::string_view pool)>;
  Result<void> restore(std::string_view name, std::string_view bytes, WallTime now, const SettingsOf& settings);

  FleetAnalysisStats stats() const;

 private:
  struct Watched {
    std::unique_ptr<WorkerAnalysis> analysis;
    std::array<std::unique_ptr<MetricForecast>, kForecasts> forecasts;
    std::string pool, version, incarnation;
    WallTime began{};  // learning
    WallTime saved_at{};
  };
  using Watchers = std::unordered_map<std::string, Watched>;
  struct Pool {
    PoolPeers peers;
    std::string teacher;  // a worker that has learned long enough; empty = none yet
  };

  Watched& watched(const AnalysisSample& sample, const AnalysisSettings& settings);
  void follow_life(Watched& worker, const AnalysisSample& sample);
  void forecast(Watched& worker, const AnalysisSample& sample, const AnalysisSettings& settings);
  MetricForecast* forecast_for(Watched& worker, ForecastKind kind, double limit);
  WorkerAnalysisView view_of(const Watched& worker, const AnalysisSample& sample, WorkerReading reading) const;
  Pool& pool(std::string_view name);
  std::string encode(const Watched& worker, WallTime as_of) const;
  Result<Watched> decode(std::string_view worker_id, std::string_view bytes, const SettingsOf& settings);
  Result<void> refuse(Error error);

  AnalysisBudget budget_;
  Watchers workers_;
  std::map<std::string, Pool, std::less<>> pools_;
  DegradationFinder degradations_;
  std::map<DegradationFinder::Key, WallTime> tasks_saved_;
  WallTime tasks_looked_at_{};
  std::vector<MetricValue> values_;  // reused
  std::uint64_t samples_ = 0, states_refused_ = 0;
};

}  // namespace paramedic
