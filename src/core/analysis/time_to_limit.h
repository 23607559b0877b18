// How long until a limit, from lines over several windows: pure functions of class MetricForecast, with its formulas
// (metric_forecast.h). Times in blocks, levels as shares of a unit.
#pragma once
#include "core/analysis/trend.h"

namespace paramedic {

// The growth of a slope as far as it exceeds its error: what noise explains is no curve. `newer_half`: the line of the
// window half as long, if known: a curve still is one there. Else the window holds a bend, from before a leak began.
double growth_beyond_error(const TrendFit& fit, const TrendFit* newer_half = nullptr);

// The slope now, of a window of `blocks` of which `fit` tells the mean, if it grows by exp(growth) per block:
//   now = mean · exp(g·w/2) · (g·w/2) / sinh(g·w/2)
double slope_now(const TrendFit& fit, double growth, int blocks);

// Blocks until `room` is used up at `slope` that grows; 0 when there is none left, negative = never.
// REQUIRES: slope > 0.
double blocks_to_fill(double room, double slope, double growth);

// Several windows' answers as one: means weighted by inverse variance.
class TimeLeft {
 public:
  // `relative_error` = error of the slope / slope.
  void add(double blocks, double relative_error, double slope, double end);
  bool any() const { return weight_ > 0; }
  // REQUIRES of all below: any().
  double blocks() const;
  // Standard deviation of ln(time left): the windows' own errors, how much they differ, and what nobody can know.
  double spread() const;
  double slope() const { return slope_ / weight_; }
  double end() const { return end_ / weight_; }

  static constexpr double kFutureSpread = 0.3;

 private:
  double weight_ = 0, log_ = 0, log_squared_ = 0, variance_ = 0, slope_ = 0, end_ = 0;
};

// P(limit within `horizon`), the time left being log-normal.
double probability_within(double horizon, double blocks, double spread);

}  // namespace paramedic
