#include <gtest/gtest.h>

#include "core/checks/checks.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

constexpr std::uint64_t kGiB = 1ULL << 30;
Finding run(SnapshotBuilder b, const DiskSpaceConfig& c = {}) { return check_disk_space(b.build(), c); }

TEST(DiskSpaceCheck, used_space_on_both_sides_of_its_limits) {
  struct Row {
    double used;
    std::optional<std::uint64_t> free;
    FS status, hold;
  };
  const Row rows[] = {
      {80, {}, FS::healthy, FS::healthy},
      {80.1, {}, FS::healthy, FS::warning},
      {85, {}, FS::healthy, FS::warning},
      {85.1, {}, FS::warning, FS::warning},
      {95, {}, FS::warning, FS::critical},
      {95.1, {}, FS::critical, FS::critical},
      {95.1, 10 * kGiB - 1, FS::critical, FS::critical},
      {95.1, 10 * kGiB, FS::warning, FS::warning},
  };
  for (const Row& row : rows) {
    const Finding f = run(snapshot().disk(0s, "/", row.used, row.free));
    EXPECT_EQ(f.status, row.status) << row.used;
    EXPECT_EQ(f.causes.empty() ? FS::healthy : f.causes[0].hold_status, row.hold) << row.used;
    if (!f.causes.empty()) {
      EXPECT_EQ(f.causes[0].remedy, RemedyKind::none);
    }
  }
}

TEST(DiskSpaceCheck, inodes_on_both_sides_of_their_limits) {
  EXPECT_EQ(run(snapshot().disk(0s, "/", 10, {}, 85)).status, FS::healthy);
  EXPECT_EQ(run(snapshot().disk(0s, "/", 10, {}, 85.1)).status, FS::warning);
  EXPECT_EQ(run(snapshot().disk(0s, "/", 10, {}, 95)).status, FS::warning);
  EXPECT_EQ(run(snapshot().disk(0s, "/", 10, 100 * kGiB, 95.1)).status, FS::critical);
}

TEST(DiskSpaceCheck, names_the_mount_worst_first_and_ignores_configured_ones) {
  DiskSpaceConfig c;
  const auto b = snapshot().disk(0s, "/a", 90).disk(0s, "/b", 99).disk(0s, "/snap", 100);
  c.ignore_mounts = {"/snap"};
  const Finding f = run(b, c);
  ASSERT_EQ(f.causes.size(), 2u);
  EXPECT_EQ(f.causes[0].subject, "/b");
  EXPECT_EQ(f.causes[1].subject, "/a");
  EXPECT_EQ(f.metrics[0], FindingMetric("disk_percent", 99));
  EXPECT_EQ(run(b).causes.size(), 3u);
}

TEST(DiskSpaceCheck, missing_data_is_unknown) {
  EXPECT_EQ(run(snapshot()).status, FS::not_applicable);
  EXPECT_EQ(run(snapshot().disk(0s, "/", std::nullopt)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().disk(0s, "/", 99).taken(91s)).status, FS::unknown);
  EXPECT_EQ(deadline_disk_space(snapshot().disk(0s, "/", 99).build(), {}), std::nullopt);
}

}  // namespace
}  // namespace paramedic
