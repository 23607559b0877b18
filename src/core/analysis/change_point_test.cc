#include "core/analysis/change_point.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/analysis/degradation_pool.h"

namespace paramedic {
namespace {

TaskTally of(std::initializer_list<double> durations, int failed = 0) {
  DurationHistogram h;
  for (const double d : durations) h.observe(d);
  TaskTally t;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) t.counts[i] = float(h.counts[i]);
  t.finished = float(durations.size());
  t.failed = float(failed);
  t.seconds = float(h.sum_seconds);
  return t;
}

TaskTally lognormal(double median, double spread, int n, std::uint64_t seed) {
  TaskRandom random(seed);
  TaskTally out;
  for (int i = 0; i < n; ++i) out.add(of({median * std::exp(spread * random.normal())}));
  return out;
}

TaskTally errors(int tasks, int failed) { return TaskTally{.finished = float(tasks), .failed = float(failed)}; }

// Twelve blocks, the newest first.
struct Hour {
  std::vector<TaskTally> blocks, newest;
  explicit Hour(std::vector<TaskTally> b) : blocks(std::move(b)) {
    blocks.resize(kLookBlocks);
    TaskTally sum;
    for (const TaskTally& block : blocks) {
      sum.add(block);
      newest.push_back(sum);
    }
  }
  std::optional<Shift> look(TaskMeasure what, const Usual& usual, Noise noise = {}) const {
    const std::vector<Usual> usuals(kLookBlocks, usual);
    return find_shift(what, blocks, newest, usuals, noise, kEvidence);
  }
};

TEST(ChangePoint, quantiles_of_a_log_normal_come_out_of_its_buckets) {
  for (const double spread : {0.3, 0.8, 1.3}) {
    const TaskTally t = lognormal(0.4, spread, 20'000, 7);
    EXPECT_NEAR(std::log(*t.quantile(0.5) / 0.4), 0, 0.12) << spread;
    EXPECT_NEAR(std::log(*t.quantile(0.95) / (0.4 * std::exp(1.645 * spread))), 0, 0.2) << spread;
    EXPECT_NEAR(t.longer_than(*t.quantile(0.95)), 1000, 30) << spread;
  }
}

TEST(ChangePoint, an_empty_tally_knows_nothing) {
  EXPECT_FALSE(TaskTally{}.quantile(0.5));
  EXPECT_FALSE(value_of(TaskMeasure::error_ratio, TaskTally{}));
  EXPECT_FALSE(usual_of(TaskMeasure::duration_p95, TaskTally{}));
  EXPECT_FALSE(Hour({}).look(TaskMeasure::duration_p50, {.value = 1}));
}

TEST(ChangePoint, evidence_is_the_likelihood_ratio_of_the_binomial) {
  EXPECT_NEAR(evidence_of(75, 100, 0.5), 13.1, 0.05);
  EXPECT_NEAR(evidence_of(60, 100, 0.5), 2.0, 0.05);
  EXPECT_EQ(evidence_of(50, 100, 0.5), 0);
  EXPECT_EQ(evidence_of(20, 100, 0.5), 0);  // better is no evidence for worse
  EXPECT_EQ(evidence_of(0, 0, 0.5), 0);
  EXPECT_NEAR(evidence_of(10, 10, 0.5), 10 * std::log(2), 1e-9);
}

TEST(ChangePoint, the_split_is_where_the_change_began) {
  std::vector<TaskTally> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back(lognormal(i < 4 ? 1.0 : 0.4, 0.8, 100, 20 + std::uint64_t(i)));
  const Usual usual = *usual_of(TaskMeasure::duration_p50, lognormal(0.4, 0.8, 5000, 1));
  const auto shift = Hour(blocks).look(TaskMeasure::duration_p50, usual);
  ASSERT_TRUE(shift);
  EXPECT_EQ(shift->blocks, 4u);
  EXPECT_NEAR(std::log(shift->after / shift->usual), std::log(2.5), 0.2);
}

TEST(ChangePoint, small_changes_are_no_news_however_many_tasks_there_are) {
  std::vector<TaskTally> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back(lognormal(0.4 * 1.2, 0.8, 5000, 50 + std::uint64_t(i)));
  const Usual usual = *usual_of(TaskMeasure::duration_p50, lognormal(0.4, 0.8, 20'000, 2));
  EXPECT_FALSE(Hour(blocks).look(TaskMeasure::duration_p50, usual));
}

TEST(ChangePoint, one_block_alone_is_a_burst) {
  std::vector<TaskTally> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back(lognormal(i == 0 ? 4.0 : 0.4, 0.8, 200, 80 + std::uint64_t(i)));
  const Usual usual = *usual_of(TaskMeasure::duration_p50, lognormal(0.4, 0.8, 5000, 3));
  EXPECT_FALSE(Hour(blocks).look(TaskMeasure::duration_p50, usual));
  std::swap(blocks[0], blocks[1]);  // and it is none afterwards
  EXPECT_FALSE(Hour(blocks).look(TaskMeasure::duration_p50, usual));
}

TEST(ChangePoint, errors_need_three_failures_twenty_tasks_two_points_and_twice_as_many) {
  const Usual none{.value = 0}, some{.value = 0.05};
  EXPECT_TRUE(Hour({errors(60, 12), errors(60, 12)}).look(TaskMeasure::error_ratio, none));
  EXPECT_FALSE(Hour({errors(1, 1), errors(2, 1)}).look(TaskMeasure::error_ratio, none));
  EXPECT_FALSE(Hour({errors(9, 4), errors(9, 4)}).look(TaskMeasure::error_ratio, none));
  EXPECT_FALSE(Hour({errors(4000, 60), errors(4000, 60)}).look(TaskMeasure::error_ratio, none));    // 1.5 points
  EXPECT_FALSE(Hour({errors(4000, 360), errors(4000, 360)}).look(TaskMeasure::error_ratio, some));  // 5 % to 9 %
  EXPECT_TRUE(Hour({errors(4000, 440), errors(4000, 440)}).look(TaskMeasure::error_ratio, some));
}

TEST(ChangePoint, what_scatters_more_needs_more_evidence) {
  const Hour hour({errors(100, 12), errors(100, 12)});
  const Usual usual{.value = 0.02};
  EXPECT_TRUE(hour.look(TaskMeasure::error_ratio, usual));
  EXPECT_FALSE(hour.look(TaskMeasure::error_ratio, usual, Noise{.block = 4, .hour = 4}));
}

TEST(ChangePoint, noise_is_learned_and_bounded_and_never_below_a_binomial) {
  Noise noise;
  EXPECT_EQ(noise.over(1), 1);
  for (int i = 0; i < 3000; ++i) noise.learn(0.2, 9);
  EXPECT_EQ(noise.over(1), 1);
  EXPECT_NEAR(noise.over(12), 9, 0.2);
  EXPECT_LT(noise.over(4), noise.over(8));
  for (int i = 0; i < 3000; ++i) noise.learn(1e9, 1e9);
  EXPECT_LE(noise.over(12), double(Noise::kWildest));
}

// All tasks take 1.0 s, then 1.06 s: over the bound 1.024 s, so every one of them falls into the next bucket.
TEST(ChangePoint, crossing_the_bound_of_a_bucket_is_no_doubling) {
  TaskTally past, now;
  for (int i = 0; i < 500; ++i) past.add(of({1.0}));
  for (int i = 0; i < 100; ++i) now.add(of({1.06}));
  for (const TaskMeasure what : {TaskMeasure::duration_p50, TaskMeasure::duration_p95})
    EXPECT_FALSE(Hour({now, now, now}).look(what, *usual_of(what, past)));
  TaskTally twice;
  for (int i = 0; i < 100; ++i) twice.add(of({2.1}));
  EXPECT_TRUE(Hour({twice, twice, twice}).look(TaskMeasure::duration_p50, *usual_of(TaskMeasure::duration_p50, past)));
}

TEST(ChangePoint, what_the_siblings_did_as_well_is_usual) {
  const Usual usual =
      moved(TaskMeasure::duration_p95, {.value = 2, .mean = 1}, {.value = 1, .mean = 1}, {.value = 3, .mean = 2});
  EXPECT_EQ(usual.value, 6);
  EXPECT_EQ(usual.mean, 2);
  EXPECT_EQ(moved(TaskMeasure::duration_p95, {.value = 2}, {.value = 3}, {.value = 1}).value, 2);  // never less
  EXPECT_NEAR(moved(TaskMeasure::error_ratio, {.value = 0.01}, {.value = 0.02}, {.value = 0.06}).value, 0.05, 1e-9);
}

}  // namespace
}  // namespace paramedic
