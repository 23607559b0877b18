#include "core/analysis/task_windows.h"

#include <gtest/gtest.h>

#include "core/analysis/task_subjects.h"

namespace paramedic {
namespace {

constexpr WallTime kStart{1'794'960'000s};

class TaskWindowsTest : public ::testing::Test {
 protected:
  void add(const std::string& worker, double seconds, int count, const std::string& host = "h1",
           const std::string& version = "1") {
    TaskIncrease more{.type = "t", .completed = std::uint64_t(count)};
    for (int i = 0; i < count; ++i) more.durations.observe(seconds);
    windows_.add({worker, host, version}, more, now_, limits_, use_);
  }
  void next(Duration after = kTaskBlock) {
    now_ += after;
    if (windows_.due(now_)) windows_.close(now_, false, limits_, use_);
  }
  WallTime now_ = kStart;
  WindowLimits limits_;
  WindowUse use_;
  TaskWindows windows_;
};

TEST_F(TaskWindowsTest, a_block_becomes_usual_when_it_leaves_the_hour) {
  add("a", 0.5, 10);
  for (int i = 0; i < 12; ++i) {
    next();
    EXPECT_TRUE(windows_.pool_usual().empty()) << i;
    EXPECT_EQ(windows_.pool_block(std::size_t(i)).finished, 10) << i;
  }
  next();
  EXPECT_EQ(windows_.pool_usual().finished, 10);
  EXPECT_EQ(windows_.workers().at("a").usual.finished, 10);
}

TEST_F(TaskWindowsTest, what_a_held_worker_does_never_becomes_usual) {
  add("a", 0.5, 10);
  add("b", 0.5, 10);
  windows_.workers().at("a").held = true;
  for (int i = 0; i < 14; ++i) next();
  EXPECT_EQ(windows_.workers().at("a").usual.finished, 0);
  EXPECT_EQ(windows_.workers().at("b").usual.finished, 10);
}

TEST_F(TaskWindowsTest, a_pause_of_the_monitor_leaves_empty_blocks) {
  add("a", 0.5, 10);
  next(25min);
  EXPECT_TRUE(windows_.pool_block(0).empty());
  EXPECT_EQ(windows_.pool_block(4).finished, 10);
  EXPECT_EQ(windows_.start_of(4), kStart);
  add("a", 0.5, 3);
  next(30 * 24h);
  EXPECT_EQ(windows_.pool_usual().finished > 12, true);
  for (std::size_t age = 0; age < kLookBlocks; ++age) EXPECT_TRUE(windows_.pool_block(age).empty());
}

TEST_F(TaskWindowsTest, a_clock_that_goes_back_loses_nothing) {
  next();
  add("a", 0.5, 10);
  next(-4min);
  EXPECT_FALSE(windows_.due(now_));
  add("a", 0.5, 5);
  next(-30 * 24h);
  EXPECT_FALSE(windows_.due(now_));
  EXPECT_EQ(windows_.pool_usual().finished, 15);
  EXPECT_GE(windows_.blocks_known(), 0);
}

TEST_F(TaskWindowsTest, packed_blocks_keep_shape_and_size) {
  TaskTally t;
  t.counts[3] = 100'000;
  t.counts[5] = 5'000;
  t.finished = 105'000;
  t.failed = 7;
  TaskTally back;
  PackedBlock::pack(t).add_to(back);
  EXPECT_NEAR(back.counts[3], 100'000, 300);
  EXPECT_NEAR(back.counts[5], 5'000, 300);
  EXPECT_EQ(back.finished, 105'000);
  EXPECT_EQ(back.failed, 7);
  t = TaskTally{};
  t.counts[0] = 255;
  t.counts[23] = 1;
  TaskTally exact;
  PackedBlock::pack(t).add_to(exact);
  EXPECT_EQ(exact.counts, t.counts);
}

TEST_F(TaskWindowsTest, workers_beyond_the_limit_count_in_their_pool_only) {
  limits_.workers = 10;
  for (int i = 0; i < 15; ++i) add("w" + std::to_string(i), 0.5, 1);
  next();
  EXPECT_EQ(windows_.pool_block(0).finished, 15);
  EXPECT_EQ(windows_.workers().size(), 10u);
  EXPECT_EQ(use_.refused, 5u);
  // An hour of silence makes room where it is tight.
  for (int i = 0; i < 12; ++i) next();
  EXPECT_EQ(windows_.workers().size(), 0u);
  EXPECT_EQ(use_.workers, 0u);
  EXPECT_EQ(use_.evicted, 10u);
}

TEST_F(TaskWindowsTest, an_idle_worker_is_kept_for_a_day) {
  add("a", 0.5, 10);
  for (int i = 0; i < 288; ++i) next();
  EXPECT_EQ(windows_.workers().size(), 1u);
  next();
  EXPECT_EQ(windows_.workers().size(), 0u);
  EXPECT_EQ(use_.evicted, 0u);
}

TEST_F(TaskWindowsTest, versions_are_bounded_and_old_ones_make_room) {
  limits_.versions = 3;
  for (int v = 0; v < 5; ++v) add("w" + std::to_string(v), 0.5, 1, "h", "v" + std::to_string(v));
  next();
  EXPECT_EQ(windows_.versions().names.size(), 4u);
  EXPECT_EQ(windows_.workers().at("w4").version, 0);  // not kept: all are in use
  for (int i = 0; i < 13; ++i) next();
  for (int v = 0; v < 4; ++v) add("w" + std::to_string(v), 0.5, 1, "h", "v0");
  for (int i = 0; i < 13; ++i) next();
  add("w4", 0.5, 1, "h", "v9");
  EXPECT_EQ(windows_.versions().names[windows_.workers().at("w4").version], "v9");
  EXPECT_EQ(windows_.versions().names.size(), 4u);
}

TEST_F(TaskWindowsTest, the_usual_of_the_pool_is_that_of_this_hour_yesterday) {
  for (int b = 0; b < 3 * 288; ++b) {
    const bool noon = b % 288 >= 132 && b % 288 < 156;  // 11:00 to 13:00
    add("a", noon ? 2.0 : 0.4, 30);
    next();
    if (b != 2 * 288 + 140 && b != 2 * 288 + 40) continue;
    EXPECT_NEAR(windows_.pool_usual_now(TaskMeasure::duration_p50)->value, noon ? 1.45 : 0.36, 0.1);
  }
}

TEST_F(TaskWindowsTest, a_set_less_another_is_the_sum_of_its_workers) {
  add("a", 0.5, 10, "h1", "1");
  add("b", 0.5, 20, "h1", "2");
  add("c", 0.5, 40, "h2", "2");
  next();
  const TaskSubject h1 = *subject_named(DegradationScope::host, "h1", windows_);
  const TaskSubject v2 = *subject_named(DegradationScope::version, "2", windows_);
  const TaskSubject b = *subject_named(DegradationScope::worker, "b", windows_);
  const auto tasks = [&](const TaskSubject& in, std::vector<TaskSubject> out) {
    return sums_of(in, out, windows_).newest[0].finished;
  };
  EXPECT_EQ(tasks(h1, {}), 30);
  EXPECT_EQ(tasks(h1, {v2}), 10);
  EXPECT_EQ(tasks(v2, {h1}), 40);
  EXPECT_EQ(tasks(TaskSubject{}, {b, h1}), 40);
  EXPECT_EQ(tasks(b, {v2}), 0);
  EXPECT_FALSE(subject_named(DegradationScope::host, "h9", windows_));
  EXPECT_EQ(name_of(v2, windows_), "2");
  const TaskGroups groups(windows_);
  EXPECT_EQ(groups.hosts[h1.number].newest[0].finished, 30);
  EXPECT_EQ(groups.all.newest[0].finished, 70);
}

}  // namespace
}  // namespace paramedic
