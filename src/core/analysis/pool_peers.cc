#include "core/analysis/pool_peers.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

namespace {

constexpr double kJudgeSeconds = 2;

float median_of(float* first, float* last) {
  float* middle = first + (last - first) / 2;
  std::nth_element(first, middle, last);
  return *middle;
}

}  // namespace

PoolPeers::Table* PoolPeers::find(std::string_view metric) {
  auto at = std::lower_bound(tables_.begin(), tables_.end(), metric,
                             [](const Table& t, std::string_view name) { return t.metric < name; });
  if (at != tables_.end() && at->metric == metric) return &*at;
  if (tables_.size() >= kMaxMetrics) return nullptr;
  at = tables_.insert(at, Table{});
  at->metric = metric;
  return &*at;
}

void PoolPeers::tell(std::string_view metric, std::uint64_t worker, float deviation, float evidence, WallTime now) {
  Table* table = find(metric);
  if (!table || !std::isfinite(deviation) || !std::isfinite(evidence)) return;
  Word& word = table->words[worker % kMaxWorkers];
  const double at = to_seconds(now.time_since_epoch());
  // Of two workers on one place the first keeps it for as long as it speaks.
  if (word.worker != worker && word.at > 0 && std::fabs(at - word.at) <= kFreshSeconds) return;
  word = {worker, at, deviation, evidence};
}

void PoolPeers::judge(Table& table, double now) {
  if (table.judged_at >= 0 && std::fabs(now - table.judged_at) < kJudgeSeconds) return;
  table.judged_at = now;
  std::array<float, kMaxWorkers> deviations, evidences;
  table.fresh = 0;
  for (const Word& word : table.words) {
    if (word.at <= 0 || std::fabs(now - word.at) > kFreshSeconds) continue;
    deviations[std::size_t(table.fresh)] = word.deviation;
    evidences[std::size_t(table.fresh++)] = word.evidence;
  }
  if (table.fresh < kEnough) return;
  const auto common = [&](std::array<float, kMaxWorkers>& values) {
    float *first = values.data(), *last = first + table.fresh;
    Common c;
    c.median = median_of(first, last);
    for (float* value = first; value != last; ++value) *value = std::fabs(*value - c.median);
    c.spread = 1.4826F * median_of(first, last);  // of a normal distribution: its standard deviation
    return c;
  };
  table.deviation = common(deviations);
  table.evidence = common(evidences);
}

bool PoolPeers::is_far(float own, const Common& common) {
  return std::fabs(own - common.median) > kFarSpreads * common.spread + kFarOwn;
}

PeerOpinion PoolPeers::opinion(std::string_view metric, float deviation, float evidence, WallTime now) {
  Table* table = find(metric);
  if (!table) return PeerOpinion::unknown;
  judge(*table, to_seconds(now.time_since_epoch()));
  if (table->fresh < kEnough) return PeerOpinion::unknown;
  // A flat line deviates by nothing: then the evidence tells it from its peers, if it is more than theirs.
  const bool far =
      is_far(deviation, table->deviation) || (evidence > table->evidence.median && is_far(evidence, table->evidence));
  return far ? PeerOpinion::differ : PeerOpinion::alike;
}

std::size_t PoolPeers::bytes() const { return sizeof(*this) + tables_.capacity() * sizeof(Table); }

}  // namespace paramedic
