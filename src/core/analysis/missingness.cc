#include "core/analysis/missingness.h"

#include <algorithm>
#include <limits>

#include "core/analysis/anomaly_detector.h"
#include "core/analysis/detector_math.h"

namespace paramedic {

bool Missingness::scores() const {
  return reports_ >= AnomalyDetector::kScoreFrom && clock_.settled_seconds() >= AnomalyDetector::kLearnSeconds;
}

float Missingness::lateness(float steps) const {
  if (!scores() || steps < kLateFrom) return 0;
  return std::max(distances_.rarity(detector::limited(steps)) + detector::per_minute(clock_.step_seconds()), 0.0F);
}

MissingnessReading Missingness::arrived(WallTime at, int known, int absent) {
  MissingnessReading reading;
  reading.usual_seconds = clock_.step_seconds();
  const SampleClock::Tick tick = clock_.take(at);
  reading.distance_seconds = tick.seconds;
  reading.may_notify = clock_.learned_seconds() >= AnomalyDetector::kNotifySeconds;
  if (!paused_) reading.late = lateness(tick.steps);
  const float absence = 1 + (known > 0 ? kVanishedScale * float(absent) / float(known) : 0);
  if (scores() && absent > 0)
    reading.vanished = std::max(absences_.rarity(absence) + detector::per_minute(clock_.step_seconds()), 0.0F);
  if (reports_ >= AnomalyDetector::kCountFrom) {
    if (!paused_) distances_.add(detector::limited(tick.steps));
    // What stays away counts once, or after a minute it would be usual.
    if (absent == 0 || absent != absent_) absences_.add(absence);
  }
  paused_ = false;
  absent_ = std::uint16_t(std::clamp(absent, 0, 65535));
  if (reports_ < std::numeric_limits<std::uint32_t>::max()) ++reports_;
  return reading;
}

}  // namespace paramedic
