#include <gtest/gtest.h>

#include "core/checks/checks.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

Finding run(SnapshotBuilder b, const TaskPerformanceConfig& c = {}) { return check_task_performance(b.build(), c); }

std::optional<double> metric(const Finding& f, std::string_view name) {
  for (const auto& [key, value] : f.metrics)
    if (key == name) return value;
  return std::nullopt;
}

TEST(TaskPerformanceCheck, error_rate_on_both_sides_of_its_limits) {
  struct Row {
    std::uint64_t finished, failed;
    FS status, hold;
  };
  const Row rows[] = {
      {100, 4, FS::healthy, FS::healthy},   {1000, 45, FS::healthy, FS::warning},
      {100, 5, FS::healthy, FS::warning},   {1000, 51, FS::warning, FS::warning},
      {100, 10, FS::warning, FS::critical}, {1000, 101, FS::critical, FS::critical},
      {20, 3, FS::critical, FS::critical},  {19, 19, FS::healthy, FS::healthy},  // too few tasks
      {20, 2, FS::healthy, FS::healthy},                                         // too few failures
  };
  for (const Row& row : rows) {
    const Finding f = run(snapshot().tasks(600s, row.finished, row.failed).taken(600s));
    EXPECT_EQ(f.status, row.status) << row.failed << "/" << row.finished;
    EXPECT_EQ(f.causes.empty() ? FS::healthy : f.causes[0].hold_status, row.hold) << row.failed << "/" << row.finished;
    if (!f.causes.empty()) {
      EXPECT_EQ(f.causes[0].remedy, RemedyKind::none);
    }
  }
}

TEST(TaskPerformanceCheck, a_thin_window_reaches_back_to_the_last_twenty_tasks_but_not_beyond_an_hour) {
  EXPECT_EQ(run(snapshot().tasks(0s, 15, 5).tasks(50min, 10, 0).taken(50min)).status, FS::critical);
  EXPECT_EQ(run(snapshot().tasks(0s, 15, 5).tasks(50min, 20, 0).taken(50min)).status, FS::healthy);
  EXPECT_EQ(run(snapshot().tasks(0s, 15, 5).tasks(70min, 10, 0).taken(70min)).status, FS::healthy);
}

TEST(TaskPerformanceCheck, mean_duration_against_twice_the_expected) {
  TaskPerformanceConfig c;
  c.expected_durations["t"] = 2s;
  EXPECT_EQ(run(snapshot().tasks(600s, 30, 0, 4.0).taken(600s), c).status, FS::healthy);
  const Finding slow = run(snapshot().tasks(600s, 30, 0, 4.1).taken(600s), c);
  EXPECT_EQ(slow.status, FS::warning);
  EXPECT_EQ(slow.causes[0].reason, Reason::slow_tasks);
  EXPECT_EQ(slow.causes[0].subject, "t");
  EXPECT_EQ(slow.causes[0].remedy, RemedyKind::none);
  EXPECT_EQ(run(snapshot().tasks(600s, 30, 0, 3.3).taken(600s), c).causes[0].hold_status, FS::warning);
  EXPECT_TRUE(run(snapshot().tasks(600s, 30, 0, 3.2).taken(600s), c).causes.empty());
  EXPECT_EQ(run(snapshot().tasks(600s, 4, 0, 9).taken(600s), c).status, FS::healthy);  // too few to make a mean
  EXPECT_EQ(run(snapshot().tasks(600s, 30, 0, 9).taken(600s)).status, FS::healthy);    // nothing to compare with
}

TEST(TaskPerformanceCheck, the_learned_duration_counts_from_fifty_samples) {
  EXPECT_EQ(run(snapshot().learned("t", 50, 1, 1, 2).tasks(600s, 30, 0, 2.1).taken(600s)).status, FS::warning);
  EXPECT_EQ(run(snapshot().learned("t", 49, 1, 1, 2).tasks(600s, 30, 0, 2.1).taken(600s)).status, FS::healthy);
}

TEST(TaskPerformanceCheck, hung_is_the_largest_of_the_three_learned_limits) {
  const auto hung = [](double p50, double p99, std::uint64_t count, Duration age) {
    return run(snapshot().learned("t", count, p50, p50, p99).running(age, "id", "t", 0s).taken(age)).status;
  };
  EXPECT_EQ(hung(1, 2, 50, 300s), FS::healthy);
  EXPECT_EQ(hung(1, 2, 50, 301s), FS::critical);
  EXPECT_EQ(hung(1, 2, 49, 3000s), FS::healthy);  // not learned yet
  EXPECT_EQ(hung(40, 50, 50, 400s), FS::healthy);
  EXPECT_EQ(hung(40, 50, 50, 401s), FS::critical);  // 10 × p50
  EXPECT_EQ(hung(1, 200, 50, 600s), FS::healthy);
  EXPECT_EQ(hung(1, 200, 50, 601s), FS::critical);  // 3 × p99
}

TEST(TaskPerformanceCheck, a_configured_task_limit_replaces_the_learned_one) {
  TaskPerformanceConfig c;
  c.task_limits["t"] = 600s;
  EXPECT_EQ(run(snapshot().running(600s, "id", "t", 0s).taken(600s), c).status, FS::healthy);
  const Finding f = run(
      snapshot().learned("t", 99, 1, 1, 1).running(601s, "id", "t", 0s).running(601s, "x", "t", 600s).taken(601s), c);
  ASSERT_EQ(f.causes.size(), 1u);
  EXPECT_EQ(f.causes[0].reason, Reason::hung_task);
  EXPECT_EQ(f.causes[0].subject, "t id");
  EXPECT_EQ(f.causes[0].remedy, RemedyKind::restart);
  EXPECT_EQ(f.causes[0].evidence, Evidence::timed);
  EXPECT_EQ(run(snapshot().learned("t", 99, 1, 1, 1).running(500s, "id", "t", 0s).taken(500s), c).status, FS::healthy);
}

TEST(TaskPerformanceCheck, missing_data_is_unknown_not_zero) {
  EXPECT_EQ(run(snapshot()).status, FS::not_applicable);
  auto declared = snapshot();
  declared.worker.capabilities.tasks = true;
  EXPECT_EQ(run(declared).status, FS::unknown);
  EXPECT_EQ(run(snapshot().tasks(0s, 30, 30).taken(91s)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().tasks(0s, 30, 30).exited(1s, {}).taken(1s)).status, FS::unknown);
}

TEST(TaskPerformanceCheck, metrics_carry_the_briefs_names) {
  const Finding f = run(snapshot().tasks(600s, 50, 1, 0.5).taken(600s));
  EXPECT_EQ(metric(f, "total_tasks"), 50);
  EXPECT_EQ(metric(f, "completed_tasks"), 49);
  EXPECT_EQ(metric(f, "failed_tasks"), 1);
  EXPECT_EQ(metric(f, "error_rate"), 0.02);
  EXPECT_EQ(metric(f, "avg_duration_seconds"), 0.5);
  EXPECT_EQ(metric(f, "tasks_per_minute"), 10);
  const Finding idle = run(snapshot().tasks(0s, 0, 0).taken(60s));
  EXPECT_EQ(metric(idle, "total_tasks"), 0);
  EXPECT_EQ(metric(idle, "error_rate"), std::nullopt);
}

TEST(TaskPerformanceCheck, deadline_is_the_first_task_limit) {
  TaskPerformanceConfig c;
  c.task_limits["t"] = 600s;
  auto b =
      snapshot().running(100s, "a", "t", 50s).running(100s, "b", "t", 90s).running(100s, "c", "free", 0s).taken(100s);
  EXPECT_EQ(deadline_task_performance(b.build(), c), SnapshotBuilder::at(650s) + 1ns);
  b.taken(300s);  // the list grew old
  EXPECT_EQ(deadline_task_performance(b.build(), c), std::nullopt);
}

}  // namespace
}  // namespace paramedic
