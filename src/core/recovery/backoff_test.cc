#include "core/recovery/backoff.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {
namespace {

const SteadyTime kT0{10h};

TEST(Backoff, doubles_from_ten_seconds_to_the_cap) {
  const BackoffPolicy p;
  const Duration expected[] = {0s, 10s, 20s, 40s, 80s, 160s, 300s, 300s, 300s};
  for (int n = 1; n <= 9; ++n) EXPECT_EQ(backoff_base(p, n, false), expected[n - 1]) << n;
  EXPECT_EQ(backoff_base(p, 0, false), 0s);
  EXPECT_EQ(backoff_base(p, 1'000'000, false), 300s);
}

TEST(Backoff, a_crash_loop_is_tried_every_300_s) {
  Backoff b;
  for (int i = 0; i < 5; ++i) b.on_death(kT0 + i * 1min);
  EXPECT_FALSE(b.crash_loop(kT0 + 4min));
  b.on_death(kT0 + 5min);
  EXPECT_TRUE(b.crash_loop(kT0 + 5min));
  EXPECT_GE(b.delay("w", "i"), 300s);
  EXPECT_LE(b.delay("w", "i"), 375s);
  EXPECT_TRUE(b.crash_loop(kT0 + 29min));
  EXPECT_FALSE(b.crash_loop(kT0 + 30min));  // the first one left the window
}

TEST(Backoff, ten_healthy_minutes_forget_the_streak) {
  Backoff b;
  b.on_start(kT0);
  b.on_death(kT0 + 1min);
  b.on_start(kT0 + 2min);
  b.on_death(kT0 + 11min);
  EXPECT_EQ(b.crashes(), 2);  // it lived 9 min
  b.on_start(kT0 + 12min);
  EXPECT_EQ(b.resets_at(), kT0 + 22min);
  EXPECT_FALSE(b.reset_if_healthy(kT0 + 22min - 1ns));
  EXPECT_TRUE(b.reset_if_healthy(kT0 + 22min));
  EXPECT_EQ(b.crashes(), 0);
  EXPECT_FALSE(b.reset_if_healthy(kT0 + 30min));
}

TEST(Backoff, while_it_is_ill_nothing_is_forgotten_and_then_ten_minutes_are_due) {
  Backoff b;
  b.on_death(kT0);
  b.on_start(kT0);
  b.on_healthy(kT0 + 1min);
  EXPECT_EQ(b.resets_at(), kT0 + 10min) << "it is healthy since its start";
  b.on_unhealthy();
  EXPECT_EQ(b.resets_at(), std::nullopt);
  EXPECT_FALSE(b.reset_if_healthy(kT0 + 60min)) << "it was ill all the time";
  b.on_healthy(kT0 + 60min);
  b.on_healthy(kT0 + 65min);
  EXPECT_FALSE(b.reset_if_healthy(kT0 + 70min - 1ns));
  b.on_unhealthy();
  b.on_death(kT0 + 71min);
  EXPECT_EQ(b.crashes(), 2);
}

TEST(Backoff, adopts_what_the_other_side_counted) {
  Backoff b;
  b.on_death(kT0);
  b.on_death(kT0 + 1s);
  b.adopt(1, kT0 + 2s);
  EXPECT_EQ(b.crashes(), 1);
  EXPECT_EQ(b.next_start("w", "i"), kT0 + 1s);
  b.adopt(7, kT0 + 2s);
  EXPECT_EQ(b.crashes(), 7);
  EXPECT_GE(b.delay("w", "i"), 300s);
  b.adopt(-3, kT0 + 2s);
  EXPECT_EQ(b.crashes(), 0);
}

TEST(Backoff, action_ids_are_stable_readable_and_distinct) {
  EXPECT_EQ(make_action_id("w-17", "i", 1), make_action_id("w-17", "i", 1));
  EXPECT_TRUE(make_action_id("w-17", "i", 1).starts_with("act-w-17-"));
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(make_action_id("w", std::to_string(i % 10), i / 10));
  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_LE(make_action_id(std::string(200, 'x'), "i", 1).size(), 60u);
}

RC_GTEST_PROP(BackoffProperty, delay_stays_within_base_and_a_quarter_more,
              (std::string worker, std::string incarnation)) {
  const int crashes = *rc::gen::inRange(0, 60);
  const bool loop = *rc::gen::arbitrary<bool>();
  const BackoffPolicy p;
  const Duration base = backoff_base(p, crashes, loop);
  const Duration delay = backoff_delay(p, crashes, loop, worker, incarnation);
  RC_ASSERT(delay >= base);
  RC_ASSERT(delay <= base + base / 4 + 1us);
  RC_ASSERT(delay <= 375s);
  RC_ASSERT(delay == backoff_delay(p, crashes, loop, worker, incarnation));
}

RC_GTEST_PROP(BackoffProperty, never_more_than_seven_starts_in_ten_minutes_of_crashing, ()) {
  // A worker that dies some milliseconds after each start: the storm is bounded.
  Backoff b;
  SteadyTime t = kT0;
  std::vector<SteadyTime> starts;
  const auto worker = *rc::gen::arbitrary<std::string>();
  for (int i = 0; i < 40; ++i) {
    t += std::chrono::milliseconds(*rc::gen::inRange(1, 5000));
    b.on_death(t);
    const auto next = b.next_start(worker, std::to_string(i));
    RC_ASSERT(next.has_value());
    t = *next;
    b.on_start(t);
    starts.push_back(t);
  }
  for (size_t i = 0; i + 7 < starts.size(); ++i) RC_ASSERT(starts[i + 7] - starts[i] > 10min);
}

}  // namespace
}  // namespace paramedic
