#include "app/replay/row_reports.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace paramedic::replay {
namespace {

const WallTime kT0{std::chrono::hours(500'000)};
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct RowReportsTest : testing::Test {
  RowReportsTest() {
    reports = std::make_unique<RowReports>(std::vector<WorkerFacts>{{"thumbs", "h1", "1.0", "http", true}});
  }

  // Rows every 30 s; `ages` = last_heartbeat_seconds, NaN = it has no voice.
  void rows(std::vector<double> ages, std::vector<double> memory = {}) {
    columns = {};
    HistoryColumn heartbeat{"last_heartbeat_seconds", ages}, percent{"memory_percent", std::move(memory)};
    percent.values.resize(ages.size(), 20);
    for (std::size_t i = 0; i < ages.size(); ++i) {
      columns.at.push_back(std::chrono::floor<std::chrono::milliseconds>(kT0.time_since_epoch()).count() +
                           30'000 * std::int64_t(i));
      columns.status.push_back(Status::healthy);
      columns.score.push_back(1);
      columns.marks.push_back(0);
    }
    columns.metrics = {std::move(heartbeat), {"load", std::vector<double>(ages.size(), 3)}, std::move(percent)};
  }
  std::vector<RowReports::Timed> take(std::size_t index, const std::vector<TaskIncrease>* tasks = nullptr) {
    RecordedRow row{.worker_id = &id, .worker = 0};
    row.at = WallTime{std::chrono::milliseconds(columns.at[index])};
    row.columns = &columns;
    row.index = index;
    row.tasks = tasks;
    std::vector<RowReports::Timed> out;
    reports->take(row, out);
    return out;
  }
  std::string id = "w-1";
  HistoryColumns columns;
  std::unique_ptr<RowReports> reports;
};

TEST_F(RowReportsTest, a_row_is_a_report_and_a_worker_that_goes_on_speaking_spoke_in_between) {
  rows({2, 3, 1});
  const auto out = take(0);
  ASSERT_EQ(out.size(), 3u);
  const Report& r = out[0].report;
  EXPECT_EQ(r.worker_id, "w-1");
  EXPECT_EQ(r.pool, "thumbs");
  EXPECT_EQ(r.alive_at, kT0 - 2s);
  EXPECT_EQ(r.resources->memory_percent, 20);
  ASSERT_EQ(r.metrics.size(), 1u);  // what is the monitor's own stands in fields of its own
  EXPECT_EQ(r.metrics[0].first, "load");
  EXPECT_EQ(out[1].at, kT0 + 10s);
  EXPECT_EQ(out[1].report.alive_at, kT0 + 10s);
  EXPECT_FALSE(out[1].report.resources);  // readings are not repeated: each counts as evidence once
  EXPECT_EQ(out[2].at, kT0 + 20s);
}

TEST_F(RowReportsTest, a_silent_worker_says_nothing_whatever_the_monitor_wrote_of_it) {
  rows({2, 32, 62, 1});
  EXPECT_EQ(take(0).size(), 1u);  // it did not speak again before the next row
  EXPECT_TRUE(take(1).empty());
  EXPECT_TRUE(take(2).empty());
  EXPECT_FALSE(take(3).empty());
}

TEST_F(RowReportsTest, a_worker_that_falls_silent_between_two_rows_spoke_until_then) {
  rows({2, 15, 45});
  EXPECT_EQ(take(0).size(), 2u);  // its row, and once before its last word after 15 s
  EXPECT_EQ(take(1).at(0).report.alive_at, kT0 + 15s);
  EXPECT_TRUE(take(2).empty());
}

TEST_F(RowReportsTest, a_worker_without_voice_reports_with_each_row) {
  rows({kNone, kNone});
  const auto out = take(0);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_FALSE(out[0].report.alive_at);
  EXPECT_FALSE(out[0].report.capabilities->voice);
  EXPECT_EQ(take(1).size(), 1u);
}

TEST_F(RowReportsTest, task_counts_add_up_within_a_life) {
  rows({1, 1, 1});
  std::vector<TaskIncrease> tasks{{.type = "resize", .completed = 3, .failed = 1}};
  tasks[0].durations.observe(0.5);
  EXPECT_EQ(take(0, &tasks)[0].report.tasks->at(0).completed, 3u);
  const auto second = take(1, &tasks);
  EXPECT_EQ(second[0].report.tasks->at(0).completed, 6u);
  EXPECT_EQ(second[0].report.tasks->at(0).durations->count(), 2u);
  reports->begins_life(0, "next", kT0 + 40s);
  const auto third = take(2, &tasks);
  EXPECT_EQ(third[0].report.tasks->at(0).completed, 3u);
  EXPECT_EQ(third[0].report.incarnation, "next");
}

TEST_F(RowReportsTest, the_dead_report_again_with_a_newer_sign_of_life_only) {
  rows({1, 31, 61, 2});
  const std::string first = take(0)[0].report.incarnation;
  const Report exit = reports->exit(0, "w-1", ExitInfo{.signal = 9}, kT0 + 5s);
  EXPECT_EQ(exit.incarnation, first);
  EXPECT_EQ(exit.process->exit->signal, 9);
  EXPECT_TRUE(take(1).empty());
  EXPECT_TRUE(take(2).empty());
  const auto reborn = take(3);
  ASSERT_FALSE(reborn.empty());
  EXPECT_NE(reborn[0].report.incarnation, first);
}

TEST_F(RowReportsTest, nonsense_in_a_row_is_not_believed) {
  rows({-5, 1e300, std::numeric_limits<double>::infinity()}, {kNone, kNone, kNone});
  for (std::size_t i = 0; i < 3; ++i) {
    const auto out = take(i);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_FALSE(out[0].report.alive_at);
    EXPECT_FALSE(out[0].report.resources);
  }
}

}  // namespace
}  // namespace paramedic::replay
