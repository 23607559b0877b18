#include "core/analysis/missingness.h"

#include <gtest/gtest.h>

#include "core/analysis/counter_rate.h"
#include "core/analysis/metric_traits.h"
#include "core/analysis/series_for_test.h"

namespace paramedic {
namespace {

using testing::kStart;

TEST(Missingness, a_late_report_is_rare_where_all_were_on_time) {
  Missingness m;
  WallTime at = kStart;
  for (int i = 0; i < 2000; ++i, at += 10s) EXPECT_EQ(m.arrived(at, 10, 0).late, 0);
  Missingness other = m;
  const float soon = other.arrived(at + 20s, 10, 0).late;
  EXPECT_GT(soon, 2);
  const auto late = m.arrived(at + 120s, 10, 0);
  EXPECT_GT(late.late, soon + 1) << "the later the rarer";
  EXPECT_FLOAT_EQ(late.distance_seconds, 130);
  EXPECT_NEAR(late.usual_seconds, 10, 0.1);
}

TEST(Missingness, who_is_always_irregular_raises_nothing_by_it) {
  Missingness m;
  WallTime at = kStart;
  std::mt19937 dice(2);
  float most = 0;
  for (int i = 0; i < 5000; ++i) {
    at += dice() % 20 == 0 ? 60s : 10s;
    most = std::max(most, m.arrived(at, 10, 0).late);
  }
  EXPECT_LT(most, 3.5F);
}

TEST(Missingness, vanished_metrics_are_told) {
  Missingness m;
  WallTime at = kStart;
  for (int i = 0; i < 2000; ++i, at += 10s) EXPECT_EQ(m.arrived(at, 10, 0).vanished, 0);
  EXPECT_GT(m.arrived(at, 10, 3).vanished, 2);
}

TEST(Missingness, a_pause_on_purpose_is_not_late) {
  Missingness m;
  WallTime at = kStart;
  for (int i = 0; i < 2000; ++i, at += 10s) m.arrived(at, 10, 0);
  m.pause();
  EXPECT_EQ(m.arrived(at + 1h, 10, 0).late, 0);
  EXPECT_GT(m.arrived(at + 1h + 200s, 10, 0).late, 2) << "the pause is over";
}

TEST(CounterRate, tells_growth_per_second_and_no_rate_at_a_reset) {
  CounterRate rate;
  EXPECT_FALSE(rate.take(kStart, 100));
  EXPECT_DOUBLE_EQ(rate.take(kStart + 10s, 150).value(), 5);
  EXPECT_FALSE(rate.take(kStart + 20s, 3)) << "it began anew";
  EXPECT_EQ(rate.resets(), 1u);
  EXPECT_DOUBLE_EQ(rate.take(kStart + 30s, 13).value(), 1);
  EXPECT_FALSE(rate.take(kStart + 30s, 20)) << "no time passed";
  EXPECT_FALSE(rate.take(kStart + 40s, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(rate.take(kStart + 5s, 30)) << "the clock stepped back";
  EXPECT_TRUE(rate.take(kStart + 15s, 30).has_value());
}

TEST(MetricTraits, follow_from_the_name) {
  EXPECT_EQ(metric_traits("memory_mb").rank, 0);
  EXPECT_LT(metric_traits("error_rate").rank, metric_traits("cpu_percent").rank);
  EXPECT_EQ(metric_traits("anything").rank, kOrdinaryRank);
  EXPECT_TRUE(metric_traits("jobs_total").counter);
  EXPECT_FALSE(metric_traits("memory_mb").counter);
  EXPECT_EQ(metric_traits("disk_percent").floor, 1);
  EXPECT_FLOAT_EQ(metric_traits("rtt_seconds").floor, 0.001F);
}

}  // namespace
}  // namespace paramedic
