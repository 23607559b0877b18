// The analysis of one worker: is any of its metrics unlike its own past, while its peers are well?
//
// At most four series are watched in full: those named in the options first, then by metric_traits (memory, duration,
// errors, processor, GPU memory, throughput), then as they come. The others, twenty in all, get the small form; what
// comes beyond is not watched. A better one that appears later takes the place of the least of the four, which goes on
// in the small form. All of it stays below 16 KiB; the fleet's budget may leave less in full.
//
// A metric counts against the worker when it deviates from its own past and its peers do not do the same (fewer than
// five peers cannot tell; then its own past decides). Whatever the result, nothing is restarted for it.
// Pure and deterministic: the same updates give the same readings. One thread (the engine's).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/analysis/analysis_budget.h"
#include "core/analysis/missingness.h"
#include "core/analysis/pool_peers.h"
#include "core/analysis/watched_series.h"
#include "core/analysis/worker_score.h"
#include "model/anomaly.h"

namespace paramedic {

struct MetricValue {
  std::string_view name;
  double value = 0;  // not finite = not known in this round
};

struct WorkerReading {
  WorkerScoreReading score;
  std::vector<Anomaly> anomalies;  // those that last, most evidence first; of alike peers too, as such
};

class WorkerAnalysis {
 public:
  static constexpr std::size_t kMaxFull = 4, kMaxSeries = 20, kMaxNameBytes = 64;
  static constexpr std::size_t kMaxBytes = 16 * 1024;
  static constexpr Duration kGone = 1h;  // a metric that was not told for so long is no longer missed

  // `worker` is its identity. `full`: metrics to watch in full before all others. REQUIRES: `budget` lives longer.
  WorkerAnalysis(std::string_view worker, AnalysisBudget& budget, std::vector<std::string> full = {});
  ~WorkerAnalysis();
  WorkerAnalysis(const WorkerAnalysis&) = delete;
  WorkerAnalysis& operator=(const WorkerAnalysis&) = delete;

  // One report: all that it tells. `peers` (of its pool) learns from it; may be null.
  WorkerReading update(WallTime now, std::span<const MetricValue> metrics, PoolPeers* peers);
  // It was stopped on purpose, or nobody listened: the coming distance is not its own.
  void pause() { missing_.pause(); }

  // A new version: levels are learned anew.
  void recentre();
  // What an earlier incarnation (recentre = false unless its version differs), or a peer of its pool (true), learned.
  // Takes over every series that it does not watch yet.
  void inherit(const WorkerAnalysis& other, bool recentre);

  // Sets the least interesting full series back to the small form; 0 = there is none. For a budget that is over.
  std::size_t degrade();

  // A versioned blob (docs/analysis.md). What is loaded continues bit-equal.
  std::string save(WallTime as_of) const;
  // Replaces all. Returns the as_of; on an error nothing changed.
  Result<WallTime> load(std::string_view blob);

  // Of each series that was told often enough: f(name, its evidence now), by name.
  template <class F>
  void each_known(F f) const {
    for (const WatchedSeries& one : series_)
      if (one.is_known()) f(one.name(), double(one.evidence()));
  }

  std::size_t bytes() const;  // all of it, this object too
  std::size_t full_series() const;
  std::size_t series() const { return series_.size(); }
  std::uint64_t unwatched() const { return unwatched_; }  // values of metrics for which there was no room

 private:
  struct Round;
  void observe(WallTime now, std::span<const MetricValue> metrics, PoolPeers* peers);
  static void judge(const WatchedSeries& series, WallTime now, PoolPeers* peers, Round& round);
  WatchedSeries* find(std::string_view name);
  WatchedSeries* admit(std::string_view name);
  void prefer(WatchedSeries& series);
  WatchedSeries* least_interesting_full();
  int rank_of(std::string_view name) const;
  std::optional<Anomaly> watch_missing(WallTime now, const MissingnessReading& reading);
  void release_all();

  std::uint64_t id_;
  AnalysisBudget& budget_;
  std::vector<std::string> full_;
  std::vector<WatchedSeries> series_;  // sorted by name
  Missingness missing_;
  WorkerScore score_;
  WallTime missing_since_{}, missing_at_{};
  std::uint64_t unwatched_ = 0;
};
static_assert(WorkerAnalysis::kMaxFull * sizeof(AnomalyDetector) +
                      (WorkerAnalysis::kMaxSeries - WorkerAnalysis::kMaxFull) * sizeof(LightDetector) +
                      WorkerAnalysis::kMaxSeries * (sizeof(WatchedSeries) + sizeof(CounterRate)) +
                      sizeof(WorkerAnalysis) <=
                  WorkerAnalysis::kMaxBytes,
              "16 KiB per worker");

}  // namespace paramedic
