// The small anomaly detector, 256 bytes: for the metrics of a worker beyond its chosen few, and for all when the fleet
// is larger than its memory. Three of the eleven statistics of the full one (level, step, record), by the same formulas
// and constants: the first two speak with their mean, the record alone and so counted half. No time of the day, no rest
// after an alarm, no calibration of the sum: its rarity is an estimate. Pure; no allocation; one thread.
#pragma once
#include <array>
#include <cstdint>

#include "base/clock.h"
#include "core/analysis/anomaly_detector.h"
#include "core/analysis/record_range.h"
#include "core/analysis/tail_histogram.h"

namespace paramedic {

class LightDetector {
 public:
  LightDetector() = default;
  // What a full detector knew of the level: it was set back to the small form.
  explicit LightDetector(const AnomalyDetector& full);

  // `floor` as of AnomalyDetector. REQUIRES: one series, its samples in the order they came.
  AnomalyReading observe(WallTime at, double value, float floor);
  void recentre();

  ExpectedBand expected(float floor) const;
  std::uint32_t samples() const { return samples_; }
  float step_seconds() const { return step_; }
  bool may_notify() const { return learned_ >= AnomalyDetector::kNotifySeconds; }

  bool is_sane() const;
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    for (auto& tail : self.tails_) TailHistogram::fields(tail, archive);
    RecordRange::fields(self.range_, archive);
    archive(self.last_);
    for (auto* number : {&self.step_, &self.learned_, &self.mean_, &self.spread_, &self.step_spread_, &self.previous_})
      archive(*number);
    archive(self.samples_);
  }

 private:
  enum Tail : std::uint8_t { level, difference, record, kTails };
  struct Tick {
    float seconds = 0;
    bool gap = false;
  };
  Tick take(WallTime at);
  float weigh(const std::array<float, kTails>& sizes, bool steady, AnomalyReading& reading);
  float least(float floor) const;

  std::array<TailHistogram, kTails> tails_{};
  RecordRange range_;
  std::uint32_t last_ = 0;  // seconds since 1970; 0 = none
  float step_ = 0, learned_ = 0;
  float mean_ = 0, spread_ = 0, step_spread_ = 0, previous_ = 0;
  std::uint32_t samples_ = 0;  // since the last recentre()
};
static_assert(sizeof(LightDetector) <= 256, "256 bytes per series in the small form");

}  // namespace paramedic
