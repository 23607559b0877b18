#include "core/analysis/worker_score.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "core/analysis/anomaly_detector.h"
#include "core/analysis/detector_math.h"

namespace paramedic {

namespace {
constexpr std::uint8_t kMask = (1 << WorkerScore::kLooked) - 1;
void shift_in(std::uint8_t& bits, bool bit) { bits = std::uint8_t((bits << 1 | (bit ? 1 : 0)) & kMask); }
}  // namespace

WorkerScoreReading WorkerScore::update(WallTime at, std::span<const float> evidence) {
  float first = 0, second = 0, above = 0;
  int unusual = 0;
  for (const float e : evidence) {
    if (e > first)
      second = std::exchange(first, e);
    else
      second = std::max(second, e);
    above += std::max(0.0F, e - 1);
    if (e >= kWarning) ++unusual;
  }
  const SampleClock::Tick tick = clock_.take(at);
  const float worst = detector::limited(first + kSecond * second);
  detector::lean(drifting_, detector::limited(above), 1 - std::exp(-tick.seconds / kDriftSeconds));
  WorkerScoreReading reading;
  reading.scored = rounds_ >= AnomalyDetector::kScoreFrom && clock_.settled_seconds() >= AnomalyDetector::kLearnSeconds;
  if (reading.scored) {
    // Where nothing was ever unusual a trifle is as rare as a disaster: the score is never more than the evidence, nor
    // than five times what the metrics together are above the ordinary (0.7 of it for five minutes: a warning).
    reading.score = std::min(worst_.rarity(worst), worst);
    reading.score = std::max(reading.score, std::min(drift_.rarity(drifting_), kDriftScale * drifting_));
  }
  count(worst, reading.score >= kWarning, tick.seconds);
  if (rounds_ < std::numeric_limits<std::uint32_t>::max()) ++rounds_;
  sustain(reading.score, unusual);
  reading.health = 100 * (1 - std::clamp((reading.score - 2) / 4, 0.0F, 1.0F));
  reading.level = level_;
  return reading;
}

// What lasts counts once, and only when it is over or ten minutes old: its own first sample must not make the next ones
// look usual.
void WorkerScore::count(float worst, bool unusual, float seconds) {
  story_ = unusual ? story_ + seconds : 0;
  if (unusual && story_ < AnomalyDetector::kRestSeconds) {
    pending_worst_ = std::max(pending_worst_, worst);
    pending_drift_ = std::max(pending_drift_, drifting_);
    return;
  }
  worst_.add(std::max(worst, std::exchange(pending_worst_, 0.0F)));
  drift_.add(std::max(drifting_, std::exchange(pending_drift_, 0.0F)));
}

void WorkerScore::sustain(float score, int unusual_metrics) {
  shift_in(warnings_, score >= kWarning);
  shift_in(criticals_, score >= kCritical);
  shift_in(companies_, score >= kWarning && unusual_metrics >= 2);
  const int warnings = std::popcount(warnings_);
  if (std::popcount(criticals_) >= kSustained || std::popcount(companies_) >= kSustained)
    level_ = AnomalyLevel::critical;
  else if (warnings >= kSustained && level_ == AnomalyLevel::usual)
    level_ = AnomalyLevel::warning;
  else if (warnings <= 1)
    level_ = AnomalyLevel::usual;
}

bool WorkerScore::is_sane() const {
  return clock_.is_sane() && worst_.is_sane() && drift_.is_sane() && drifting_ >= 0 && story_ >= 0 &&
         pending_worst_ >= 0 && pending_drift_ >= 0 && level_ <= AnomalyLevel::critical &&
         (warnings_ | criticals_ | companies_) <= kMask;
}

}  // namespace paramedic
