#include "app/demo/work.h"

#include <fstream>

#include <gtest/gtest.h>

#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

TEST(Work, digests_as_the_standard_says) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Work, data_is_repeatable_and_packs) {
  const auto data = make_data(7, 50'000);
  EXPECT_EQ(data.size(), 50'000u);
  EXPECT_EQ(data, make_data(7, 50'000));
  EXPECT_NE(data, make_data(8, 50'000));
  const auto packed = pack(data);
  ASSERT_TRUE(packed);
  EXPECT_LT(packed->size(), data.size());
  EXPECT_EQ(*unpack(*packed, data.size()), data);
  EXPECT_EQ(unpack("nonsense", 100).error().code, Errc::corrupt);
}

TEST(Work, a_task_leaves_its_result_and_the_results_are_bounded) {
  TempFolder folder;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const auto done = do_task(folder.path(), id, "resize", 2000);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->digest, sha256_hex(make_data(id, 2000)));
    EXPECT_GT(done->packed_bytes, 0u);
  }
  const auto files =
      std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator());
  EXPECT_EQ(files, 16);
  const auto text = *read_file(folder.path() / "result-8");
  EXPECT_EQ(text.rfind("40 resize " + sha256_hex(make_data(40, 2000)) + "\n", 0), 0u);
  EXPECT_FALSE(do_task(folder.path() / "missing", 1, "resize", 10));
}

struct ModelTest : testing::Test {
  Result<void> load(bool damage = false) {
    seen.clear();
    ModelLoad wanted{.path = folder.path() / "m.bin", .pace = 0s, .damage = damage};
    return load_model(wanted, [this](double part) { seen.push_back(part); });
  }
  TempFolder folder;
  std::vector<double> seen;
};

TEST_F(ModelTest, a_good_model_loads_and_tells_its_progress) {
  ASSERT_TRUE(write_model(folder.path() / "m.bin", 100'001, 3));
  ASSERT_TRUE(load());
  EXPECT_EQ(seen.size(), 16u);
  EXPECT_EQ(seen.back(), 1.0);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(ModelTest, a_damaged_missing_or_foreign_file_is_refused) {
  EXPECT_FALSE(load());
  ASSERT_TRUE(write_model(folder.path() / "m.bin", 100'000, 3));
  EXPECT_EQ(load(true).error().code, Errc::corrupt);
  EXPECT_TRUE(load()) << "the damage is on the way, not in the file";
  std::ofstream(folder.path() / "m.bin") << "something else";
  EXPECT_EQ(load().error().code, Errc::corrupt);
}

}  // namespace
}  // namespace paramedic::demo
