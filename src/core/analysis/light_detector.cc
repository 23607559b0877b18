#include "core/analysis/light_detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/analysis/detector_math.h"

namespace paramedic {

LightDetector::LightDetector(const AnomalyDetector& full)
    : last_(std::uint32_t(std::clamp(full.clock().last_seconds(), 0.0, 4e9))),
      step_(full.clock().step_seconds()),
      learned_(full.clock().learned_seconds()),
      mean_(float(full.mean())),
      spread_(full.spread()),
      step_spread_(full.step_spread()),
      previous_(float(full.previous())) {}

// Whole seconds are enough here: samples of one series are seconds apart at least.
LightDetector::Tick LightDetector::take(WallTime at) {
  const double now = std::clamp(to_seconds(at.time_since_epoch()), 1.0, 4e9);
  Tick tick;
  if (last_ > 0 && now > last_) tick.seconds = float(now - last_);
  last_ = std::uint32_t(now);
  if (tick.seconds == 0) return tick;
  tick.gap = step_ > 0 && tick.seconds > SampleClock::kGapSteps * step_;
  const float counted = tick.gap ? SampleClock::kGapSteps * step_ : tick.seconds;
  step_ = step_ > 0 ? step_ + SampleClock::kStepRate * (counted - step_) : counted;
  learned_ = std::min(learned_ + counted, 1e6F);
  return tick;
}

float LightDetector::least(float floor) const { return detector::least_spread(mean_, floor); }

float LightDetector::weigh(const std::array<float, kTails>& sizes, bool steady, AnomalyReading& reading) {
  using enum AnomalyStatistic;
  const float per_minute = detector::per_minute(step_);
  std::array<float, kTails> rarities{};
  for (std::size_t tail = 0; tail < kTails; ++tail) {
    if (tail == Tail::difference && !steady) continue;
    if (sizes[tail] > 0) rarities[tail] = std::max(tails_[tail].rarity(sizes[tail]) + per_minute, 0.0F);
    if (samples_ >= AnomalyDetector::kCountFrom) tails_[tail].add(sizes[tail]);
  }
  const float recent = (rarities[Tail::level] + rarities[Tail::difference]) / 2;
  const float alone = detector::kAlone * rarities[Tail::record];
  const auto louder =
      rarities[Tail::level] >= rarities[Tail::difference] ? AnomalyStatistic::level : AnomalyStatistic::difference;
  reading.statistic = alone > recent ? AnomalyStatistic::record : louder;
  return recent + alone;
}

AnomalyReading LightDetector::observe(WallTime at, double value, float floor) {
  AnomalyReading reading;
  if (!detector::is_usable(value)) {
    reading.rejected = true;
    return reading;
  }
  const Tick tick = take(at);
  const float x = detector::flushed(float(value));
  if (samples_ == 0) {
    mean_ = previous_ = x;
    spread_ = step_spread_ = 0;
    range_.forget();
  }
  const float least = this->least(floor), aside = x - mean_, step = std::fabs(x - previous_);
  const auto size = [&](float deviation, float spread) {
    return detector::limited(std::max(std::fabs(deviation) - floor, 0.0F) / (spread + least));
  };
  const std::array<float, kTails> sizes{size(aside, spread_), size(step, step_spread_),
                                        detector::limited(detector::kRecordScale * range_.novelty(x, least, floor))};
  reading.deviation = std::clamp(aside / (spread_ + least), -detector::kLargest, detector::kLargest);
  const float evidence = weigh(sizes, !tick.gap, reading);
  // How long it settles is known by the samples alone: there is no room for a second time.
  reading.scored = samples_ >= AnomalyDetector::kScoreFrom && float(samples_) * step_ >= AnomalyDetector::kLearnSeconds;
  reading.may_notify = reading.scored && may_notify();
  if (reading.scored)
    reading.score = reading.evidence = reading.rarity = evidence;
  else
    reading.statistic = AnomalyStatistic::none;
  const float rate = detector::rate_of(detector::kBaseline, samples_);
  const float clip = detector::kClipMean * spread_;
  const float moved = samples_ > AnomalyDetector::kClipFrom && spread_ > 0 ? std::clamp(aside, -clip, clip) : aside;
  detector::lean(mean_, mean_ + moved, rate);
  detector::lean(spread_, std::fabs(moved), rate);
  if (!tick.gap) detector::lean(step_spread_, step, rate);
  previous_ = x;
  if (samples_ < std::numeric_limits<std::uint32_t>::max()) ++samples_;
  return reading;
}

void LightDetector::recentre() { samples_ = 0; }

ExpectedBand LightDetector::expected(float floor) const {
  const double width = double(tails_[level].quantile(0.99F)) * double(spread_ + least(floor)) + double(floor);
  return {mean_ - width, mean_ + width};
}

bool LightDetector::is_sane() const {
  for (const TailHistogram& tail : tails_)
    if (!tail.is_sane()) return false;
  for (float number : {step_, learned_, spread_, step_spread_})
    if (!(number >= 0)) return false;
  for (float number : {step_, learned_, mean_, spread_, step_spread_, previous_})
    if (std::fabs(number) > 1e31F) return false;
  return range_.is_sane();
}

}  // namespace paramedic
