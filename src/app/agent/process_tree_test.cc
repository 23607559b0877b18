#include "app/agent/process_tree.h"

#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include "app/agent/spawn.h"

namespace paramedic::agent {
namespace {

std::string stat_line(int pid, char state, int ppid, int utime, int threads, int start, int rss) {
  return std::to_string(pid) + " (w) " + state + " " + std::to_string(ppid) + " " + std::to_string(pid) +
         " 1 0 -1 0 0 0 0 0 " + std::to_string(utime) + " 0 5 0 20 0 " + std::to_string(threads) + " 0 " +
         std::to_string(start) + " 0 " + std::to_string(rss) + " 0\n";
}

class TreeFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tree_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& path, const std::string& text) const {
    const auto full = std::filesystem::path(folder_) / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  std::string folder_;
};

TEST_F(TreeFixture, sums_the_worker_its_children_and_the_children_of_its_threads) {
  put("10/stat", stat_line(10, 'S', 1, 100, 2, 77, 1000));
  put("10/task/10/children", "11 ");
  put("10/task/12/children", "13 ");
  put("11/stat", stat_line(11, 'R', 10, 20, 1, 78, 200));
  put("11/task/11/children", "");
  put("13/stat", stat_line(13, 'R', 10, 3, 1, 79, 40));
  put("10/fd/0", "");
  put("10/fd/1", "");
  ProcessTree tree(folder_, 10, 77);
  const auto sample = tree.read(SteadyTime{1h});
  EXPECT_TRUE(sample.alive);
  EXPECT_EQ(sample.state, 'S');
  EXPECT_EQ(sample.threads, 2);
  EXPECT_EQ(sample.processes, 3);
  EXPECT_EQ(sample.cpu_ticks, 123u + 15u);
  EXPECT_EQ(sample.rss_pages, 1240u);
  EXPECT_TRUE(sample.open_files.has_value());
  EXPECT_TRUE(tree.contains(13));
  EXPECT_FALSE(tree.contains(99));
  // One second later the threads are not walked again, their child is still counted.
  EXPECT_EQ(tree.read(SteadyTime{1h + 1s}).processes, 3);
}

TEST_F(TreeFixture, a_later_process_with_the_same_pid_is_not_the_worker) {
  put("10/stat", stat_line(10, 'S', 1, 100, 1, 9999, 1000));
  ProcessTree tree(folder_, 10, 77);
  EXPECT_FALSE(tree.read(SteadyTime{1h}).alive);
}

TEST_F(TreeFixture, a_cycle_in_children_does_not_hang) {
  put("10/stat", stat_line(10, 'S', 1, 1, 1, 77, 1));
  put("10/task/10/children", "11 10");
  put("11/stat", stat_line(11, 'S', 10, 1, 1, 78, 1));
  put("11/task/11/children", "10 11");
  ProcessTree tree(folder_, 10, 77);
  EXPECT_EQ(tree.read(SteadyTime{1h}).processes, 2);
}

TEST_F(TreeFixture, a_group_of_zombies_has_no_living_member) {
  put("10/stat", stat_line(10, 'Z', 1, 1, 1, 77, 1));
  put("self", "");
  EXPECT_FALSE(group_has_living_member(folder_, 10));
  put("10/stat", stat_line(10, 'S', 1, 1, 1, 77, 1));
  EXPECT_TRUE(group_has_living_member(folder_, 10));
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

TEST(ProcessTreeReal, follows_a_real_process_from_children_to_death) {
  SpawnOptions options;
  options.command = {"/bin/sh", "-c", "sleep 60 & sleep 60 & wait"};
  const auto child = spawn_process(options);
  ASSERT_TRUE(child);
  const auto stat = read_stat("/proc", child->pid);
  ASSERT_TRUE(stat);
  ProcessTree tree("/proc", child->pid, stat->start_ticks);
  SteadyTime now{1h};
  TreeSample sample;
  EXPECT_TRUE(eventually([&] {
    sample = tree.read(now += 1s);
    return sample.processes == 3;
  }));
  EXPECT_GT(sample.rss_pages, 0u);
  EXPECT_GE(sample.open_files.value_or(0), 3);
  EXPECT_TRUE(group_has_living_member("/proc", child->pid));
  ::kill(-child->pid, SIGKILL);
  EXPECT_TRUE(eventually([&] { return reap(child->pidfd.get()).has_value(); }));
  EXPECT_FALSE(tree.read(now += 1s).alive);
  EXPECT_TRUE(eventually([&] { return !group_has_living_member("/proc", child->pid); }));
}

}  // namespace
}  // namespace paramedic::agent
