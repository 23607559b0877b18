// Chance that is the same on every machine for the same seed: the distributions of the standard library are not.
#pragma once
#include <cmath>
#include <random>

#include "base/clock.h"

namespace paramedic::simulate {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  double fraction() { return double(random_() >> 11) * 0x1p-53; }  // [0, 1)
  bool chance(double p) { return fraction() < p; }
  Duration between(Duration a, Duration b) { return a + from_seconds(to_seconds(b - a) * fraction()); }
  // Of an event that happens once per `mean` on average: how long until the next.
  Duration wait(Duration mean) { return from_seconds(-to_seconds(mean) * std::log(1 - fraction())); }

 private:
  std::mt19937_64 random_;
};

}  // namespace paramedic::simulate
