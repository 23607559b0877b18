#include "core/analysis/trend.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

constexpr std::size_t kHalfHour = 0, kHour = 1, kTwoHours = 2, kFourHours = 3, kEightHours = 4, kSixteenHours = 5;

TrendSeries line(int blocks, double start, double slope) {
  TrendSeries series;
  for (int i = 0; i < blocks; ++i) series.add(i, start + slope * i, start + slope * i);
  return series;
}

TEST(TrendSeries, finds_the_slope_of_a_line_in_every_window) {
  const auto fits = line(200, 0.2, 0.002).fits();
  for (const TrendFit& fit : fits) {
    ASSERT_TRUE(fit.known);
    EXPECT_NEAR(fit.slope, 0.002, 1e-5);
    EXPECT_NEAR(fit.older, 0.002, 2e-5);
    EXPECT_NEAR(fit.newer, 0.002, 2e-5);
    EXPECT_NEAR(fit.lower, 0.002, 2e-5);
    EXPECT_NEAR(fit.end, 0.2 + 0.002 * 199.5, 1e-3);
    EXPECT_GT(fit.slope, 10 * fit.error);
    EXPECT_LT(std::abs(fit.growth), 3 * fit.growth_error + 1e-4);
  }
}

TEST(TrendSeries, knows_only_windows_that_it_has_seen) {
  const auto fits = line(30, 0.2, 0.002).fits();
  EXPECT_TRUE(fits[kTwoHours].known);
  EXPECT_FALSE(fits[kFourHours].known);
  EXPECT_FALSE(fits[kEightHours].known);
}

// By hand from the definition, over the points of the window.
TEST(TrendSeries, agrees_with_least_squares_by_definition) {
  std::mt19937 random(7);
  TrendSeries series;
  std::vector<double> y;
  for (int i = 0; i < 60; ++i) {
    y.push_back(std::round(32767 * (0.3 + 0.004 * i + 0.02 * double(random() % 1000) / 1000)) / 32767);
    series.add(i, y.back(), y.back());
  }
  const int n = 24;
  double my = 0, sxy = 0, sxx = 0;
  for (int k = 0; k < n; ++k) my += y[std::size_t(60 - n + k)] / n;
  for (int k = 0; k < n; ++k) {
    sxy += (k - (n - 1) / 2.0) * (y[std::size_t(60 - n + k)] - my);
    sxx += (k - (n - 1) / 2.0) * (k - (n - 1) / 2.0);
  }
  EXPECT_NEAR(series.fits()[kTwoHours].slope, sxy / sxx, 1e-12);
}

TEST(TrendSeries, trusts_a_slow_swing_less_than_independent_noise) {
  std::mt19937 random(3);
  TrendSeries noisy, swinging;
  double swing = 0;
  for (int i = 0; i < 60; ++i) {
    const double noise = double(random() % 2001) / 1000 - 1;
    swing = 0.9 * swing + 0.44 * noise;  // the same variance, but neighbours resemble each other
    noisy.add(i, 0.3 + 0.002 * i + 0.01 * noise, 0.3);
    swinging.add(i, 0.3 + 0.002 * i + 0.01 * swing, 0.3);
  }
  EXPECT_GT(swinging.fits()[kFourHours].error, 1.5 * noisy.fits()[kFourHours].error);
}

TEST(TrendSeries, sees_growth_and_settling) {
  TrendSeries faster, settling;
  for (int i = 0; i < 60; ++i) {
    faster.add(i, 0.1 + 0.01 * std::exp(i / 20.0), 0);
    settling.add(i, 0.7 - 0.5 * std::exp(-i / 20.0), 0);
  }
  EXPECT_NEAR(faster.fits()[kTwoHours].growth, 1 / 20.0, 0.005);
  EXPECT_NEAR(settling.fits()[kTwoHours].growth, -1 / 20.0, 0.005);
}

TEST(TrendSeries, leaves_out_what_is_missing) {
  TrendSeries series;
  for (int i = 0; i < 60; ++i)
    if (i % 5 != 2) series.add(i, 0.2 + 0.002 * i, 0.2);
  EXPECT_TRUE(series.fits()[kFourHours].known);
  EXPECT_NEAR(series.fits()[kFourHours].slope, 0.002, 1e-5);
  TrendSeries seldom;
  for (int i = 0; i < 60; ++i)
    if (i % 2 == 1) seldom.add(i, 0.2 + 0.002 * i, 0.2);
  EXPECT_FALSE(seldom.fits()[kFourHours].known);  // less than two thirds of it
}

TEST(TrendSeries, forgets_lines_over_a_long_gap_and_at_a_restart_but_not_the_past) {
  for (const bool gap : {true, false}) {
    auto series = line(200, 0.2, 0.002);
    if (gap)
      series.add(600, 0.2, 0.2);
    else
      series.restart();
    for (int i = 0; i < 12; ++i) series.add(601 + i, 0.2 + 0.001 * i, 0.2);
    EXPECT_NEAR(series.fits()[kHour].slope, 0.001, 1e-5);
    EXPECT_FALSE(series.fits()[kTwoHours].known);
    const auto past = series.past(kHour);
    ASSERT_TRUE(past.known);
    EXPECT_GT(past.highest, 0.5);
  }
}

TEST(TrendSeries, remembers_the_highest_half_hour_of_eight_days) {
  TrendSeries series;
  for (int i = 0; i < 9 * 288; ++i) {
    const double level = i >= 288 && i < 294 ? 0.8 : 0.3;
    series.add(i, level, level);
    if (i == 288 + 3 * 288) {
      EXPECT_NEAR(series.past(kSixteenHours).highest, 0.8, 1e-3);
    }
  }
  EXPECT_NEAR(series.past(kHalfHour).highest, 0.8, 1e-3);
  for (int i = 9 * 288; i < 11 * 288; ++i) series.add(i, 0.3, 0.3);
  EXPECT_NEAR(series.past(kHalfHour).highest, 0.3, 1e-3);
  EXPECT_NEAR(series.past(kHalfHour).mean, 0.3, 1e-3);
}

TEST(TrendSeries, does_not_count_the_window_itself_as_past) {
  auto series = line(288, 0.3, 0);
  for (int i = 0; i < 24; ++i) series.add(288 + i, 0.5, 0.5);
  EXPECT_NEAR(series.past(kHour).highest, 0.3, 1e-3);
  for (int i = 0; i < 6; ++i) series.add(312 + i, 0.5, 0.5);
  EXPECT_NEAR(series.past(kHour).highest, 0.5, 1e-3);
  EXPECT_NEAR(series.past(kFourHours).highest, 0.3, 1e-3);
}

TEST(TrendSeries, caps_what_was_no_harmless_peak) {
  auto series = line(600, 0.9, 0);
  series.cap_past(0.8);
  EXPECT_NEAR(series.past(kHour).highest, 0.8, 1e-3);
}

TEST(TrendSeries, cuts_absurd_values) {
  TrendSeries series;
  for (int i = 0; i < 20; ++i) series.add(i, i % 2 ? 1e30 : -1e30, -5);
  EXPECT_LE(series.half_hour_mean(), TrendSeries::kMost);
  EXPECT_TRUE(std::isfinite(series.fits()[kHour].slope));
  EXPECT_TRUE(series.valid());
}

TEST(TrendSeries, takes_a_clock_that_stepped_back_as_the_next_block) {
  auto series = line(40, 0.2, 0.002);
  for (int i = 0; i < 20; ++i) series.add(5 + i, 0.28 + 0.002 * i, 0.2);
  EXPECT_NEAR(series.fits()[kTwoHours].slope, 0.002, 1e-5);
}

}  // namespace
}  // namespace paramedic
