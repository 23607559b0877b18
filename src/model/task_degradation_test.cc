#include "model/task_degradation.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace paramedic {
namespace {

WallTime at(const char* text) { return *parse_time(text); }

TaskDegradation resize() {
  TaskDegradation d{.pool = "thumbs", .type = "resize", .what = TaskMeasure::duration_p95};
  d.scope = DegradationScope::version;
  d.name = "1.4.3";
  d.before = 0.8;
  d.after = 2.1;
  d.since = at("2026-11-23T14:05:00Z");
  return d;
}

TEST(TaskDegradation, says_what_changed_when_and_who_shares_it) {
  TaskDegradation d = resize();
  const WallTime now = at("2026-11-23T14:20:00Z");
  EXPECT_EQ(d.words(now), "p95 of resize went from 0.8 s to 2.1 s at 14:05, only on version 1.4.3");
  d.siblings = 0.82;
  EXPECT_EQ(d.words(now),
            "p95 of resize went from 0.8 s to 2.1 s at 14:05, only on version 1.4.3 (its siblings: 0.82 s)");
  d.scope = DegradationScope::pool;
  EXPECT_EQ(d.words(now), "p95 of resize went from 0.8 s to 2.1 s at 14:05, all over pool thumbs");
}

TEST(TaskDegradation, says_errors_in_percent_and_the_end) {
  TaskDegradation d = resize();
  d.what = TaskMeasure::error_ratio;
  d.scope = DegradationScope::host;
  d.name = "h3";
  d.before = d.siblings.emplace(0.004);
  d.after = 0.06;
  d.state = DegradationState::ended;
  d.until = at("2026-11-23T15:10:00Z");
  EXPECT_EQ(d.words(d.until),
            "errors of resize went from 0.4 % to 6 % at 14:05, only on host h3 (its siblings: 0.4 %); ended at 15:10");
}

TEST(TaskDegradation, says_the_date_on_another_day) {
  EXPECT_EQ(resize().words(at("2026-11-24T00:10:00Z")),
            "p95 of resize went from 0.8 s to 2.1 s on 2026-11-23 at 14:05, only on version 1.4.3");
}

TEST(TaskDegradation, one_subject_has_one_key_for_its_durations_and_one_for_its_errors) {
  TaskDegradation a = resize(), b = resize();
  b.what = TaskMeasure::duration_p50;
  EXPECT_EQ(a.key(), b.key());
  EXPECT_TRUE(a.key().starts_with("pool/thumbs/degradation/"));
  b.what = TaskMeasure::error_ratio;
  EXPECT_NE(a.key(), b.key());
  b = resize();
  b.scope = DegradationScope::host;
  EXPECT_NE(a.key(), b.key());
}

TEST(TaskDegradation, ten_points_of_errors_are_as_bad_as_a_factor_e) {
  TaskDegradation slow = resize(), failing = resize();
  slow.after = slow.before * 2.718;
  failing.what = TaskMeasure::error_ratio;
  failing.before = 0.01;
  failing.after = 0.11;
  EXPECT_NEAR(slow.badness(), failing.badness(), 0.01);
}

}  // namespace
}  // namespace paramedic
