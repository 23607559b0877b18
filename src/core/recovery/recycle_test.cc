#include "core/recovery/recycle.h"

#include <set>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

constexpr SteadyTime kBegan{100h};

RecoveryPolicy day() {
  RecoveryPolicy p;
  p.recycle_age = 24h;
  return p;
}

TEST(Recycle, without_a_limit_nothing_is_ever_due) {
  const RecycleFacts facts{.began = kBegan, .tasks = 1'000'000};
  EXPECT_FALSE(recycle_due({}, "w", "i", facts, kBegan + 10000h));
  EXPECT_FALSE(next_recycle_due({}, "w", "i", facts));
}

TEST(Recycle, the_age_limit_is_spread_over_a_fifth_and_never_late) {
  const RecycleFacts facts{.began = kBegan};
  std::set<SteadyTime> times;
  for (int i = 0; i < 200; ++i) {
    const std::string id = "w" + std::to_string(i);
    const auto at = next_recycle_due(day(), id, "1", facts);
    ASSERT_TRUE(at);
    EXPECT_GT(*at, kBegan + 19h);
    EXPECT_LE(*at, kBegan + 24h);
    EXPECT_FALSE(recycle_due(day(), id, "1", facts, *at - 1ms));
    ASSERT_TRUE(recycle_due(day(), id, "1", facts, *at));
    EXPECT_EQ(recycle_due(day(), id, "1", facts, *at)->at_latest, *at + 2h);
    times.insert(*at);
  }
  EXPECT_LT(*times.begin(), kBegan + 19h + 30min);
  EXPECT_GT(*times.rbegin(), kBegan + 23h + 30min);
  EXPECT_NE(next_recycle_due(day(), "w", "1", facts), next_recycle_due(day(), "w", "2", facts))
      << "each life anew, or the same worker would always be the first";
}

TEST(Recycle, tasks_count_when_they_are_known) {
  RecoveryPolicy p;
  p.recycle_tasks = 1000;
  EXPECT_FALSE(recycle_due(p, "w", "1", {.began = kBegan}, kBegan + 9h));
  EXPECT_FALSE(recycle_due(p, "w", "1", {.began = kBegan, .tasks = 999}, kBegan + 9h));
  const auto due = recycle_due(p, "w", "1", {.began = kBegan, .tasks = 1001}, kBegan + 9h);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->text, "finished 1001 tasks (limit 1000)");
}

TEST(Recycle, a_leak_is_met_before_it_is_full_if_it_is_likely_enough) {
  const SteadyTime full = kBegan + 10h;
  const LeakForecast leak{full, 0.9, "memory is full in 1h"};
  const auto due = recycle_due({}, "w", "1", {.began = kBegan, .leak = leak}, full - 1h);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->text, "memory is full in 1h");
  EXPECT_EQ(due->at_latest, full - 30min) << "it may wait for low load, but not until it is full";
  EXPECT_FALSE(recycle_due({}, "w", "1", {.began = kBegan, .leak = leak}, full - 61min));
  EXPECT_FALSE(recycle_due({}, "w", "1", {.began = kBegan, .leak = LeakForecast{full, 0.7, ""}}, full - 1min));
}

TEST(Recycle, of_several_limits_the_first_that_came_due_is_named) {
  RecoveryPolicy p = day();
  p.recycle_tasks = 10;
  const RecycleFacts facts{.began = kBegan, .tasks = 11};
  EXPECT_NE(recycle_due(p, "w", "1", facts, kBegan + 25h)->text.find("runs for 1d1h"), std::string::npos);
}

TEST(Recycle, waits_for_a_pool_that_is_well_and_for_low_load_up_to_a_time) {
  const RecycleDue due{.since = kBegan, .at_latest = kBegan + 2h, .text = ""};
  const auto waits = [&](const PoolQuiet& pool, bool idle, Duration after) {
    return recycle_waits_for(day(), pool, due, idle, kBegan + after);
  };
  EXPECT_EQ(waits({.load_percent = 50}, false, 0h), "");
  EXPECT_NE(waits({.load_percent = 51}, false, 0h), "");
  EXPECT_EQ(waits({.load_percent = 100}, true, 0h), "") << "the worker itself does nothing";
  EXPECT_EQ(waits({.load_percent = 100}, false, 2h), "") << "long enough";
  EXPECT_EQ(waits({}, false, 0h), "") << "an unknown load is no load";
  for (const PoolQuiet& pool : {PoolQuiet{.not_well = 1}, PoolQuiet{.down = 1},
                                PoolQuiet{.not_well = 3, .down = 2, .allowed = 5}, PoolQuiet{.settled = false}})
    EXPECT_NE(waits(pool, true, 100h), "") << "a pool that is not well is never made smaller for a plan";
  EXPECT_EQ(waits({.not_well = 3, .down = 1, .allowed = 5}, false, 0h), "");
}

}  // namespace
}  // namespace paramedic
