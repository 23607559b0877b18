#include "base/data_check.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

namespace fs = std::filesystem;

TEST(DataCheck, CountsAllDamageAndKeepsTheFirstProblems) {
  DataCheck check{.name = "x"};
  for (std::size_t i = 0; i < DataCheck::kMaxProblems + 5; ++i) check.damage(std::to_string(i));
  EXPECT_EQ(check.damaged, DataCheck::kMaxProblems + 5);
  ASSERT_EQ(check.problems.size(), DataCheck::kMaxProblems);
  EXPECT_EQ(check.problems.front(), "0");
}

TEST(AsideFolder, IsMadeWithTheFirstPieceAndWritesOverNothing) {
  char path[] = "/tmp/paramedic_aside_XXXXXX";
  const std::string dir = ::mkdtemp(path);
  AsideFolder aside(dir, "T");
  EXPECT_FALSE(fs::exists(aside.path()));
  EXPECT_FALSE(aside.used());
  const std::string bytes("a\0b", 3);
  ASSERT_TRUE(aside.keep("piece", bytes));
  EXPECT_TRUE(aside.used());
  std::ifstream in(dir + "/damaged-T/piece", std::ios::binary);
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>(in), {}}), bytes);
  EXPECT_FALSE(aside.keep("piece", "other"));
  EXPECT_EQ(fs::file_size(dir + "/damaged-T/piece"), 3u);
  AsideFolder same(dir, "T");
  EXPECT_FALSE(same.keep("more", "x")) << "another repair's folder";
  fs::remove_all(dir);
}

}  // namespace
}  // namespace paramedic
