#include "base/data_dir.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/retention.h"

namespace paramedic {
namespace {

TEST(DataDir, belongs_to_one_holder_at_a_time) {
  char path[] = "/tmp/paramedic_dir_XXXXXX";
  const std::string dir = std::string(::mkdtemp(path)) + "/a/b";
  {
    auto first = DataDir::open(dir);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->file("x"), dir + "/x");
    DataDir moved = std::move(*first);
    const auto second = DataDir::open(dir);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::conflict);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(DataDir::open(dir)) << "released by the destructor";
  std::filesystem::remove_all(path);
}

TEST(DataDir, tells_what_to_do_about_a_bad_place) {
  EXPECT_EQ(DataDir::open("").error().code, Errc::invalid_argument);
  EXPECT_NE(DataDir::open("/proc/no/such").error().message.find("set another data_dir"), std::string::npos);
}

TEST(Retention, a_clock_jump_deletes_no_more_than_twice_the_time_that_passed) {
  const WallTime now{Duration{24h * 20'000}}, oldest = now - 24h * 7;
  EXPECT_EQ(retention_cutoff(oldest, now, 24h * 7, 1min), oldest) << "steady state";
  EXPECT_EQ(retention_cutoff(oldest, now + 30s, 24h * 7, 30s), oldest + 30s);
  EXPECT_EQ(retention_cutoff(oldest, now + 24h * 365, 24h * 7, 1min), oldest + 2min);
  EXPECT_EQ(retention_cutoff(oldest, now + 24h * 365, 24h * 7, 0s), oldest) << "the first pass deletes nothing";
  EXPECT_EQ(retention_cutoff(oldest, now + 24h * 365, 24h * 7, -1h), oldest);
  EXPECT_LT(retention_cutoff(oldest, now - 24h, 24h * 7, 1h), oldest);
}

}  // namespace
}  // namespace paramedic
