#include "core/analysis/worker_score.h"

#include <array>

#include <gtest/gtest.h>

#include "core/analysis/pool_peers.h"
#include "core/analysis/series_for_test.h"

namespace paramedic {
namespace {

using testing::kStart;

class WorkerScoreTest : public ::testing::Test {
 protected:
  WorkerScoreReading round(std::array<float, 3> evidence) {
    at_ += 10s;
    return score_.update(at_, evidence);
  }
  void learn(int rounds = 8640) {
    std::exponential_distribution<float> usual(2.3F);  // a tenth of them above 1: as rarities are
    for (int i = 0; i < rounds; ++i) round({usual(dice_), usual(dice_), usual(dice_)});
  }
  std::mt19937 dice_{4};
  WorkerScore score_;
  WallTime at_ = kStart;
};

TEST_F(WorkerScoreTest, is_silent_in_the_first_quarter_of_an_hour) {
  EXPECT_FALSE(round({9, 9, 9}).scored);
  EXPECT_EQ(round({9, 9, 9}).health, 100);
}

TEST_F(WorkerScoreTest, one_sample_is_no_warning_three_of_five_are) {
  learn();
  EXPECT_EQ(round({6, 0, 0}).level, AnomalyLevel::usual);
  EXPECT_EQ(round({0, 0, 0}).level, AnomalyLevel::usual);
  EXPECT_EQ(round({6, 0, 0}).level, AnomalyLevel::usual);
  const auto third = round({6, 0, 0});
  EXPECT_EQ(third.level, AnomalyLevel::warning);
  EXPECT_LT(third.health, 65);
  for (int i = 0; i < 3; ++i) round({0, 0, 0});
  EXPECT_EQ(round({0, 0, 0}).level, AnomalyLevel::usual);
}

TEST_F(WorkerScoreTest, two_metrics_make_it_critical) {
  learn();
  for (int i = 0; i < 2; ++i) round({6, 5, 0});
  EXPECT_EQ(round({6, 5, 0}).level, AnomalyLevel::critical);
}

TEST_F(WorkerScoreTest, a_rarity_of_one_in_a_hundred_thousand_makes_it_critical) {
  learn();
  for (int i = 0; i < 2; ++i) round({30, 0, 0});
  const auto third = round({30, 0, 0});
  EXPECT_GE(third.score, WorkerScore::kCritical);
  EXPECT_EQ(third.level, AnomalyLevel::critical);
}

TEST_F(WorkerScoreTest, many_that_are_a_little_off_add_up) {
  learn();
  float most = 0;
  for (int i = 0; i < 60; ++i) most = std::max(most, round({2.2F, 2.2F, 2.2F}).score);
  EXPECT_GT(most, WorkerScore::kWarning) << "none of them would do it alone";
}

TEST_F(WorkerScoreTest, where_nothing_was_ever_unusual_a_trifle_is_no_anomaly) {
  for (int i = 0; i < 8640; ++i) round({0, 0, 0});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(round({1.5F, 0, 0}).level, AnomalyLevel::usual);
}

TEST_F(WorkerScoreTest, a_usual_day_brings_no_warning) {
  learn();
  int warnings = 0;
  std::exponential_distribution<float> usual(2.3F);
  for (int i = 0; i < 8640; ++i)
    warnings += round({usual(dice_), usual(dice_), usual(dice_)}).level != AnomalyLevel::usual ? 1 : 0;
  EXPECT_EQ(warnings, 0);
}

TEST(PoolPeers, fewer_than_five_cannot_tell) {
  PoolPeers peers;
  for (std::uint64_t w = 0; w < 4; ++w) peers.tell("m", w, 0, 0, kStart);
  EXPECT_EQ(peers.opinion("m", 9, 9, kStart), PeerOpinion::unknown);
  EXPECT_EQ(peers.opinion("other", 9, 9, kStart), PeerOpinion::unknown);
  peers.tell("m", 4, 0, 0, kStart + 3s);
  EXPECT_EQ(peers.opinion("m", 9, 9, kStart + 3s), PeerOpinion::differ);
  EXPECT_EQ(peers.opinion("m", 9, 9, kStart + 10min), PeerOpinion::unknown) << "what they said is old";
}

TEST(PoolPeers, a_load_peak_of_all_is_not_the_fault_of_one) {
  PoolPeers peers;
  std::mt19937 dice(1);
  std::normal_distribution<float> normal;
  for (std::uint64_t w = 0; w < 30; ++w) peers.tell("cpu_percent", w, 20 + 2 * normal(dice), 6 + normal(dice), kStart);
  EXPECT_EQ(peers.opinion("cpu_percent", 22, 7, kStart), PeerOpinion::alike);
  EXPECT_EQ(peers.opinion("cpu_percent", 60, 7, kStart), PeerOpinion::differ);
  EXPECT_EQ(peers.opinion("cpu_percent", 0, 1, kStart), PeerOpinion::differ) << "the one that the peak does not reach";
}

TEST(PoolPeers, memory_is_bounded) {
  PoolPeers peers;
  for (int i = 0; i < 1000; ++i)
    for (std::uint64_t w = 0; w < 100; ++w) peers.tell("metric" + std::to_string(i), w * 7919, 0, 0, kStart);
  EXPECT_LE(peers.bytes(), 64u * 2000 * 2);
}

}  // namespace
}  // namespace paramedic
