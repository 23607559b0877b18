// The full anomaly detector: "tail-calibrated record and level fusion" over one series. docs/analysis.md tells the
// method in words, the measured accuracy and where it ends.
//
// In short: eleven simple statistics of a sample (how far from the mean, how large a step, how far outside of all it
// has been, …) are each turned into a rarity, -log10 of their own tail probability (tail_histogram.h). Five of them
// look at the last minutes; their mean is one witness. Records and flatness are witnesses too, but each alone and so
// counted half or a third. The two strongest witnesses together are the evidence. A last tail histogram says how rare
// evidence of that size is: that is the "1 in 4 000" that people read, and evidence is held to it.
//
// Streaming, without look into the future, without allocation; the state is 1.5 KiB and trivially copyable: a copy is
// how a new life of a worker inherits what the one before learned. Pure; one thread.
#pragma once
#include <array>
#include <cstdint>

#include "base/clock.h"
#include "core/analysis/daily_profile.h"
#include "core/analysis/record_range.h"
#include "core/analysis/sample_clock.h"
#include "core/analysis/tail_histogram.h"
#include "model/anomaly.h"

namespace paramedic {

// What one sample says.
struct AnomalyReading {
  float score = 0;     // the evidence, less in a series that cries often, 0 within the rest after a higher one: what an
                       // alarm may be made of
  float evidence = 0;  // about -log10 p, per minute of sampling; good for comparing metrics and samples
  float rarity = 0;    // -log10 of the part of this series' samples that had such evidence
  float deviation = 0;  // signed distance from the expected, in usual ones: what peers compare
  AnomalyStatistic statistic = AnomalyStatistic::none;  // what speaks loudest
  bool rejected = false;                                // not a usable number; nothing was learned
  bool scored = false;                                  // the first quarter of an hour is over
  bool may_notify = false;                              // a day was learned
};

struct ExpectedBand {
  double low = 0, high = 0;
};

class AnomalyDetector {
 public:
  // Every constant is the same for all series; docs/analysis.md gives the reason of each.
  static constexpr float kLearnSeconds = 15 * 60, kNotifySeconds = 24 * 3600, kRestSeconds = 10 * 60;
  static constexpr std::uint32_t kCountFrom = 20, kScoreFrom = 60, kClipFrom = 30;

  // `floor`: what is no news of this metric, in its unit. On a constant series any change is infinitely rare otherwise.
  // 0 = a millionth of its level.
  explicit AnomalyDetector(float floor = 0) : floor_(floor) {}

  // REQUIRES: one series, its samples in the order they came.
  AnomalyReading observe(WallTime at, double value);

  // A new version of the worker, or a life that takes over what another learned: levels are learned anew (a quarter of
  // an hour without score); how the series wavers, and that a day was learned, stays.
  void recentre();

  // Where 99 % of its samples are, by the level statistic.
  ExpectedBand expected(WallTime at) const;
  std::uint32_t samples() const { return samples_; }
  std::uint32_t rejected() const { return rejected_; }
  std::uint32_t gaps() const { return gaps_; }
  const SampleClock& clock() const { return clock_; }
  bool may_notify() const { return clock_.learned_seconds() >= kNotifySeconds; }

  // What a summary of it begins from (light_detector.h).
  double mean() const { return reference_ + mean_; }
  double previous() const { return reference_ + previous_; }
  float spread() const { return spread_; }
  float step_spread() const { return step_spread_; }

  bool is_sane() const;
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive);

 private:
  enum Tail : std::uint8_t {
    level_up,
    level_down,
    difference_up,
    difference_down,
    local_up,
    local_down,
    relative_up,
    relative_down,
    volatility,
    flat,
    record,
    slow,
    slower,
    shift,
    daily,
    fused,
    kTails
  };
  enum Range : std::uint8_t { of_value, of_slow, of_slower, of_shift, of_daily, kRanges };
  struct Statistics;
  struct Witnesses;

  void begin(float x);
  void measure(float x, const SampleClock::Tick& tick, Statistics& s);
  void measure_records(float x, Statistics& s);
  void measure_daily(float x, Statistics& s);
  Witnesses weigh(const Statistics& s);
  void learn(float x, const Statistics& s);
  bool in_story() const;
  void calibrate(bool same_story, AnomalyReading& reading);
  float weariness() const;
  void rest(const SampleClock::Tick& tick, AnomalyReading& reading);
  bool has_history() const { return tails_[fused].values() >= TailHistogram::kEnoughForBulk; }
  bool knows_the_day() const { return daily_spread_ < kDailyGain * plain_spread_; }
  static constexpr float kDailyGain = 0.8F;

  DailyProfile day_;
  SampleClock clock_;
  std::array<TailHistogram, kTails> tails_{};
  std::array<RecordRange, kRanges> ranges_{};
  double reference_ = 0;  // the first value, subtracted from all, so that a float tells large ones apart
  // All of these relative to reference_. Means of about 5 (short_: spikes clipped; quick_: as it is), 20 and 50
  // samples.
  float mean_ = 0, spread_ = 0, step_spread_ = 0, short_ = 0, short_spread_ = 0, quick_ = 0, slow_ = 0, slower_ = 0;
  float recent_steps_ = 0, previous_ = 0, daily_spread_ = 0, plain_spread_ = 0, daily_slow_ = 0;
  float confidence_ = 1;          // 0..1: falls with a gap
  float held_ = 0, rested_ = -1;  // the evidence of the latest alarm, seconds since; rested_ < 0: none yet
  float heard_ = 0, story_ = 0;   // the evidence of the sample before; seconds of the story that lasts
  float alarms_ = 0;              // the loud ones, those of a day ago count 1/e
  float floor_ = 0;
  std::uint32_t samples_ = 0;  // since the last recentre()
  std::uint16_t rejected_ = 0, gaps_ = 0;
  std::uint16_t by_day_ = 0;  // samples for which the time of the day was known
};
static_assert(sizeof(AnomalyDetector) <= 1536, "1.5 KiB per series in full");

template <class Self, class Archive>
void AnomalyDetector::fields(Self& self, Archive& archive) {
  DailyProfile::fields(self.day_, archive);
  SampleClock::fields(self.clock_, archive);
  for (auto& tail : self.tails_) TailHistogram::fields(tail, archive);
  for (auto& range : self.ranges_) RecordRange::fields(range, archive);
  archive(self.reference_);
  for (auto* number :
       {&self.mean_,         &self.spread_,       &self.step_spread_, &self.short_,        &self.short_spread_,
        &self.quick_,        &self.slow_,         &self.slower_,      &self.recent_steps_, &self.previous_,
        &self.daily_spread_, &self.plain_spread_, &self.daily_slow_,  &self.confidence_,   &self.held_,
        &self.rested_,       &self.heard_,        &self.story_,       &self.alarms_,       &self.floor_})
    archive(*number);
  archive(self.samples_);
  archive(self.rejected_);
  archive(self.gaps_);
  archive(self.by_day_);
}

}  // namespace paramedic
