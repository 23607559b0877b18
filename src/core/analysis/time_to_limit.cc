#include "core/analysis/time_to_limit.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace paramedic {

namespace {

constexpr double kGrowthErrors = 1;  // of the growth are taken off it
constexpr double kMostBlocks = 1e6;  // nine years: never
constexpr double kStraight = 1e-6;   // growth so small that the formulas of the straight line are the exact ones
// Of ln(time left), for each window: no line is the whole truth, however small its error. Keeps one window that happens
// to be smooth from outvoting all others.
constexpr double kWindowSpread = 0.15;
// Blocks. Close to the limit ln(time left) falls without end and windows seem to differ by factors; nothing is known
// more finely than the quarter of an hour for which an alert waits.
constexpr double kLeastLeft = 3;

}  // namespace

double growth_beyond_error(const TrendFit& fit, const TrendFit* newer_half) {
  const double growth =
      std::copysign(std::max(0.0, std::abs(fit.growth) - kGrowthErrors * fit.growth_error), fit.growth);
  if (!newer_half || newer_half->growth_error <= 0) return growth;
  return std::clamp(growth, std::min(0.0, newer_half->growth - newer_half->growth_error),
                    std::max(0.0, newer_half->growth + newer_half->growth_error));
}

double slope_now(const TrendFit& fit, double growth, int blocks) {
  const double h = growth * blocks / 2;
  return std::abs(h) < kStraight ? fit.slope : fit.slope * std::exp(h) * h / std::sinh(h);
}

double blocks_to_fill(double room, double slope, double growth) {
  if (room <= 0) return 0;
  const double x = growth * room / slope;
  if (x <= -1) return -1;
  const double left = std::abs(x) < kStraight ? room / slope : std::log1p(x) / growth;
  return left < kMostBlocks ? left : -1;
}

void TimeLeft::add(double blocks, double relative_error, double slope, double end) {
  const double variance = relative_error * relative_error + kWindowSpread * kWindowSpread;
  const double w = 1 / variance, l = std::log(std::max(blocks, kLeastLeft));
  weight_ += w;
  log_ += w * l;
  log_squared_ += w * l * l;
  variance_ += w * variance;
  slope_ += w * slope;
  end_ += w * end;
}

double TimeLeft::blocks() const { return std::exp(log_ / weight_); }

double TimeLeft::spread() const {
  const double mean = log_ / weight_, between = std::max(0.0, log_squared_ / weight_ - mean * mean);
  return std::sqrt(variance_ / weight_ + between + kFutureSpread * kFutureSpread);
}

double probability_within(double horizon, double blocks, double spread) {
  return 0.5 * std::erfc(-std::log(horizon / blocks) / spread / std::numbers::sqrt2);
}

}  // namespace paramedic
