#include "core/analysis/block.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

TEST(BlockBuilder, tells_mean_median_lowest_and_highest_of_the_minutes) {
  BlockBuilder builder;
  const double values[] = {5, 1, 9, 3, 2};
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(builder.add(600 + i * 60, values[i]));
  const auto block = builder.add(900, 7);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->index, 2);
  EXPECT_DOUBLE_EQ(block->mean, 4);
  EXPECT_DOUBLE_EQ(block->median, 3);
  EXPECT_DOUBLE_EQ(block->low, 1);
  EXPECT_DOUBLE_EQ(block->high, 9);
}

TEST(BlockBuilder, means_the_same_at_any_rate) {
  BlockBuilder often, seldom;
  std::optional<Block> a, b;
  for (int s = 0; s <= 300; ++s)
    if (auto block = often.add(s, double(s / 60 + 1))) a = block;
  for (int s = 0; s <= 300; s += 60)
    if (auto block = seldom.add(s, double(s / 60 + 1))) b = block;
  ASSERT_TRUE(a && b);
  EXPECT_DOUBLE_EQ(a->mean, b->mean);
  EXPECT_DOUBLE_EQ(a->low, b->low);
  EXPECT_DOUBLE_EQ(a->high, b->high);
}

TEST(BlockBuilder, takes_few_samples_as_well) {
  BlockBuilder builder;
  builder.add(60, 2);
  builder.add(180, 4);
  const auto block = builder.add(100'000, 1);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->index, 0);
  EXPECT_DOUBLE_EQ(block->median, 3);
}

TEST(BlockBuilder, drops_late_samples_and_follows_a_clock_that_was_set_back) {
  BlockBuilder builder;
  builder.add(6000, 1);
  builder.add(6060, 1);
  EXPECT_FALSE(builder.add(6001, 100));  // the minute before: late
  EXPECT_FALSE(builder.add(5800, 100));  // the block before: late
  const auto block = builder.add(6300, 1);
  ASSERT_TRUE(block);
  EXPECT_DOUBLE_EQ(block->high, 1);
  EXPECT_FALSE(builder.add(-1000, 5));  // an hour and more back: the new time counts
  const auto after = builder.add(-600, 5);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->index, -4);
  EXPECT_DOUBLE_EQ(after->mean, 5);
}

TEST(BlockBuilder, stays_finite_with_absurd_values) {
  BlockBuilder builder;
  for (int i = 0; i < 10; ++i) builder.add(i, 1.7e308);
  const auto block = builder.add(300, 0);
  ASSERT_TRUE(block);
  EXPECT_DOUBLE_EQ(block->high, double(1e30f));
}

}  // namespace
}  // namespace paramedic
