// The arithmetic and the constants that both detectors share. docs/analysis.md gives the reason of each constant.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace paramedic::detector {

inline constexpr float kBaseline = 0.001F;       // memory of mean and spreads: a thousand samples
inline constexpr float kClipMean = 2.6F;         // no sample moves the mean by more than so many spreads
inline constexpr float kRecordScale = 8;         // an eighth of the range beyond it counts like one spread
inline constexpr float kAlone = 0.5F;            // the weight of a witness that stands alone
inline constexpr float kAloneRecent = 1 / 3.0F;  // the same, of one that looks at the minutes that others judge already
inline constexpr float kLargest = 1e6F;          // of a statistic: larger ones say nothing more

// Numbers beyond 1e30 are no measurements: their squares are no floats.
inline bool is_usable(double value) { return std::isfinite(value) && std::fabs(value) <= 1e30; }

// Denormal numbers cost a hundred times as much as others and mean nothing.
inline float flushed(float x, float below = 1e-20F) { return std::fabs(x) < below ? 0 : x; }

// Moves an average towards x.
inline void lean(float& average, float x, float rate) {
  average += rate * (x - average);
  average = flushed(average, 1e-30F);
}

// The first samples count alike; then `slowest`.
inline float rate_of(float slowest, std::uint32_t samples) { return std::max(slowest, 1 / (float(samples) + 1)); }

inline float limited(float x) { return std::min(x, kLargest); }

// What is added to a spread: one of nothing would make any change infinite.
inline float least_spread(double mean, float floor) {
  return std::max(1e-6F * (float(std::fabs(mean)) + 1e-6F), floor);
}

// Rarities are per sample; what counts is how often an alarm would come. Sampled once an hour "1 in 100" is twice a
// week, sampled every ten seconds it is four times an hour: added to a rarity this tells it per minute of sampling.
inline float per_minute(float step_seconds) { return std::log10(std::max(step_seconds, 1.0F) / 60); }

}  // namespace paramedic::detector
