#include "model/forecast.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

Forecast filling() {
  Forecast f{.metric = "memory_percent", .level = 71, .limit = 95, .slope_per_hour = 3.1};
  f.made_at = WallTime{1'795'000'000s};
  f.reaches_at = f.made_at + 7h + 40min;
  f.earliest = f.made_at + 6h + 4min;
  f.latest = f.made_at + 9h + 42min;
  f.spread = 0.2;
  f.firm = true;
  return f;
}

TEST(Forecast, says_it_in_words) {
  auto f = filling();
  EXPECT_EQ(f.words(), "memory_percent rises by 3.1 per hour from 71; it reaches 95 in 7 h 40 min (80 %: 6 h to 10 h)");
  f.may_be_burst = true;
  EXPECT_TRUE(f.words().ends_with("; filling, may be a burst"));
  f.firm = false;
  EXPECT_TRUE(f.words().ends_with("; too early to be sure"));
  f.reaches_at = f.made_at;
  f.level = 95.4;
  EXPECT_EQ(f.words(), "memory_percent has reached its limit: 95.4 of 95");
}

TEST(Forecast, rounds_to_what_it_knows) {
  auto f = filling();
  f.metric = "error_rate";
  f.level = 0.0312, f.limit = 0.1, f.slope_per_hour = 0.012345;
  f.earliest = f.made_at + 47min;
  f.latest = f.made_at + 26min + 49h;
  EXPECT_EQ(f.words(),
            "error_rate rises by 0.0123 per hour from 0.0312; it reaches 0.1 in 7 h 40 min (80 %: 50 min to 2 d 1 h)");
}

TEST(Forecast, tells_durations_in_two_units) {
  EXPECT_EQ(duration_words(10s), "less than a minute");
  EXPECT_EQ(duration_words(59min + 20s), "59 min");
  EXPECT_EQ(duration_words(6h), "6 h");
  EXPECT_EQ(duration_words(7h + 40min), "7 h 40 min");
  EXPECT_EQ(duration_words(60h + 10min), "2 d 12 h");
  EXPECT_EQ(duration_words(72h), "3 d");
}

}  // namespace
}  // namespace paramedic
