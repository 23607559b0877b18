#include "core/analysis/tail_histogram.h"

#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/analysis/state_bytes.h"

namespace paramedic {
namespace {

TEST(TailHistogram, claims_nothing_before_the_first_value_and_little_after_few) {
  TailHistogram tail;
  EXPECT_EQ(tail.rarity(100), 0);
  for (int i = 0; i < 9; ++i) tail.add(1);
  EXPECT_LT(tail.rarity(1.2F), 1.31F) << "ten values cannot tell more than one in twenty";
}

TEST(TailHistogram, one_in_a_thousand_is_three) {
  TailHistogram tail;
  for (int i = 0; i < 10000; ++i) tail.add(i % 1000 == 0 ? 9 : 1);
  EXPECT_NEAR(tail.rarity(5.9F), 3, 0.05);
}

TEST(TailHistogram, each_doubling_beyond_the_largest_is_one_decade) {
  TailHistogram tail;
  for (int i = 0; i < 999; ++i) tail.add(1);
  EXPECT_NEAR(tail.rarity(8), 3.3 + 3, 0.02) << "the example of the header";
  EXPECT_NEAR(tail.rarity(16) - tail.rarity(8), 1, 1e-3);
  EXPECT_EQ(tail.rarity(1e30F), TailHistogram::kMaxRarity);
}

TEST(TailHistogram, agrees_with_the_true_tail_of_a_normal_distribution) {
  TailHistogram tail;
  std::mt19937 dice(7);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 19000; ++i) tail.add(std::fabs(normal(dice)));
  EXPECT_NEAR(tail.rarity(1.96F), 1.30, 0.05);   // 5 %
  EXPECT_NEAR(tail.rarity(2.576F), 2.00, 0.08);  // 1 %
  EXPECT_NEAR(tail.quantile(0.99F), 2.576, 0.2);
}

TEST(TailHistogram, old_values_fade) {
  TailHistogram tail;
  for (int i = 0; i < 1000; ++i) tail.add(10);
  const float before = tail.rarity(9);
  for (int i = 0; i < 60000; ++i) tail.add(1);
  EXPECT_LT(before, 0.1F);
  EXPECT_GT(tail.rarity(9), 2.5F);
  EXPECT_LT(tail.values(), TailHistogram::kMaxValues);
  EXPECT_TRUE(tail.is_sane());
}

TEST(TailHistogram, what_is_less_than_usual_is_nothing_to_be_far_beyond) {
  TailHistogram tail;
  tail.add(0.5F);
  for (int i = 0; i < 15000; ++i) tail.add(0);  // the largest fades to next to nothing
  tail.add(0.1F);
  EXPECT_EQ(tail.rarity(0.9F), tail.rarity(0.95F));
  EXPECT_NEAR(tail.rarity(8) - tail.rarity(4), 1, 0.01) << "beyond a usual value the tail goes on";
}

TEST(TailHistogram, the_bulk_does_not_mind_anomalies) {
  TailHistogram clean, burst;
  std::mt19937 dice(7);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 15000; ++i) {
    const float x = std::fabs(normal(dice));
    clean.add(x);
    burst.add(i % 300 == 0 ? 6 + x : x);
  }
  EXPECT_LT(burst.rarity(6), 2.6F) << "one in three hundred was as large";
  EXPECT_GT(burst.rarity_by_bulk(6), 3.5F);
  EXPECT_GT(clean.rarity_by_bulk(6), 3.5F);
  EXPECT_EQ(burst.rarity_by_bulk(2), burst.rarity(2)) << "what is not rare is counted";
}

TEST(TailHistogram, the_bulk_of_a_heavy_tail_promises_no_more_than_it_keeps) {
  TailHistogram tail;
  std::mt19937 dice(7);
  std::student_t_distribution<float> heavy(3);
  for (int i = 0; i < 19000; ++i) tail.add(std::fabs(heavy(dice)));
  for (float x : {6.0F, 8.0F, 12.0F}) EXPECT_NEAR(tail.rarity_by_bulk(x), tail.rarity(x), 0.3F) << x;
}

TEST(TailHistogram, few_values_have_no_bulk) {
  TailHistogram tail, zeros;
  for (int i = 0; i < TailHistogram::kEnoughForBulk - 1; ++i) tail.add(1 + float(i % 7) / 8);
  EXPECT_EQ(tail.rarity_by_bulk(20), tail.rarity(20));
  tail.add(1);
  EXPECT_NE(tail.rarity_by_bulk(20), tail.rarity(20));
  for (int i = 0; i < 9000; ++i) zeros.add(i % 50 == 0 ? 3.0F : 0);
  EXPECT_EQ(zeros.rarity_by_bulk(20), zeros.rarity(20)) << "mostly in the lowest bin";
}

RC_GTEST_PROP(TailHistogram, rarity_never_falls_as_values_rise, ()) {
  TailHistogram tail;
  const int times = *rc::gen::element(1, 100);  // few and many values
  for (const int value : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5000)))
    for (int i = 0; i < times; ++i) tail.add(float(value) / 16);
  float last = 0, last_by_bulk = 0;
  for (float x = 0.01F; x < 1000; x *= 1.07F) {
    const float rarity = tail.rarity(x), by_bulk = tail.rarity_by_bulk(x);
    RC_ASSERT(std::isfinite(rarity) && std::isfinite(by_bulk));
    RC_ASSERT(rarity >= last - 1e-5F);
    RC_ASSERT(by_bulk >= last_by_bulk - 1e-4F);
    last = rarity;
    last_by_bulk = by_bulk;
  }
}

TEST(TailHistogram, a_state_that_does_not_add_up_is_noticed) {
  TailHistogram tail;
  for (int i = 0; i < 100; ++i) tail.add(float(i));
  std::string bytes;
  StateWriter writer(bytes);
  TailHistogram::fields(std::as_const(tail), writer);
  TailHistogram same;
  StateReader reader(bytes);
  TailHistogram::fields(same, reader);
  EXPECT_TRUE(reader.ok() && reader.at_end() && same.is_sane());
  EXPECT_EQ(same.rarity(17), tail.rarity(17));
  bytes[10] = char(bytes[10] + 1);
  StateReader again(bytes);
  TailHistogram::fields(same, again);
  EXPECT_FALSE(same.is_sane());
}

}  // namespace
}  // namespace paramedic
