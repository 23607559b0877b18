// One number for one worker: how unusual are its metrics together, and for how long?
//   W = largest evidence + 1/4 of the second           one metric that is far off, a second confirms it
//   S = mean over five minutes of sum(max(0, evidence - 1))   many that are a little off: drifts that hang together
// Each is calibrated by a tail histogram of its own, once more, since the more metrics a worker has the larger is the
// largest of them by chance; the score is the larger rarity.
//
// Levels are sustained: three of the last five samples. warning: p <= 10^-3.5; critical: p <= 10^-5, or a warning with
// at least two metrics. It ends when at most one of the last five reached the warning. What peers do as well must be
// left out of what is handed in. Pure; no allocation; one thread.
#pragma once
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "core/analysis/sample_clock.h"
#include "core/analysis/tail_histogram.h"
#include "model/anomaly.h"

namespace paramedic {

struct WorkerScoreReading {
  float score = 0;     // -log10 p by the worker's own past
  float health = 100;  // 100 at p = 10^-2 and more, 0 at 10^-6
  AnomalyLevel level = AnomalyLevel::usual;
  bool scored = false;
};

class WorkerScore {
 public:
  static constexpr float kWarning = 3.5F, kCritical = 5, kSecond = 0.25F, kDriftSeconds = 300, kDriftScale = 5;
  static constexpr int kSustained = 3, kLooked = 5;

  // Evidence of every metric in this round. REQUIRES: finite, >= 0.
  WorkerScoreReading update(WallTime at, std::span<const float> evidence);
  AnomalyLevel level() const { return level_; }

  bool is_sane() const;
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    SampleClock::fields(self.clock_, archive);
    TailHistogram::fields(self.worst_, archive);
    TailHistogram::fields(self.drift_, archive);
    archive(self.drifting_);
    for (auto* number : {&self.story_, &self.pending_worst_, &self.pending_drift_}) archive(*number);
    archive(self.rounds_);
    for (auto* bits : {&self.warnings_, &self.criticals_, &self.companies_}) archive(*bits);
    auto level = static_cast<std::uint8_t>(self.level_);
    archive(level);
    if constexpr (!std::is_const_v<Self>) self.level_ = static_cast<AnomalyLevel>(level);
  }

 private:
  void count(float worst, bool unusual, float seconds);
  void sustain(float score, int unusual_metrics);

  SampleClock clock_;
  TailHistogram worst_, drift_;
  float drifting_ = 0;
  float story_ = 0, pending_worst_ = 0, pending_drift_ = 0;  // of the anomaly that lasts: its seconds, its largest
  std::uint32_t rounds_ = 0;
  std::uint8_t warnings_ = 0, criticals_ = 0, companies_ = 0;  // a bit per sample, the latest lowest; kLooked of them
  AnomalyLevel level_ = AnomalyLevel::usual;
};

}  // namespace paramedic
