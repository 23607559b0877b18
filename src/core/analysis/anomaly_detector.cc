#include "core/analysis/anomaly_detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/analysis/detector_math.h"

namespace paramedic {

namespace {

using namespace detector;

constexpr float kShort = 0.2F, kSlow = 0.05F, kSlower = 0.02F;
constexpr float kClipSpread = 6;  // no sample moves a spread by more than so many times itself
constexpr float kClipShort = 4;
constexpr float kDailySmooth = 0.12F;         // about eight samples
constexpr float kRelativeScale = 10;          // a fifth of the own level counts like one spread
constexpr float kAlarm = 1, kHigher = 0.33F;  // evidence that begins a rest; how much more breaks through it
constexpr float kStory = 1.5F;                // evidence above it begins a story; until it falls, nothing is counted
constexpr float kHeard = 2;                   // how often evidence was as large before its rarity objects to it
constexpr float kClaim = 1;                   // evidence heard before is at most so much more than its rarity
constexpr float kLoud = 3;                    // evidence of an alarm that wearies
constexpr float kWearied = 3, kWeary = 2;     // alarms a day that are believed; what ten times as many cost
constexpr float kWearySeconds = 86400;
constexpr float kRegain = 0.1F;          // of the confidence, per sample
constexpr float kForgetSeconds = 86400;  // a gap of so long leaves 1/e of the confidence

// Learns the usual size of a deviation, none counted for more than a few times the usual.
void learn_spread(float& spread, float size, float rate) {
  lean(spread, spread > 0 ? std::min(size, kClipSpread * spread) : size, rate);
}

void count(std::uint16_t& counter) {
  if (counter < std::numeric_limits<std::uint16_t>::max()) ++counter;
}

}  // namespace

// What is measured of one sample. Sizes are >= 0; signs tell which tail judges them.
struct AnomalyDetector::Statistics {
  bool steady = true;  // no gap before it: step and volatility mean something
  float level = 0, difference = 0, local = 0, relative = 0, volatility = 0, flat = 0;
  bool level_down = false, difference_down = false, local_down = false;
  std::array<float, kRanges> records{};
  bool has_day = false;
  float step = 0;       // |x - the sample before|
  float from_mean = 0;  // x - mean
  float signed_level = 0;
};

struct AnomalyDetector::Witnesses {
  float evidence = 0;
  AnomalyStatistic statistic = AnomalyStatistic::none;
};

void AnomalyDetector::begin(float x) {
  mean_ = short_ = quick_ = slow_ = slower_ = previous_ = x;
  spread_ = step_spread_ = short_spread_ = recent_steps_ = 0;
  daily_spread_ = plain_spread_ = daily_slow_ = 0;
  by_day_ = 0;
  for (auto& range : ranges_) range.forget();
  day_.forget();
}

void AnomalyDetector::measure(float x, const SampleClock::Tick& tick, Statistics& s) {
  const float least = least_spread(mean(), floor_);
  const auto beyond = [&](float deviation) { return std::max(std::fabs(deviation) - floor_, 0.0F); };
  // Across a gap the last few samples tell nothing: the short mean goes on from where the series is now.
  if (tick.gap) lean(short_, x, 1 - std::pow(1 - kShort, tick.steps));
  s.steady = !tick.gap;
  s.from_mean = x - mean_;
  s.signed_level = s.from_mean / (spread_ + least);
  s.level = limited(beyond(s.from_mean) / (spread_ + least));
  s.level_down = s.from_mean < 0;
  s.step = std::fabs(x - previous_);
  s.difference = limited(beyond(s.step) / (step_spread_ + least));
  s.difference_down = x < previous_;
  const float aside = x - short_;
  const auto height = [&](float y) { return float(std::fabs(reference_ + double(y))); };
  s.local = limited(beyond(aside) / (short_spread_ + least));
  s.local_down = aside < 0;
  // The mean keeps a short level of nothing from dividing.
  s.relative = limited(kRelativeScale * beyond(aside) / (height(short_) + height(mean_) + least));
  const float usual = std::clamp(aside, -kClipShort * short_spread_ - least, kClipShort * short_spread_ + least);
  const float rate = rate_of(kBaseline, samples_);
  learn_spread(short_spread_, std::fabs(aside), rate);
  lean(short_, short_ + usual, rate_of(kShort, samples_));
  if (s.steady) lean(recent_steps_, beyond(s.step), kSlow);
  s.volatility = limited(recent_steps_ / (step_spread_ + least));
  s.flat = limited((step_spread_ + 1e-12F) / (recent_steps_ + 0.02F * step_spread_ + 1e-12F));
}

void AnomalyDetector::measure_records(float x, Statistics& s) {
  const float least = least_spread(mean(), floor_);
  lean(quick_, x, rate_of(kShort, samples_));
  lean(slow_, x, kSlow);
  lean(slower_, x, rate_of(kSlower, samples_));
  const auto novelty = [&](Range range, float y) {
    s.records[range] = limited(kRecordScale * ranges_[range].novelty(y, least, floor_));
  };
  novelty(of_value, x);
  novelty(of_slow, slow_);
  novelty(of_slower, slower_);
  novelty(of_shift, quick_ - slower_);
}

// The time of the day takes over the level where it explains the series: where the distance from the usual of the half
// hour is clearly smaller (a fifth) than that from the mean.
void AnomalyDetector::measure_daily(float x, Statistics& s) {
  const auto usual = day_.expected(clock_.last_seconds());
  if (usual) {
    const float least = least_spread(mean(), floor_), aside = x - *usual, rate = rate_of(kBaseline, by_day_);
    if (knows_the_day()) {
      s.has_day = true;
      s.records[of_daily] = limited(kRecordScale * ranges_[of_daily].novelty(daily_slow_, least, floor_));
      s.level = limited(std::max(std::fabs(aside) - floor_, 0.0F) / (daily_spread_ + least));
      s.level_down = aside < 0;
      s.signed_level = aside / (daily_spread_ + least);
    }
    learn_spread(daily_spread_, std::fabs(aside), rate);
    learn_spread(plain_spread_, std::fabs(s.from_mean), rate);
    lean(daily_slow_, aside, kDailySmooth);
    count(by_day_);
  }
  const float centre = usual.value_or(mean_), width = kClipShort * spread_ + least_spread(mean(), floor_);
  const float clipped = samples_ > kClipFrom ? std::clamp(x, centre - width, centre + width) : x;
  day_.add(clock_.last_seconds(), clipped);
}

bool AnomalyDetector::in_story() const { return heard_ > kStory && story_ < kRestSeconds; }

AnomalyDetector::Witnesses AnomalyDetector::weigh(const Statistics& s) {
  const float per_minute = detector::per_minute(clock_.step_seconds());
  // A burst is one story however many samples it has: ten bad minutes must not make the next ten look usual. After
  // ten minutes it counts again, so that a new normal is learned.
  const bool same_story = in_story();
  const bool scoring = samples_ >= kScoreFrom, counting = samples_ >= kCountFrom && !same_story;
  const auto rarity = [&](Tail tail, float size) {
    TailHistogram& own = tails_[tail];
    // A size of nothing (no record) is no news, however rare that was.
    const float q = scoring && size > 0 ? std::max(own.rarity_by_bulk(size) + per_minute, 0.0F) : 0;
    if (counting) own.add(size);
    return q;
  };
  using enum AnomalyStatistic;
  struct Told {
    float size = 0;
    AnomalyStatistic statistic = none;
  };
  float sum = 0;
  Told loudest, first, second;
  const auto hear_recent = [&](float q, AnomalyStatistic statistic) {
    sum += q;
    if (q > loudest.size) loudest = {q, statistic};
  };
  const auto hear = [&](float q, AnomalyStatistic statistic) {
    if (q > first.size)
      second = first, first = {q, statistic};
    else if (q > second.size)
      second = {q, statistic};
  };
  hear_recent(rarity(s.level_down ? level_down : level_up, s.level), level);
  hear_recent(rarity(s.local_down ? local_down : local_up, s.local), local);
  hear_recent(rarity(s.local_down ? relative_down : relative_up, s.relative), relative);
  if (s.steady) {
    hear_recent(rarity(s.difference_down ? difference_down : difference_up, s.difference), difference);
    hear_recent(rarity(Tail::volatility, s.volatility), AnomalyStatistic::volatility);
    hear(kAlone * rarity(flat, s.flat), flat_line);
  }
  hear(sum / 5, loudest.statistic);
  hear(kAloneRecent * rarity(Tail::record, s.records[of_value]), AnomalyStatistic::record);
  hear(kAlone * rarity(slow, s.records[of_slow]), slow_record);
  hear(kAlone * rarity(slower, s.records[of_slower]), slow_record);
  hear(kAloneRecent * rarity(Tail::shift, s.records[of_shift]), AnomalyStatistic::shift);
  if (s.has_day) hear(kAlone * rarity(daily, s.records[of_daily]), time_of_day);
  heard_ = first.size + second.size;
  if (same_story)
    story_ += clock_.step_seconds();
  else if (heard_ <= kStory)
    story_ = 0;
  return {heard_, first.statistic};
}

void AnomalyDetector::learn(float x, const Statistics& s) {
  const float rate = rate_of(kBaseline, samples_);
  float aside = s.from_mean;
  // A spread of nothing clips nothing, or a series that was constant could never move.
  if (samples_ > kClipFrom && spread_ > 0) aside = std::clamp(aside, -kClipMean * spread_, kClipMean * spread_);
  lean(mean_, mean_ + aside, rate);
  lean(spread_, std::fabs(aside), rate);
  if (s.steady) lean(step_spread_, s.step, rate);
  previous_ = x;
  if (samples_ < std::numeric_limits<std::uint32_t>::max()) ++samples_;
}

// How rare such evidence was, each story counted once; and what was heard several times in the last weeks is held to
// it. The bulk of a statistic may promise more than it keeps (mostly zero, spikes of every size): what a series says
// again and again is not evidence of much. What is new, and a young series, nothing objects to.
void AnomalyDetector::calibrate(bool same_story, AnomalyReading& reading) {
  TailHistogram& own = tails_[fused];
  const float evidence = reading.evidence;
  reading.rarity = own.rarity(evidence);
  const bool new_to_it = reading.rarity >= std::log10(float(own.values() + 1) / (kHeard + 0.5F));
  if (has_history() && !new_to_it) {
    const float most =
        std::max(own.rarity_by_bulk(evidence) + detector::per_minute(clock_.step_seconds()), 0.0F) + kClaim;
    reading.evidence = std::min(evidence, most);
  }
  if (!same_story) own.add(evidence);
}

// The histogram takes weeks to learn that a series began to cry often; this takes a day.
float AnomalyDetector::weariness() const {
  return has_history() ? kWeary * std::log10(std::max((1 + alarms_) / kWearied, 1.0F)) : 0;
}

void AnomalyDetector::rest(const SampleClock::Tick& tick, AnomalyReading& reading) {
  if (rested_ >= 0) rested_ = std::min(rested_ + tick.seconds, 2 * kRestSeconds);
  if (alarms_ > 0) alarms_ = flushed(alarms_ * std::exp(-tick.seconds / kWearySeconds), 1e-3F);
  const bool resting = rested_ >= 0 && rested_ < kRestSeconds;
  if (resting && reading.evidence < held_ + kHigher) return;
  reading.score = std::max(reading.evidence - weariness(), 0.0F);
  if (!resting && reading.evidence > kLoud) ++alarms_;
  if (reading.evidence > kAlarm) held_ = reading.evidence, rested_ = 0;
}

AnomalyReading AnomalyDetector::observe(WallTime at, double value) {
  AnomalyReading reading;
  if (!is_usable(value)) {
    count(rejected_);
    reading.rejected = true;
    return reading;
  }
  const SampleClock::Tick tick = clock_.take(at);
  if (samples_ == 0) reference_ = value;
  const float x = flushed(float(value - reference_));
  if (samples_ == 0) begin(x);
  if (tick.gap) count(gaps_), confidence_ *= std::exp(-tick.seconds / kForgetSeconds);
  lean(confidence_, 1, kRegain);
  Statistics s;
  measure(x, tick, s);
  measure_records(x, s);
  measure_daily(x, s);
  const bool same_story = in_story();
  const Witnesses heard = weigh(s);
  reading.deviation = std::clamp(s.signed_level, -kLargest, kLargest);
  reading.scored = samples_ >= kScoreFrom && clock_.settled_seconds() >= kLearnSeconds;
  if (reading.scored) {
    reading.evidence = heard.evidence * confidence_;
    reading.statistic = heard.statistic;
    reading.may_notify = may_notify();
    calibrate(same_story, reading);
    rest(tick, reading);
  }
  learn(x, s);
  return reading;
}

void AnomalyDetector::recentre() {
  samples_ = 0;
  confidence_ = 1;
  rested_ = -1;
  heard_ = story_ = alarms_ = 0;
  clock_.unsettle();
}

ExpectedBand AnomalyDetector::expected(WallTime at) const {
  constexpr float kShare = 0.99F;
  const auto usual = day_.expected(to_seconds(at.time_since_epoch()));
  const bool by_day = usual && knows_the_day();
  const double centre = (by_day ? *usual : mean_) + reference_;
  const float width = (by_day ? daily_spread_ : spread_) + least_spread(mean(), floor_);
  return {centre - width * tails_[level_down].quantile(kShare) - floor_,
          centre + width * tails_[level_up].quantile(kShare) + floor_};
}

bool AnomalyDetector::is_sane() const {
  for (const TailHistogram& tail : tails_)
    if (!tail.is_sane()) return false;
  for (const RecordRange& range : ranges_)
    if (!range.is_sane()) return false;
  for (float spread : {spread_, step_spread_, short_spread_, recent_steps_, daily_spread_, plain_spread_, floor_})
    if (!(spread >= 0)) return false;
  for (float number : {mean_, spread_, step_spread_, short_, short_spread_, quick_, slow_, slower_, recent_steps_,
                       previous_, daily_spread_, plain_spread_, daily_slow_, floor_})
    if (std::fabs(number) > 1e31F) return false;
  return day_.is_sane() && clock_.is_sane() && std::fabs(reference_) <= 1e30 && confidence_ >= 0 && confidence_ <= 1 &&
         held_ >= 0 && heard_ >= 0 && story_ >= 0 && alarms_ >= 0 && alarms_ <= 1e6F;
}

}  // namespace paramedic
