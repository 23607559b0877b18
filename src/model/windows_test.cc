#include "model/windows.h"

#include <gtest/gtest.h>

namespace paramedic {

namespace {
SteadyTime at(int seconds) { return SteadyTime{std::chrono::seconds(seconds)}; }

// A gauge of `before` until second `turn`, then of `after`, sampled each second up to `now`.
MeanWindow gauge(double before, double after, int turn, int now) {
  MeanWindow window;
  for (int s = 1; s <= now; ++s) window.add(at(s), s <= turn ? before : after);
  return window;
}
}  // namespace

TEST(MeanWindow, looks_back_just_as_far_as_asked) {
  for (const int phase : {0, 7, 15, 29}) {  // wherever the turn lies within its slot
    const int turn = 300 + phase;
    const auto full = gauge(10, 100, turn, turn + 30).mean(at(turn + 30), 30s);
    ASSERT_TRUE(full);
    EXPECT_GT(full->value, 75) << phase << ": all of the window is busy";  // 77.5 when it turned in mid-slot
    const auto half = gauge(10, 100, turn, turn + 15).mean(at(turn + 15), 30s);
    EXPECT_NEAR(half->value, 55, 24) << phase;  // samples of the oldest slot count as spread evenly
    EXPECT_EQ(half->covered, Duration{30s});
  }
}

TEST(MeanWindow, of_five_minutes_is_the_mean_of_five_minutes) {
  const auto mean = gauge(0, 90, 600, 750).mean(at(750));
  ASSERT_TRUE(mean);
  EXPECT_NEAR(mean->value, 45, 0.5);
}

TEST(MeanWindow, tells_how_much_it_covers_and_forgets_what_is_older) {
  MeanWindow window;
  EXPECT_FALSE(window.mean(at(100)));
  window.add(at(100), 40);
  EXPECT_EQ(window.mean(at(110))->covered, Duration{10s});
  EXPECT_EQ(window.mean(at(399))->value, 40);
  EXPECT_FALSE(window.mean(at(431)));
  window.clear();
  EXPECT_FALSE(window.mean(at(110)));
}

TEST(FinishWindow, widens_until_it_holds_enough_tasks) {
  FinishWindow window;
  window.begin(at(0));
  for (int s = 60; s <= 3000; s += 60) window.add(at(s), {.finished = 1, .measured = 1, .duration_seconds = 2});
  EXPECT_LE(window.over(at(3000)).finished, 6u);
  const auto wide = window.widened(at(3000), 20);
  EXPECT_GE(wide.finished, 20u);
  EXPECT_LE(wide.finished, 30u);
  EXPECT_EQ(wide.mean_seconds(), 2.0);
  EXPECT_NEAR(wide.per_minute(), 1, 0.1);
}

}  // namespace paramedic
