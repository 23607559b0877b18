#include "app/agent/cgroup.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace paramedic::agent {
namespace {

class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/cgroup_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    roots_.proc = folder_ + "/proc";
    roots_.cgroup = folder_ + "/cg";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& path, const std::string& text) const {
    const auto full = std::filesystem::path(folder_) / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  Cgroup open() const { return Cgroup(roots_, 7); }
  std::string folder_;
  KernelRoots roots_;
};

TEST_F(CgroupTest, v2_limits_and_oom_kills_are_read_again_each_time) {
  put("cg/cgroup.controllers", "cpu memory");
  put("proc/7/cgroup", "0::/jobs/w1\n");
  put("cg/jobs/w1/cgroup.events", "populated 1\n");
  put("cg/jobs/w1/cpu.max", "150000 100000\n");
  put("cg/jobs/w1/memory.max", "max\n");
  put("cg/jobs/w1/memory.events", "low 0\noom 1\noom_kill 0\n");
  put("cg/jobs/memory.max", "2097152\n");
  const auto cgroup = open();
  EXPECT_EQ(cgroup.cpu_cores(), 1.5);
  EXPECT_EQ(cgroup.memory_limit(), 2097152u) << "the limit of the parent group holds too";
  EXPECT_EQ(cgroup.oom_kills(), 0u);
  put("cg/jobs/w1/memory.events", "low 0\noom 1\noom_kill 3\n");
  put("cg/jobs/w1/memory.max", "1048576\n");
  EXPECT_EQ(cgroup.oom_kills(), 3u);
  EXPECT_EQ(cgroup.memory_limit(), 1048576u);
}

TEST_F(CgroupTest, v1_limits_are_read_per_controller) {
  put("proc/7/cgroup", "4:memory:/jobs/w1\n3:cpu,cpuacct:/jobs/w1\n0::/\n");
  put("cg/cpu/jobs/w1/cpu.cfs_quota_us", "50000\n");
  put("cg/cpu/jobs/w1/cpu.cfs_period_us", "100000\n");
  put("cg/memory/jobs/w1/memory.limit_in_bytes", "1073741824\n");
  put("cg/memory/jobs/w1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  const auto cgroup = open();
  EXPECT_EQ(cgroup.cpu_cores(), 0.5);
  EXPECT_EQ(cgroup.memory_limit(), 1073741824u);
  EXPECT_EQ(cgroup.oom_kills(), 1u);
}

TEST_F(CgroupTest, v1_unlimited_is_no_limit) {
  put("proc/7/cgroup", "4:memory:/\n3:cpu,cpuacct:/\n");
  put("cg/cpu/cpu.cfs_quota_us", "-1\n");
  put("cg/cpu/cpu.cfs_period_us", "100000\n");
  put("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
  const auto cgroup = open();
  EXPECT_FALSE(cgroup.cpu_cores());
  EXPECT_FALSE(cgroup.memory_limit());
}

TEST_F(CgroupTest, a_path_hidden_by_a_namespace_falls_back_to_what_is_mounted) {
  put("cg/cgroup.controllers", "memory");
  put("proc/7/cgroup", "0::/docker/abcdef\n");
  put("cg/memory.max", "4096\n");
  EXPECT_EQ(open().memory_limit(), 4096u);
}

TEST_F(CgroupTest, without_any_file_everything_is_unknown) {
  const auto cgroup = open();
  EXPECT_FALSE(cgroup.cpu_cores());
  EXPECT_FALSE(cgroup.memory_limit());
  EXPECT_FALSE(cgroup.oom_kills());
}

}  // namespace
}  // namespace paramedic::agent
