#include "core/analysis/worker_analysis.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/ids.h"

namespace paramedic {

namespace {

constexpr std::string_view kReport = "report";  // what is late when no metric of its own is

// Evidence of one metric that is about nothing: not worth asking the peers.
constexpr float kQuiet = 1;

void add_top(std::vector<Anomaly>& anomalies, std::vector<MetricScore> scores) {
  std::stable_sort(scores.begin(), scores.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (scores.size() > Anomaly::kMaxTop) scores.resize(Anomaly::kMaxTop);
  for (Anomaly& anomaly : anomalies) anomaly.top = scores;
  std::stable_sort(anomalies.begin(), anomalies.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
}

}  // namespace

WorkerAnalysis::WorkerAnalysis(std::string_view worker, AnalysisBudget& budget, std::vector<std::string> full)
    : id_(stable_hash(worker)), budget_(budget), full_(std::move(full)) {
  series_.reserve(kMaxSeries);
}

WorkerAnalysis::~WorkerAnalysis() { release_all(); }

void WorkerAnalysis::release_all() {
  for (const WatchedSeries& one : series_) budget_.give_back(WatchedSeries::detector_bytes(one.is_full()));
  series_.clear();
}

int WorkerAnalysis::rank_of(std::string_view name) const {
  const auto named = std::find(full_.begin(), full_.end(), name);
  if (named != full_.end()) return int(named - full_.begin()) - int(full_.size());
  return metric_traits(name).rank;
}

WatchedSeries* WorkerAnalysis::find(std::string_view name) {
  const auto at = std::lower_bound(series_.begin(), series_.end(), name,
                                   [](const WatchedSeries& one, std::string_view n) { return one.name() < n; });
  return at != series_.end() && at->name() == name ? &*at : nullptr;
}

WatchedSeries* WorkerAnalysis::admit(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || series_.size() >= kMaxSeries ||
      !budget_.take_small(sizeof(LightDetector))) {
    ++unwatched_;
    return nullptr;
  }
  const auto at = std::lower_bound(series_.begin(), series_.end(), name,
                                   [](const WatchedSeries& one, std::string_view n) { return one.name() < n; });
  WatchedSeries& made = *series_.emplace(at, std::string(name), rank_of(name));
  prefer(made);
  return find(name);
}

// Gives a new series the full form if it is among the four best.
void WorkerAnalysis::prefer(WatchedSeries& series) {
  WatchedSeries* least = full_series() >= kMaxFull ? least_interesting_full() : nullptr;
  if (least && least->rank() <= series.rank()) return;
  constexpr std::size_t kMore = sizeof(AnomalyDetector) - sizeof(LightDetector);
  if (least) {
    least->make_light();
    budget_.give_back(kMore);
  }
  if (budget_.take_full(kMore)) series.make_full();
}

// The highest rank number; of equals the one with less evidence, then the later name.
WatchedSeries* WorkerAnalysis::least_interesting_full() {
  WatchedSeries* least = nullptr;
  for (WatchedSeries& one : series_) {
    if (!one.is_full()) continue;
    const bool less =
        !least || one.rank() > least->rank() || (one.rank() == least->rank() && one.evidence() <= least->evidence());
    if (less) least = &one;
  }
  return least;
}

std::size_t WorkerAnalysis::degrade() {
  WatchedSeries* least = least_interesting_full();
  if (!least) return 0;
  constexpr std::size_t kFreed = sizeof(AnomalyDetector) - sizeof(LightDetector);
  least->make_light();
  budget_.give_back(kFreed);
  return kFreed;
}

// What one report comes to, while it is put together.
struct WorkerAnalysis::Round {
  WorkerReading out;
  std::array<float, kMaxSeries + 2> evidence{};  // of what counts against the worker; two more for what is missing
  std::size_t count = 0;
  std::vector<MetricScore> scores;
  int known = 0, absent = 0;
  std::string_view vanished;  // the first of those absent
};

void WorkerAnalysis::observe(WallTime now, std::span<const MetricValue> metrics, PoolPeers* peers) {
  for (const MetricValue& metric : metrics) {
    if (!std::isfinite(metric.value)) continue;
    WatchedSeries* series = find(metric.name);
    if (!series) series = admit(metric.name);
    if (!series) continue;
    const AnomalyReading reading = series->observe(now, metric.value);
    if (peers && reading.scored) peers->tell(series->name(), id_, reading.deviation, reading.evidence, now);
  }
}

void WorkerAnalysis::judge(const WatchedSeries& series, WallTime now, PoolPeers* peers, Round& round) {
  const bool told = series.was_told(now), missed = series.is_known() && series.silent_for(now) < kGone;
  round.known += missed ? 1 : 0;
  if (!told && missed && round.absent++ == 0) round.vanished = series.name();
  if (!told || (series.evidence() < kQuiet && !series.is_unusual())) return;
  PeerOpinion opinion = PeerOpinion::unknown;
  if (peers) opinion = peers->opinion(series.name(), series.deviation(), series.evidence(), now);
  if (series.is_unusual()) {
    round.out.anomalies.push_back(series.anomaly(now));
    round.out.anomalies.back().peers = opinion;
  }
  if (opinion == PeerOpinion::alike) return;
  round.evidence[round.count++] = series.evidence();
  if (series.evidence() >= WatchedSeries::kRestless) round.scores.push_back({series.name(), series.evidence()});
}

WorkerReading WorkerAnalysis::update(WallTime now, std::span<const MetricValue> metrics, PoolPeers* peers) {
  observe(now, metrics, peers);
  Round round;
  for (const WatchedSeries& series : series_) judge(series, now, peers, round);
  const MissingnessReading missing = missing_.arrived(now, round.known, round.absent);
  round.evidence[round.count++] = missing.late;
  round.evidence[round.count++] = missing.vanished;
  if (auto anomaly = watch_missing(now, missing)) {
    const bool vanished = anomaly->statistic == AnomalyStatistic::vanished && !round.vanished.empty();
    anomaly->metric = vanished ? round.vanished : kReport;
    round.scores.push_back({anomaly->metric, anomaly->score});
    round.out.anomalies.push_back(std::move(*anomaly));
  }
  if (!round.out.anomalies.empty()) add_top(round.out.anomalies, std::move(round.scores));
  round.out.score = score_.update(now, std::span(round.evidence).first(round.count));
  return std::move(round.out);
}

std::optional<Anomaly> WorkerAnalysis::watch_missing(WallTime now, const MissingnessReading& reading) {
  const float worse = std::max(reading.late, reading.vanished);
  if (missing_since_ != WallTime{} && now - missing_at_ > WatchedSeries::kCalm) missing_since_ = {};
  if (worse < WatchedSeries::kUnusual) return std::nullopt;
  if (missing_since_ == WallTime{}) missing_since_ = now;
  missing_at_ = now;
  Anomaly a;
  a.score = worse;
  a.statistic = reading.late >= reading.vanished ? AnomalyStatistic::late : AnomalyStatistic::vanished;
  a.observed = reading.distance_seconds;
  a.expected_low = a.expected_high = reading.usual_seconds;
  a.since = missing_since_;
  a.may_notify = reading.may_notify;
  return a;
}

void WorkerAnalysis::recentre() {
  for (WatchedSeries& series : series_) series.recentre();
}

void WorkerAnalysis::inherit(const WorkerAnalysis& other, bool recentre) {
  for (const WatchedSeries& theirs : other.series_) {
    if (find(theirs.name())) continue;
    WatchedSeries* mine = admit(theirs.name());
    if (!mine) continue;
    mine->inherit(theirs);
    if (recentre) mine->recentre();
  }
}

std::size_t WorkerAnalysis::full_series() const {
  return std::size_t(
      std::count_if(series_.begin(), series_.end(), [](const WatchedSeries& one) { return one.is_full(); }));
}

std::size_t WorkerAnalysis::bytes() const {
  std::size_t total = sizeof(*this) + series_.capacity() * sizeof(WatchedSeries);
  for (const WatchedSeries& series : series_) total += series.bytes();
  for (const std::string& name : full_) total += sizeof(name) + (name.capacity() > 15 ? name.capacity() + 1 : 0);
  return total;
}

}  // namespace paramedic
