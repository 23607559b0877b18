#include "app/agent/collectors/collectors_fixture.h"
#include "app/agent/collectors/folder_size.h"

namespace paramedic::agent {
namespace {

class DiskCollectorTest : public CollectorFixture {
 protected:
  static std::vector<DiskPart> read(Collector& disk, Duration at) {
    Report report;
    disk.collect(alive(), SteadyTime{at}, report);
    return report.disks.value_or(std::vector<DiskPart>{});
  }
};

TEST_F(DiskCollectorTest, tells_the_file_system_of_the_working_directory) {
  spec_.cwd = folder_;
  const auto disk = make_disk_collector(setup());
  const auto disks = read(*disk, 1h);
  ASSERT_EQ(disks.size(), 1u);
  EXPECT_TRUE(folder_.starts_with(disks[0].mount)) << disks[0].mount;
  EXPECT_GT(disks[0].used_percent.value_or(-1), 0);
  EXPECT_LE(*disks[0].used_percent, 100);
  EXPECT_GT(disks[0].free_bytes.value_or(0), 0u);
}

TEST_F(DiskCollectorTest, a_quota_is_a_disk_of_its_own_named_by_its_folder) {
  spec_.cwd = folder_;
  spec_.disk_quota_mb = 1;
  spec_.disk_quota_dir = folder_ + "/scratch";
  put("scratch/deep/er/file", std::string(512 * 1024, 'x'));
  const auto disk = make_disk_collector(setup());
  const auto disks = read(*disk, 1h);
  ASSERT_EQ(disks.size(), 2u);
  EXPECT_EQ(disks[1].mount, folder_ + "/scratch");
  EXPECT_NEAR(*disks[1].used_percent, 50, 5);
  EXPECT_NEAR(static_cast<double>(*disks[1].free_bytes), 512 * 1024, 50 * 1024);
  put("scratch/big", std::string(900 * 1024, 'x'));
  EXPECT_NEAR(*read(*disk, 1h + 5s)[1].used_percent, 50, 5) << "walked again before its time";
  EXPECT_EQ(*read(*disk, 1h + 20s)[1].used_percent, 100);
  EXPECT_EQ(*read(*disk, 1h + 25s)[1].free_bytes, 0u);
}

TEST_F(DiskCollectorTest, a_missing_quota_folder_is_unknown) {
  spec_.cwd = folder_;
  spec_.disk_quota_mb = 1;
  spec_.disk_quota_dir = folder_ + "/none";
  const auto disk = make_disk_collector(setup());
  EXPECT_EQ(read(*disk, 1h).size(), 1u);
}

TEST_F(DiskCollectorTest, a_big_folder_is_walked_in_steps) {
  for (int i = 0; i < 50; ++i) put("many/" + std::to_string(i), "x");
  FolderSize::Limits limits;
  limits.entries_per_step = 10;
  FolderSize size(folder_ + "/many", limits);
  SteadyTime now{1h};
  EXPECT_FALSE(size.bytes(now)) << "one step cannot have seen everything";
  int steps = 1;
  while (!size.bytes(now += 1s) && steps < 20) ++steps;
  EXPECT_GE(steps, 5);
  EXPECT_GE(size.bytes(now).value_or(0), 50u * 512);
}

TEST_F(DiskCollectorTest, links_are_not_followed) {
  put("a/file", "x");
  std::filesystem::create_directory_symlink("/usr", folder_ + "/a/usr");
  std::filesystem::create_directory_symlink(folder_ + "/a", folder_ + "/a/self");
  FolderSize size(folder_ + "/a");
  const auto bytes = size.bytes(SteadyTime{1h});
  ASSERT_TRUE(bytes);
  EXPECT_LT(*bytes, 100u * 1024);
}

}  // namespace
}  // namespace paramedic::agent
