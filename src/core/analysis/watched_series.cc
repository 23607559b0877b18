#include "core/analysis/watched_series.h"

#include <algorithm>
#include <utility>

#include "core/analysis/detector_math.h"

namespace paramedic {

WatchedSeries::WatchedSeries(std::string name, int rank)
    : name_(std::move(name)), light_(std::make_unique<LightDetector>()), rank_(std::int16_t(rank)) {
  const MetricTraits traits = metric_traits(name_);
  floor_ = traits.floor;
  if (traits.counter) rate_ = std::make_unique<CounterRate>();
}

AnomalyReading WatchedSeries::observe(WallTime now, double value) {
  told_at_ = now;
  evidence_ = deviation_ = 0;
  AnomalyReading reading;
  if (rate_) {
    const auto rate = rate_->take(now, value);
    if (!rate) return reading;
    value = *rate;
  }
  reading = full_ ? full_->observe(now, value) : light_->observe(now, value, floor_);
  if (reading.rejected) return reading;
  observed_ = value;
  evidence_ = reading.evidence;
  deviation_ = reading.deviation;
  may_notify_ = reading.may_notify;
  follow(now, reading);
  return reading;
}

// One anomaly lasts from its first unusual sample until five minutes have passed without a restless one.
void WatchedSeries::follow(WallTime now, const AnomalyReading& reading) {
  if (is_unusual() && now - loud_at_ > kCalm) since_ = {};
  if (!is_unusual()) {
    const float step = full_ ? full_->clock().step_seconds() : light_->step_seconds();
    if (std::min(reading.evidence, reading.rarity + detector::per_minute(step)) < kUnusual) return;
    since_ = now;
    peak_ = 0;
  }
  if (reading.evidence >= kRestless) loud_at_ = now;
  if (reading.rarity <= peak_) return;
  peak_ = reading.rarity;
  statistic_ = reading.statistic;
}

void WatchedSeries::make_full() {
  if (full_) return;
  full_ = std::make_unique<AnomalyDetector>(floor_);
  light_ = nullptr;
}

void WatchedSeries::make_light() {
  if (light_) return;
  light_ = std::make_unique<LightDetector>(*full_);
  full_ = nullptr;
}

void WatchedSeries::inherit(const WatchedSeries& other) {
  if (full_ && other.full_) *full_ = *other.full_;
  if (light_ && other.light_) *light_ = *other.light_;
  if (light_ && other.full_) *light_ = LightDetector(*other.full_);
}

void WatchedSeries::recentre() {
  if (full_) full_->recentre();
  if (light_) light_->recentre();
  since_ = {};
}

bool WatchedSeries::is_known() const {
  return (full_ ? full_->samples() : light_->samples()) >= AnomalyDetector::kScoreFrom;
}

Anomaly WatchedSeries::anomaly(WallTime now) const {
  Anomaly a;
  a.metric = name_;
  a.score = peak_;
  a.observed = observed_;
  const ExpectedBand band = full_ ? full_->expected(now) : light_->expected(floor_);
  a.expected_low = band.low;
  a.expected_high = band.high;
  a.statistic = statistic_;
  a.since = since_;
  a.may_notify = may_notify_;
  return a;
}

std::size_t WatchedSeries::bytes() const {
  const std::size_t name = name_.capacity() > 15 ? name_.capacity() + 1 : 0;  // shorter ones lie in the object
  return detector_bytes(is_full()) + (rate_ ? sizeof(CounterRate) : 0) + name;
}

bool WatchedSeries::is_sane() const {
  // From 1970 to 2223: beyond, a difference of two times would not fit.
  const auto is_time = [](WallTime t) { return t >= WallTime{} && t <= WallTime{Duration{8'000'000'000'000'000'000}}; };
  return (full_ ? full_->is_sane() : light_->is_sane()) && evidence_ >= 0 && peak_ >= 0 && is_time(told_at_) &&
         is_time(since_) && is_time(loud_at_) && since_ <= loud_at_;
}

}  // namespace paramedic
