// What is not told says something too: reports that come late, metrics that vanish. Where a device fails ("the GPU has
// fallen off the bus") it is often the only early sign. Distances between reports and the share of known metrics that
// is absent are judged by tail histograms of their own, as values are, so a worker that is always irregular raises
// nothing by it. A silence, as long as it lasts, is the heartbeat check's. Pure; no allocation; one thread.
#pragma once
#include "base/clock.h"
#include "core/analysis/sample_clock.h"
#include "core/analysis/tail_histogram.h"

namespace paramedic {

struct MissingnessReading {
  float late = 0;      // evidence, as of AnomalyReading
  float vanished = 0;  // evidence
  float distance_seconds = 0, usual_seconds = 0;
  bool may_notify = false;
};

class Missingness {
 public:
  static constexpr float kLateFrom = 1.5F;     // usual distances; a report between is on time
  static constexpr float kVanishedScale = 16;  // a sixteenth of the metrics counts like one usual distance

  // A report came, with `absent` of the `known` metrics missing in it.
  MissingnessReading arrived(WallTime at, int known, int absent);
  // The worker was away on purpose (restart, maintenance): that distance is not its own.
  void pause() { paused_ = true; }

  bool is_sane() const { return clock_.is_sane() && distances_.is_sane() && absences_.is_sane(); }
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    SampleClock::fields(self.clock_, archive);
    TailHistogram::fields(self.distances_, archive);
    TailHistogram::fields(self.absences_, archive);
    archive(self.reports_);
    archive(self.absent_);
    archive(self.paused_);
  }

 private:
  bool scores() const;
  float lateness(float steps) const;

  SampleClock clock_;
  TailHistogram distances_, absences_;
  std::uint32_t reports_ = 0;
  std::uint16_t absent_ = 0;  // metrics missing in the report before
  bool paused_ = false;
};

}  // namespace paramedic
