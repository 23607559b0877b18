// The times of a series: how far apart its samples are, which distances are gaps, how much was learned. All that a
// detector measures in time and not in samples rests on it. Times are wall times: they are kept over restarts and carry
// the time of day. A clock that steps back costs nothing but the distance: the samples on both sides count as one
// instant. Pure; one thread.
#pragma once
#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace paramedic {

class SampleClock {
 public:
  // Longer than so many usual distances is a gap: two lost samples may be chance, three are not.
  static constexpr float kGapSteps = 3;
  // Of the usual distance: about twenty samples, so that a changed interval is known within minutes.
  static constexpr float kStepRate = 0.05F;

  struct Tick {
    float seconds = 0;  // since the sample before; 0 for the first and for a clock that stepped back
    float steps = 0;    // the same in usual distances
    bool gap = false;
  };

  Tick take(WallTime at) {
    const double now = to_seconds(at.time_since_epoch());
    const double distance = started_ ? now - last_ : 0;
    const bool stepped_back = started_ && distance < 0;
    last_ = now;
    started_ = true;
    Tick tick;
    if (!(distance > 0) || stepped_back) return tick;
    tick.seconds = float(distance);
    tick.steps = step_ > 0 ? tick.seconds / step_ : 1;
    tick.gap = tick.steps > kGapSteps;
    const float counted = tick.gap ? kGapSteps * step_ : tick.seconds;
    step_ = step_ > 0 ? step_ + kStepRate * (counted - step_) : counted;
    learned_ = std::min(learned_ + counted, kEnough);
    settled_ = std::min(settled_ + counted, kEnough);
    return tick;
  }
  // What was learned of the level no longer holds: it has to settle anew.
  void unsettle() { settled_ = 0; }

  float step_seconds() const { return step_; }
  float learned_seconds() const { return learned_; }  // gaps count as three samples
  float settled_seconds() const { return settled_; }  // the same, since the last unsettle()
  double last_seconds() const { return last_; }

  bool is_sane() const {
    return std::fabs(last_) < 1e11 && step_ >= 0 && learned_ >= 0 && settled_ >= 0 && learned_ <= kEnough &&
           settled_ <= kEnough;
  }
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    archive(self.last_);
    archive(self.step_);
    archive(self.learned_);
    archive(self.settled_);
    archive(self.started_);
  }

 private:
  static constexpr float kEnough = 1e6F;  // eleven days; more is never asked for, and a float still counts seconds here

  double last_ = 0;  // seconds since 1970
  float step_ = 0, learned_ = 0, settled_ = 0;
  bool started_ = false;
};

}  // namespace paramedic
