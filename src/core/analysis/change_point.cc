#include "core/analysis/change_point.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

namespace {
constexpr double kNarrow = 4;                            // two doublings: the border effect of one is half of it
constexpr double kMeanAgrees = 1.25, kTailAgrees = 1.1;  // a longer tail moves the mean less than all tasks do
constexpr double kFewTasks = 1e-3;                       // what forgetting leaves of a task long gone

double level_of(TaskMeasure what) { return what == TaskMeasure::duration_p95 ? 0.95 : 0.5; }

// ln(F / (1 − F)); ends at a thousandth on either side, alike for many tasks and for few.
double odds(double share) {
  constexpr double kEnd = 0.001;
  const double f = std::clamp(share, kEnd, 1 - kEnd);
  return std::log(f / (1 - f));
}

double lower_bound_of(std::size_t bucket) { return bucket == 0 ? 0.0005 : duration_bound(bucket - 1); }
double upper_bound_of(std::size_t bucket) { return lower_bound_of(bucket) * 2; }  // of the last one imagined
}  // namespace

void TaskTally::add(const TaskTally& other, float weight) {
  for (std::size_t i = 0; i < kDurationBuckets; ++i) counts[i] += weight * other.counts[i];
  finished += weight * other.finished;
  failed += weight * other.failed;
  seconds += weight * other.seconds;
}

void TaskTally::take_away(const TaskTally& other) {
  const auto less = [](float& from, float what) { from = std::max(0.0f, from - what); };
  for (std::size_t i = 0; i < kDurationBuckets; ++i) less(counts[i], other.counts[i]);
  less(finished, other.finished);
  less(failed, other.failed);
  less(seconds, other.seconds);
}

void TaskTally::scale(float factor) {
  // Below a millionth of a task nothing is kept: denormal numbers are slow.
  const auto shrink = [&](float& v) { v = v * factor < 1e-6f ? 0 : v * factor; };
  for (float& count : counts) shrink(count);
  shrink(finished);
  shrink(failed);
  shrink(seconds);
}

double TaskTally::measured() const {
  double total = 0;
  for (const float count : counts) total += double(count);
  return total;
}

bool TaskTally::empty() const { return finished <= 0 && measured() <= 0; }

std::optional<double> TaskTally::quantile(double q) const {
  const double total = measured();
  if (total < kFewTasks) return std::nullopt;
  double below = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) {
    const double here = double(counts[i]);
    if (here <= 0) continue;
    last = i;
    if (below + here >= q * total) {
      const double low = odds(below / total), high = odds((below + here) / total);
      const double part = high > low ? std::clamp((odds(q) - low) / (high - low), 0.0, 1.0) : 0.5;
      return lower_bound_of(i) * std::exp2(part);
    }
    below += here;
  }
  return upper_bound_of(last);
}

double TaskTally::longer_than(double limit) const {
  double above = 0;
  for (std::size_t i = kDurationBuckets; i-- > 0;) {
    const double here = double(counts[i]);
    if (lower_bound_of(i) >= limit) {
      above += here;
      continue;
    }
    if (upper_bound_of(i) <= limit || here <= 0) break;
    const double total = measured();
    const double high = odds(1 - above / total), low = odds(1 - (above + here) / total);
    const double part = std::log2(limit / lower_bound_of(i));
    const double share = 1 / (1 + std::exp(low + (high - low) * part));  // of all, longer than the limit
    return std::clamp(share * total, above, above + here);
  }
  return above;
}

std::optional<double> TaskTally::mean() const {
  const double total = measured();
  if (total < kFewTasks) return std::nullopt;
  return double(seconds) / total;
}

double Noise::over(std::size_t blocks) const {
  const double part = double(std::min(blocks, kLookBlocks) - 1) / double(kLookBlocks - 1);
  return std::max(1.0, double(block) + (std::max(double(block), double(hour)) - double(block)) * part);
}

void Noise::learn(double z2_block, double z2_hour) {
  const auto follow = [](float& average, double z2) { average += kForget * (std::min(float(z2), kWildest) - average); };
  follow(block, z2_block);
  follow(hour, z2_hour);
}

double tasks_of(TaskMeasure what, const TaskTally& tally) {
  return what == TaskMeasure::error_ratio ? double(tally.finished) : tally.measured();
}

std::optional<double> value_of(TaskMeasure what, const TaskTally& tally) {
  if (what != TaskMeasure::error_ratio) return tally.quantile(level_of(what));
  if (tally.finished < float(kFewTasks)) return std::nullopt;
  return tally.error_ratio();
}

std::optional<Usual> usual_of(TaskMeasure what, const TaskTally& history) {
  const auto value = value_of(what, history);
  if (!value) return std::nullopt;
  Usual usual{.value = *value};
  if (what == TaskMeasure::error_ratio) return usual;
  usual.mean = history.mean().value_or(0);
  usual.narrow = history.quantile(0.95).value_or(0) < kNarrow * history.quantile(0.5).value_or(0);
  return usual;
}

Usual moved(TaskMeasure what, Usual usual, const Usual& siblings_usual, const Usual& siblings_now) {
  if (what == TaskMeasure::error_ratio) {
    usual.value = std::clamp(usual.value + std::max(0.0, siblings_now.value - siblings_usual.value), 0.0, 1.0);
    return usual;
  }
  if (siblings_usual.value > 0) usual.value *= std::max(1.0, siblings_now.value / siblings_usual.value);
  if (siblings_usual.mean > 0) usual.mean *= std::max(1.0, siblings_now.mean / siblings_usual.mean);
  return usual;
}

double share_line(TaskMeasure what, const Usual& usual) {
  if (what != TaskMeasure::error_ratio) return 1 - level_of(what);
  return std::min(0.99, std::max(usual.value * kWanderErrorFactor, usual.value + kWanderErrorPoints));
}

double tasks_above(TaskMeasure what, const TaskTally& tally, const Usual& usual) {
  if (what == TaskMeasure::error_ratio) return double(tally.failed);
  return tally.longer_than(kWanderFactor * usual.value);
}

double evidence_of(double above, double tasks, double p0) {
  if (tasks <= 0 || above <= tasks * p0) return 0;
  const double share = std::min(1.0, above / tasks);
  double sum = share * std::log(share / p0);
  if (share < 1) sum += (1 - share) * std::log((1 - share) / (1 - p0));
  return tasks * sum;
}

std::optional<double> scatter(TaskMeasure what, const TaskTally& tally, const Usual& usual, double min_tasks) {
  const double n = tasks_of(what, tally);
  if (n < min_tasks) return std::nullopt;
  const bool errors = what == TaskMeasure::error_ratio;
  // Below half a percent of errors one single failure would look like a storm of noise.
  const double p = errors ? std::clamp(usual.value, 0.005, 0.5) : 1 - level_of(what);
  const double above = errors ? double(tally.failed) : tally.longer_than(usual.value);
  const double off = std::max(0.0, above - n * p);  // scatter towards better is no reason to distrust worse
  return 2 * off * off / (n * p * (1 - p));
}

bool big_enough(TaskMeasure what, double usual, double now) {
  if (what != TaskMeasure::error_ratio) return usual > 0 && now >= kMinFactor * usual;
  return now >= kMinErrorFactor * usual && now >= usual + kMinErrorPoints;
}

bool still_beyond(TaskMeasure what, double usual, double now) {
  if (what != TaskMeasure::error_ratio) return now >= kWanderFactor * usual;
  return now >= std::max(usual * kWanderErrorFactor, usual + kWanderErrorPoints);
}

namespace {
bool mean_agrees(TaskMeasure what, const TaskTally& after, const Usual& usual) {
  if (what == TaskMeasure::error_ratio || !usual.narrow || usual.mean <= 0) return true;
  const double needed = what == TaskMeasure::duration_p95 ? kTailAgrees : kMeanAgrees;
  return after.mean().value_or(0) >= needed * usual.mean;
}

bool beyond_line(TaskMeasure what, const TaskTally& tally, const Usual& usual) {
  const double tasks = tasks_of(what, tally);
  return tasks > 0 && tasks_above(what, tally, usual) > tasks * share_line(what, usual);
}
}  // namespace

namespace {
// Without the block that stands out most the rest is still changed: one block alone is a burst.
bool lasts(TaskMeasure what, std::span<const TaskTally> blocks, const TaskTally& after, const Usual& usual) {
  const TaskTally* worst = nullptr;
  double most = 0;
  for (const TaskTally& block : blocks) {
    const double excess = tasks_above(what, block, usual) - tasks_of(what, block) * share_line(what, usual);
    if (excess > most) most = excess, worst = &block;
  }
  if (!worst) return false;
  TaskTally rest = after;
  rest.take_away(*worst);
  const auto value = value_of(what, rest);
  return value && big_enough(what, usual.value, *value);
}
}  // namespace

std::optional<Shift> find_shift(TaskMeasure what, std::span<const TaskTally> blocks, std::span<const TaskTally> newest,
                                std::span<const Usual> usual, const Noise& noise, double needed) {
  std::optional<Shift> best;
  const auto now = std::find_if(blocks.begin(), blocks.end(), [](const TaskTally& b) { return !b.empty(); });
  if (now == blocks.end() || !beyond_line(what, *now, usual[0])) return best;
  for (std::size_t i = 0; i < newest.size(); ++i) {
    const TaskTally& after = newest[i];
    const double tasks = tasks_of(what, after);
    if (blocks[i].empty() || tasks < kMinTasks) continue;  // nothing began where nothing was done
    if (what == TaskMeasure::error_ratio && double(after.failed) < kMinFailures) continue;
    const double above = tasks_above(what, after, usual[i]);
    const double evidence = evidence_of(above, tasks, share_line(what, usual[i])) / noise.over(i + 1);
    if (evidence < needed || (best && evidence <= best->evidence)) continue;
    const double value = *value_of(what, after);
    if (!big_enough(what, usual[i].value, value) || !mean_agrees(what, after, usual[i])) continue;
    if (!lasts(what, blocks.first(i + 1), after, usual[i])) continue;
    best = Shift{i + 1, evidence, usual[i].value, value, tasks};
  }
  return best;
}

}  // namespace paramedic
