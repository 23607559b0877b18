#include "app/demo/faults.h"

#include <fstream>

#include <gtest/gtest.h>

#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

constexpr SteadyTime kStart{1h};

TEST(Faults, disk_fills_its_quota_to_97_percent_and_gives_it_back) {
  TempFolder folder;
  std::ofstream(folder.path() / "result-1") << std::string(100'000, 'x');
  CostlyFaults faults({.dir = folder.path(), .disk_quota_mb = 4});
  faults.drive(Fault::disk, kStart);
  const double ratio = double(folder_bytes(folder.path())) / double(4 << 20);
  EXPECT_NEAR(ratio, 0.97, 0.001);
  faults.drive(Fault::disk, kStart + 1s);
  EXPECT_NEAR(double(folder_bytes(folder.path())) / double(4 << 20), 0.97, 0.001) << "it holds";
  faults.drive(Fault::none, kStart + 2s);
  EXPECT_EQ(folder_bytes(folder.path()), 100'000u);
  std::ofstream(folder.path() / "fill.bin") << "left by the previous life";
  faults.clear_disk();
  EXPECT_EQ(folder_bytes(folder.path()), 100'000u);
}

TEST(Faults, disk_without_a_folder_does_nothing) {
  CostlyFaults faults({.dir = "/nonexistent/paramedic", .disk_quota_mb = 4});
  faults.drive(Fault::disk, kStart);
  EXPECT_EQ(folder_bytes("/nonexistent/paramedic"), 0u);
}

TEST(Faults, leak_grows_with_time_up_to_the_limit_and_is_given_back) {
  const auto before = resident_mb();
  ASSERT_GT(before, 0u);
  CostlyFaults faults({.dir = "/nonexistent", .memory_limit_mb = before + 30, .leak_mb_per_second = 10});
  faults.drive(Fault::leak, kStart);
  EXPECT_EQ(faults.leaked_mb(), 1u);
  faults.drive(Fault::leak, kStart + 1s);
  EXPECT_EQ(faults.leaked_mb(), 11u);
  EXPECT_GE(resident_mb(), before + 8) << "its pages are touched";
  faults.drive(Fault::leak, kStart + 60s);
  EXPECT_GE(resident_mb(), before + 25);
  EXPECT_LE(faults.leaked_mb(), 40u) << "it stops at its limit";
  faults.drive(Fault::none, kStart + 61s);
  EXPECT_EQ(faults.leaked_mb(), 0u);
}

TEST(Faults, busy_burns_until_it_is_told_otherwise) {
  CostlyFaults faults({.dir = "/nonexistent"});
  const auto cpu = [] {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
  };
  const double before = cpu();
  faults.drive(Fault::busy, kStart);
  faults.drive(Fault::busy, kStart + 1s);
  EXPECT_TRUE(eventually([&] { return cpu() > before + 0.2; }));
  faults.drive(Fault::slow, kStart + 2s);
  const auto threads =
      std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  EXPECT_EQ(threads, 1);
}

}  // namespace
}  // namespace paramedic::demo
