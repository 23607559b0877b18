// Series for tests of the detectors: fixed seeds, so that every run sees the same.
#pragma once
#include <cmath>
#include <random>
#include <vector>

#include "base/clock.h"

namespace paramedic::testing {

inline const WallTime kStart{std::chrono::seconds(1'795'000'000)};

struct TestSample {
  WallTime at;
  double value;
};
// Noise around `level`, one sample every `step`.
inline std::vector<TestSample> noise(std::size_t count, double level, double spread, Duration step = 10s,
                                     unsigned seed = 1) {
  std::mt19937 dice(seed);
  std::normal_distribution<double> normal(level, spread);
  std::vector<TestSample> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back({kStart + step * std::int64_t(i), normal(dice)});
  return out;
}
// The same with a daily wave of `swing`.
inline std::vector<TestSample> daily(std::size_t count, double level, double swing, double spread, Duration step) {
  auto out = noise(count, level, spread, step);
  for (TestSample& sample : out) {
    const double seconds = to_seconds(sample.at.time_since_epoch());
    sample.value += swing * std::sin(2 * M_PI * seconds / 86400);
  }
  return out;
}

}  // namespace paramedic::testing
