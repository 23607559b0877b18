#include "core/fleet/pool_memory.h"

#include <algorithm>

#include "model/report.h"

namespace paramedic {

namespace {
// Old durations fade: beyond this many samples the histogram is halved, so that a pool can learn anew.
constexpr std::uint64_t kMostSamples = 100'000;
constexpr std::size_t kLoadTimes = 9;

void fade(DurationHistogram& h) {
  if (h.count() <= kMostSamples) return;
  for (auto& n : h.counts) n /= 2;
  h.sum_seconds /= 2;
}
}  // namespace

std::uint32_t PoolMemory::type_index(std::string_view type, bool full) {
  if (const auto found = types_.find(type); found != types_.end() && !full) return found->second;
  const std::size_t named = durations_.size() - types_.count(kOtherType);
  const bool fold = full || named >= kMaxTaskTypesPerPool;
  const std::string_view name = fold ? kOtherType : type;
  if (const auto found = types_.find(name); found != types_.end()) return found->second;
  const auto index = std::uint32_t(durations_.size());
  LearnedDuration fresh;
  fresh.type = std::string(name);
  types_.emplace(fresh.type, index);
  durations_.push_back(std::move(fresh));
  histograms_.emplace_back();
  return index;
}

std::optional<std::uint32_t> PoolMemory::find_type(std::string_view type) const {
  const auto found = types_.find(type);
  if (found == types_.end()) return std::nullopt;
  return found->second;
}

void PoolMemory::learn_durations(std::uint32_t type, const DurationHistogram& more) {
  if (more.count() == 0) return;
  DurationHistogram& h = histograms_[type];
  h.add(more);
  fade(h);
  LearnedDuration& out = durations_[type];
  const std::uint64_t total = h.count();
  // Quantiles of many samples hardly move: computed anew after each 2 % more.
  if (out.learned() && total >= out.count && total - out.count < out.count / 50) return;
  out.count = total;
  out.mean_seconds = h.sum_seconds / double(out.count);
  out.p50_seconds = h.quantile_seconds(0.5).value_or(0);
  out.p99_seconds = h.quantile_seconds(0.99).value_or(0);
}

void PoolMemory::learn_take_gap(Duration gap) {
  take_gaps_.observe(std::max(0.0, to_seconds(gap)));
  fade(take_gaps_);
  if (take_gaps_.count() >= kLearnedAfter) take_gap_p95_ = from_seconds(take_gaps_.quantile_seconds(0.95).value_or(60));
}

void PoolMemory::learn_load(std::string_view model, double seconds) {
  if (!(seconds >= 0) || seconds > 1e6) return;
  auto found = std::find_if(loads_.begin(), loads_.end(), [&](const LearnedLoad& l) { return l.model == model; });
  if (found == loads_.end()) {
    if (loads_.size() >= kMaxModelsPerPool) return;
    LearnedLoad fresh;
    fresh.model = std::string(model);
    loads_.push_back(std::move(fresh));
    load_times_.emplace_back();
    found = loads_.end() - 1;
  }
  auto& times = load_times_[std::size_t(found - loads_.begin())];
  if (times.size() == kLoadTimes) times.erase(times.begin());
  times.push_back(seconds);
  auto sorted = times;
  std::sort(sorted.begin(), sorted.end());
  found->count = std::uint32_t(times.size());
  found->median_seconds = sorted[sorted.size() / 2];
}

}  // namespace paramedic
