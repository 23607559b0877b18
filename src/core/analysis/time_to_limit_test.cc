#include "core/analysis/time_to_limit.h"

#include <cmath>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

TEST(TimeToLimit, of_a_straight_line_is_room_by_slope) {
  EXPECT_DOUBLE_EQ(blocks_to_fill(0.5, 0.01, 0), 50);
  EXPECT_DOUBLE_EQ(blocks_to_fill(0, 0.01, 0), 0);
  EXPECT_DOUBLE_EQ(blocks_to_fill(-1, 0.01, 0.2), 0);
}

TEST(TimeToLimit, is_shorter_when_the_slope_grows_and_never_comes_when_it_settles) {
  // 0.01 · (exp(0.05·T) - 1) / 0.05 = 0.5  →  T = ln(3.5) / 0.05
  EXPECT_NEAR(blocks_to_fill(0.5, 0.01, 0.05), std::log(3.5) / 0.05, 1e-9);
  EXPECT_GT(blocks_to_fill(0.1, 0.01, -0.05), 10);
  EXPECT_LT(blocks_to_fill(0.2, 0.01, -0.05), 0);  // rises by 0.01/0.05 = 0.2 in all eternity
  EXPECT_LT(blocks_to_fill(1, 1e-9, 0), 0);
}

TEST(TimeToLimit, takes_growth_only_beyond_its_error) {
  EXPECT_DOUBLE_EQ(growth_beyond_error({.growth = 0.05, .growth_error = 0.06}), 0);
  EXPECT_DOUBLE_EQ(growth_beyond_error({.growth = 0.05, .growth_error = 0.01}), 0.04);
  EXPECT_DOUBLE_EQ(growth_beyond_error({.growth = -0.05, .growth_error = 0.01}), -0.04);
}

TEST(TimeToLimit, believes_growth_only_while_the_newer_half_grows_too) {
  const TrendFit bent{.growth = 0.05, .growth_error = 0.01}, straight{.growth = 0.001, .growth_error = 0.004},
      curved{.growth = 0.05, .growth_error = 0.02}, unknown{};
  EXPECT_DOUBLE_EQ(growth_beyond_error(bent, &straight), 0.005);
  EXPECT_DOUBLE_EQ(growth_beyond_error(bent, &curved), 0.04);
  EXPECT_DOUBLE_EQ(growth_beyond_error(bent, &unknown), 0.04);
}

TEST(TimeToLimit, brings_the_mean_slope_to_now) {
  // Slope exp(g·t) for t in -24…0: mean (1 - exp(-24·g)) / (24·g), now 1.
  const double g = 0.03, mean = (1 - std::exp(-24 * g)) / (24 * g);
  EXPECT_NEAR(slope_now({.slope = mean}, g, 24), 1, 1e-9);
  EXPECT_DOUBLE_EQ(slope_now({.slope = 0.5}, 0, 24), 0.5);
}

TEST(TimeToLimit, weighs_windows_by_what_they_know) {
  TimeLeft time;
  EXPECT_FALSE(time.any());
  time.add(40, 0.01, 1, 0);
  const double alone = time.spread();
  time.add(80, 0.5, 2, 0);
  EXPECT_GT(time.blocks(), 40);
  EXPECT_LT(time.blocks(), std::sqrt(40.0 * 80));
  EXPECT_LT(time.slope(), 1.5);
  EXPECT_GT(time.spread(), alone);  // they differ, so less is known
}

TEST(TimeToLimit, has_even_odds_at_its_own_time) {
  EXPECT_DOUBLE_EQ(probability_within(30, 30, 0.4), 0.5);
  EXPECT_GT(probability_within(48, 30, 0.4), 0.8);
  EXPECT_LT(probability_within(20, 30, 0.4), 0.2);
  EXPECT_GT(probability_within(48, 30, 0.2), probability_within(48, 30, 0.4));
}

}  // namespace
}  // namespace paramedic
