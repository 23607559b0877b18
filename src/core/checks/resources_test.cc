#include <gtest/gtest.h>

#include "core/checks/checks.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

Finding run(SnapshotBuilder b, const ResourcesConfig& c = {}) { return check_resources(b.build(), c); }

struct Row {
  double value;
  FS status, hold;
};

TEST(ResourcesCheck, cpu_mean_on_both_sides_of_its_limits) {
  const Row rows[] = {{85, FS::healthy, FS::healthy},  {85.5, FS::healthy, FS::warning},
                      {90, FS::healthy, FS::warning},  {90.5, FS::warning, FS::critical},
                      {95, FS::warning, FS::critical}, {95.5, FS::critical, FS::critical}};
  for (const Row& row : rows) {
    const Finding f = run(snapshot().cpu(10min, row.value).taken(10min));
    EXPECT_EQ(f.status, row.status) << row.value;
    EXPECT_EQ(f.causes.empty() ? FS::healthy : f.causes[0].hold_status, row.hold) << row.value;
    if (!f.causes.empty()) {
      EXPECT_EQ(f.causes[0].reason, Reason::cpu_high);
      EXPECT_EQ(f.causes[0].remedy, RemedyKind::none);
      EXPECT_EQ(f.causes[0].evidence, Evidence::sampled);
    }
  }
}

TEST(ResourcesCheck, a_short_burst_is_no_five_minute_mean) {
  EXPECT_EQ(run(snapshot().cpu(10min, 100, 30s).taken(10min)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().cpu(10min, 100, 4min - 30s).taken(10min)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().cpu(10min, 100, 4min).taken(10min)).status, FS::critical);
  ResourcesConfig c;
  c.cpu_window = 30s;
  EXPECT_EQ(run(snapshot().cpu(10min, 100, 30s).taken(10min), c).status, FS::critical);
}

TEST(ResourcesCheck, memory_asks_for_drain_and_restart_only_at_its_own_limit) {
  const Row rows[] = {{80, FS::healthy, FS::healthy},  {80.1, FS::healthy, FS::warning},
                      {85, FS::healthy, FS::warning},  {85.1, FS::warning, FS::warning},
                      {95, FS::warning, FS::critical}, {95.1, FS::critical, FS::critical}};
  for (const Row& row : rows) {
    const Finding f = run(snapshot().memory(0s, row.value));
    EXPECT_EQ(f.status, row.status) << row.value;
    EXPECT_EQ(f.causes.empty() ? FS::healthy : f.causes[0].hold_status, row.hold) << row.value;
  }
  EXPECT_EQ(run(snapshot().memory(0s, 96, MemoryLimitKind::cgroup)).causes[0].remedy, RemedyKind::drain_restart);
  EXPECT_EQ(run(snapshot().memory(0s, 96, MemoryLimitKind::configured)).causes[0].remedy, RemedyKind::drain_restart);
  EXPECT_EQ(run(snapshot().memory(0s, 96, MemoryLimitKind::host)).causes[0].remedy, RemedyKind::none);
  EXPECT_EQ(run(snapshot().memory(0s, 96, MemoryLimitKind::none)).causes[0].remedy, RemedyKind::none);
}

TEST(ResourcesCheck, gpu_memory_and_fatal_errors) {
  EXPECT_EQ(run(snapshot().gpu(0s, "g0", 90)).status, FS::healthy);
  const Finding full = run(snapshot().gpu(0s, "g0", 90.1).gpu(0s, "g1", 10));
  EXPECT_EQ(full.status, FS::critical);
  EXPECT_EQ(full.causes[0].subject, "g0");
  EXPECT_EQ(full.causes[0].remedy, RemedyKind::none);
  EXPECT_EQ(run(snapshot().gpu(0s, "g0", 10, 13)).status, FS::healthy);  // an application error is not fatal
  for (const std::uint16_t xid : {48, 64, 74, 79, 95, 119, 120}) {
    const Finding f = run(snapshot().gpu(0s, "g0", 10, xid));
    EXPECT_EQ(f.status, FS::critical) << xid;
    EXPECT_EQ(f.causes[0].reason, Reason::gpu_error);
    EXPECT_EQ(f.causes[0].evidence, Evidence::timed);
    EXPECT_EQ(f.causes[0].remedy, RemedyKind::restart);
  }
  ResourcesConfig c;
  c.fatal_xids = {13};
  c.gpu_memory_critical_percent = 101;
  EXPECT_EQ(run(snapshot().gpu(0s, "g0", 100, 79), c).status, FS::healthy);
  EXPECT_EQ(run(snapshot().gpu(0s, "g0", 10, 13), c).status, FS::critical);
}

TEST(ResourcesCheck, missing_data_is_unknown_not_zero) {
  EXPECT_EQ(run(snapshot()).status, FS::not_applicable);
  EXPECT_EQ(run(snapshot().resources(0s)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().memory(0s, 10).taken(90s)).status, FS::healthy);
  EXPECT_EQ(run(snapshot().memory(0s, 10).taken(91s)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().memory(0s, 99).exited(1s, {}).taken(1s)).status, FS::unknown);
}

TEST(ResourcesCheck, metrics_carry_the_briefs_names) {
  auto b = snapshot().cpu(10min, 42).memory(10min, 30).gpu(10min, "g0", 20).gpu(10min, "g1", 60).taken(10min);
  b.worker.resources.memory_mb = 512;
  b.worker.resources.gpus[0].utilization = 70;
  const Finding f = run(b);
  const std::vector<FindingMetric> want{{"cpu_percent", 42},
                                        {"memory_percent", 30},
                                        {"memory_mb", 512},
                                        {"gpu_utilization", 70},
                                        {"gpu_memory_percent", 60}};
  EXPECT_EQ(f.metrics, want);
}

}  // namespace
}  // namespace paramedic
