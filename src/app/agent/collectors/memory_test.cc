#include "app/agent/collectors/collectors_fixture.h"

namespace paramedic::agent {
namespace {

class MemoryCollectorTest : public CollectorFixture {
 protected:
  ResourcesPart read(std::uint64_t pages = 25600) {  // 100 MiB
    Report report;
    make_memory_collector(setup())->collect(alive(0, pages), SteadyTime{1h}, report);
    return report.resources.value_or(ResourcesPart{});
  }
  void cgroup_limit(std::uint64_t mib) const {
    put("cg/cgroup.controllers", "memory");
    put("proc/" + std::to_string(pid_) + "/cgroup", "0::/w\n");
    put("cg/w/cgroup.events", "");
    put("cg/w/memory.max", std::to_string(mib * kMiB) + "\n");
  }
};

TEST_F(MemoryCollectorTest, the_host_is_the_last_resort) {
  const auto memory = read();
  EXPECT_EQ(memory.memory_mb, 100.0);
  EXPECT_EQ(memory.memory_percent, 10.0);
  EXPECT_EQ(memory.memory_limit_kind, MemoryLimitKind::host);
}

TEST_F(MemoryCollectorTest, the_tightest_limit_counts) {
  cgroup_limit(400);
  EXPECT_EQ(read().memory_percent, 25.0);
  EXPECT_EQ(read().memory_limit_kind, MemoryLimitKind::cgroup);
  spec_.memory_limit_mb = 200;
  EXPECT_EQ(read().memory_percent, 50.0);
  EXPECT_EQ(read().memory_limit_mb, 200.0);
  EXPECT_EQ(read().memory_limit_kind, MemoryLimitKind::configured);
}

TEST_F(MemoryCollectorTest, more_than_the_limit_is_a_hundred_percent) {
  spec_.memory_limit_mb = 50;
  EXPECT_EQ(read().memory_percent, 100.0);
}

TEST_F(MemoryCollectorTest, without_any_limit_there_is_no_percentage) {
  host_.memory_bytes = 0;
  const auto memory = read();
  EXPECT_EQ(memory.memory_mb, 100.0);
  EXPECT_FALSE(memory.memory_percent);
  EXPECT_EQ(memory.memory_limit_kind, MemoryLimitKind::none);
}

TEST_F(MemoryCollectorTest, a_zombie_has_none) {
  auto zombie = alive(0, 0);
  zombie.state = 'Z';
  Report report;
  make_memory_collector(setup())->collect(zombie, SteadyTime{1h}, report);
  EXPECT_FALSE(report.resources);
}

TEST_F(MemoryCollectorTest, host_facts_come_from_meminfo) {
  put("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
  EXPECT_EQ(read_host_facts(roots_).memory_bytes, 2048u * 1024);
  roots_.proc = "/nowhere";
  EXPECT_EQ(read_host_facts(roots_).memory_bytes, 0u);
}

}  // namespace
}  // namespace paramedic::agent
