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
    // Never more than the evidence itself: where nothing was ever unusual, a trifle is as rare as a disaster.
    const auto rarity = [](const TailHistogram& tail, float x) { return std::min(tail.rarity(x), x); };
    reading.score = std::max(rarity(worst_, worst), rarity(drift_, drifting_));
  }
  // As in the detectors: what lasts counts once, for ten minutes.
  const bool same_story = (warnings_ & 1) != 0 && story_ < AnomalyDetector::kRestSeconds;
  story_ = same_story ? story_ + tick.seconds : reading.score < kWarning ? 0 : story_;
  if (!same_story) worst_.add(worst), drift_.add(drifting_);
  if (rounds_ < std::numeric_limits<std::uint32_t>::max()) ++rounds_;
  sustain(reading.score, unusual);
  reading.health = 100 * (1 - std::clamp((reading.score - 2) / 4, 0.0F, 1.0F));
  reading.level = level_;
  return reading;
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
         level_ <= AnomalyLevel::critical && (warnings_ | criticals_ | companies_) <= kMask;
}

}  // namespace paramedic
