// A counter (it only grows) as a rate per second. A fall is a reset of the counter and no rate: a worker that started
// anew counts from nothing. Pure; one thread.
#pragma once
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace paramedic {

class CounterRate {
 public:
  // Nothing for the first count, at a reset, for no number, and when no time passed.
  std::optional<double> take(WallTime at, double count) {
    if (!std::isfinite(count) || std::fabs(count) > 1e30) return std::nullopt;
    const double now = to_seconds(at.time_since_epoch()), seconds = now - last_seconds_, grown = count - last_;
    const bool first = !started_;
    started_ = true;
    last_ = count;
    last_seconds_ = now;
    if (first || !(seconds > 0)) return std::nullopt;
    if (grown < 0) {
      ++resets_;
      return std::nullopt;
    }
    return grown / seconds;
  }
  std::uint32_t resets() const { return resets_; }

  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    archive(self.last_);
    archive(self.last_seconds_);
    archive(self.resets_);
    archive(self.started_);
  }

 private:
  double last_ = 0, last_seconds_ = 0;
  std::uint32_t resets_ = 0;
  bool started_ = false;
};

}  // namespace paramedic
