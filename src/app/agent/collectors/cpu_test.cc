#include "app/agent/collectors/collectors_fixture.h"

namespace paramedic::agent {
namespace {

class CpuCollectorTest : public CollectorFixture {
 protected:
  void quota(const std::string& cpu_max) const {
    put("cg/cgroup.controllers", "cpu");
    put("proc/" + std::to_string(pid_) + "/cgroup", "0::/w\n");
    put("cg/w/cgroup.events", "");
    put("cg/w/cpu.max", cpu_max);
  }
};

TEST_F(CpuCollectorTest, percent_is_of_the_quota_and_needs_two_readings) {
  quota("50000 100000");
  const auto cpu = make_cpu_collector(setup());
  Report first;
  cpu->collect(alive(1000), SteadyTime{1h}, first);
  EXPECT_EQ(first.resources->cpu_cores, 0.5);
  EXPECT_FALSE(first.resources->cpu_percent);
  Report second;  // 0.25 s of processor time in 1 s, half a core allowed
  cpu->collect(alive(1025), SteadyTime{1h + 1s}, second);
  EXPECT_DOUBLE_EQ(*second.resources->cpu_percent, 50.0);
}

TEST_F(CpuCollectorTest, without_quota_the_affinity_counts) {
  const auto cpu = make_cpu_collector(setup());
  Report report;
  cpu->collect(alive(), SteadyTime{1h}, report);
  EXPECT_GE(report.resources->cpu_cores.value_or(0), 1.0);
}

TEST_F(CpuCollectorTest, a_falling_sum_is_zero_and_too_much_is_a_hundred) {
  quota("100000 100000");
  const auto cpu = make_cpu_collector(setup());
  Report report;
  cpu->collect(alive(500), SteadyTime{1h}, report);
  cpu->collect(alive(100), SteadyTime{1h + 1s}, report);
  EXPECT_EQ(report.resources->cpu_percent, 0.0);
  cpu->collect(alive(900), SteadyTime{1h + 2s}, report);
  EXPECT_EQ(report.resources->cpu_percent, 100.0);
  Report soon;  // too early to measure: the last known value
  cpu->collect(alive(901), SteadyTime{1h + 2s + 1ms}, soon);
  EXPECT_EQ(soon.resources->cpu_percent, 100.0);
}

TEST_F(CpuCollectorTest, a_changed_quota_is_seen_within_half_a_minute) {
  quota("100000 100000");
  const auto cpu = make_cpu_collector(setup());
  Report report;
  cpu->collect(alive(), SteadyTime{1h}, report);
  put("cg/w/cpu.max", "25000 100000");
  cpu->collect(alive(), SteadyTime{1h + 31s}, report);
  EXPECT_EQ(report.resources->cpu_cores, 0.25);
}

TEST_F(CpuCollectorTest, a_dead_process_has_none) {
  Report report;
  make_cpu_collector(setup())->collect(TreeSample{}, SteadyTime{1h}, report);
  EXPECT_FALSE(report.resources);
}

}  // namespace
}  // namespace paramedic::agent
