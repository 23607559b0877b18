#include "core/analysis/cause_odds.h"

#include <cmath>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

double odds_against_chance(const CauseCounts& c) {
  return std::exp(ln_fit_of_trait(c) - ln_fit_of_chance(c.ill, c.all));
}

TEST(CauseOdds, the_example_of_the_header) {
  EXPECT_NEAR(1 / std::exp(ln_fit_of_trait({4, 5, 4, 10})), 37.2, 0.1);
  EXPECT_NEAR(1 / std::exp(ln_fit_of_chance(4, 10)), 17710, 1);
  EXPECT_NEAR(1 / std::exp(ln_fit_of_everybody(4, 10)), 46200, 1);
}

TEST(CauseOdds, more_ill_with_the_trait_speak_for_it_and_ill_ones_elsewhere_against_it) {
  for (int k = 4; k <= 10; ++k)
    EXPECT_GT(odds_against_chance({k, 10, k, 40}), odds_against_chance({k - 1, 10, k - 1, 40})) << k;
  for (int k = 1; k <= 5; ++k)
    EXPECT_LT(odds_against_chance({5, 10, 5 + k, 40}), odds_against_chance({5, 10, 4 + k, 40})) << k;
}

TEST(CauseOdds, the_narrower_of_two_traits_that_cover_all_the_ill_fits_better) {
  for (int n = 5; n <= 20; ++n) EXPECT_GT(ln_fit_of_trait({4, n - 1, 4, 20}), ln_fit_of_trait({4, n, 4, 20})) << n;
}

TEST(CauseOdds, chance_makes_few_ill_and_everybodys_cause_many) {
  EXPECT_GT(ln_fit_of_chance(3, 30), ln_fit_of_everybody(3, 30));
  EXPECT_LT(ln_fit_of_chance(25, 30), ln_fit_of_everybody(25, 30));
}

TEST(CauseOdds, empty_and_huge_fleets_give_numbers) {
  EXPECT_TRUE(std::isfinite(ln_fit_of_chance(0, 0)));
  EXPECT_TRUE(std::isfinite(ln_fit_of_trait({0, 0, 0, 0})));
  EXPECT_TRUE(std::isfinite(ln_fit_of_trait({100'000, 200'000, 100'003, 1'000'000})));
}

}  // namespace
}  // namespace paramedic
