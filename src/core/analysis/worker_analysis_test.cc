#include "core/analysis/worker_analysis.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "core/analysis/series_for_test.h"

namespace paramedic {
namespace {

using testing::kStart;

// A worker with six metrics, one report every ten seconds.
struct Worker {
  explicit Worker(const std::string& id, AnalysisBudget& budget, unsigned seed = 1)
      : analysis(id, budget), dice(seed) {}

  WorkerReading report(double cpu = 0, PoolPeers* peers = nullptr, int told = 6) {
    at += 10s;
    std::normal_distribution<double> normal;
    const MetricValue all[] = {{"cpu_percent", 30 + 3 * normal(dice) + cpu},
                               {"memory_mb", 900 + 5 * normal(dice)},
                               {"error_rate", 0.01},
                               {"avg_duration_seconds", 0.8 + 0.05 * normal(dice)},
                               {"tasks_per_minute", 60 + 5 * normal(dice)},
                               {"rtt_ms", 3 + 0.2 * normal(dice)}};
    return analysis.update(at, std::span(all).first(std::size_t(told)), peers);
  }
  void learn(int rounds = 9000) {
    for (int i = 0; i < rounds; ++i) report();
  }
  WorkerAnalysis analysis;
  std::mt19937 dice;
  WallTime at = kStart;
};

TEST(WorkerAnalysis, explains_what_is_unusual) {
  AnalysisBudget budget;
  Worker w("w", budget);
  w.learn();
  w.report(65);
  const auto reading = w.report(66);
  ASSERT_EQ(reading.anomalies.size(), 1u);
  const Anomaly& a = reading.anomalies[0];
  EXPECT_EQ(a.metric, "cpu_percent");
  EXPECT_NEAR(a.observed, 96, 12);
  EXPECT_NEAR(a.expected_low, 22, 4);
  EXPECT_NEAR(a.expected_high, 38, 4);
  EXPECT_GT(a.one_in(), 3000);
  EXPECT_EQ(a.since, w.at - 10s);
  EXPECT_TRUE(a.may_notify);
  EXPECT_EQ(a.peers, PeerOpinion::unknown);
  ASSERT_FALSE(a.top.empty());
  EXPECT_EQ(a.top[0].metric, "cpu_percent");
  EXPECT_NE(a.words(w.at).find("is far above its usual"), std::string::npos) << a.words(w.at);
}

TEST(WorkerAnalysis, what_lasts_becomes_a_warning_and_ends) {
  AnalysisBudget budget;
  Worker w("w", budget);
  w.learn();
  AnomalyLevel worst = AnomalyLevel::usual;
  for (int i = 0; i < 12; ++i) worst = std::max(worst, w.report(65).score.level);
  EXPECT_NE(worst, AnomalyLevel::usual);
  WorkerReading last;
  for (int i = 0; i < 120; ++i) last = w.report();
  EXPECT_EQ(last.score.level, AnomalyLevel::usual);
  for (const Anomaly& a : last.anomalies) EXPECT_NE(a.metric, "cpu_percent");
}

TEST(WorkerAnalysis, a_peak_of_the_whole_pool_is_told_as_such_and_not_held_against_it) {
  AnalysisBudget budget;
  PoolPeers peers;
  std::vector<std::unique_ptr<Worker>> pool;
  for (unsigned i = 0; i < 8; ++i) pool.push_back(std::make_unique<Worker>("w" + std::to_string(i), budget, i + 1));
  for (int i = 0; i < 3000; ++i)
    for (auto& w : pool) w->report(0, &peers);
  const auto rounds = [&](int count, double one, double others) {
    AnomalyLevel worst = AnomalyLevel::usual;
    bool alike = false;
    for (int i = 0; i < count; ++i)
      for (auto& w : pool) {
        const auto reading = w->report(w == pool[3] ? one : others, &peers);
        worst = std::max(worst, reading.score.level);
        for (const Anomaly& a : reading.anomalies) alike |= a.peers == PeerOpinion::alike;
      }
    return std::pair(worst, alike);
  };
  EXPECT_NE(rounds(30, 60, 0).first, AnomalyLevel::usual) << "one alone";
  rounds(600, 0, 0);
  const auto [worst, alike] = rounds(30, 120, 120);
  EXPECT_EQ(worst, AnomalyLevel::usual);
  EXPECT_TRUE(alike);
}

TEST(WorkerAnalysis, the_four_most_telling_are_watched_in_full_within_16_kib) {
  AnalysisBudget budget;
  WorkerAnalysis analysis("w", budget);
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) names.push_back("a_metric_with_a_rather_long_name_" + std::to_string(i));
  std::vector<MetricValue> first;
  for (const auto& name : names) first.push_back({name, 1});
  analysis.update(kStart, std::span(first).first(15), nullptr);
  EXPECT_EQ(analysis.full_series(), 4u);
  const MetricValue better[] = {{"memory_mb", 1}, {"cpu_percent", 1}};
  analysis.update(kStart + 10s, better, nullptr);
  EXPECT_EQ(analysis.full_series(), 4u) << "two others went back to the small form";
  analysis.update(kStart + 20s, first, nullptr);
  EXPECT_EQ(analysis.series(), WorkerAnalysis::kMaxSeries);
  EXPECT_GT(analysis.unwatched(), 0u);
  EXPECT_LE(analysis.bytes(), WorkerAnalysis::kMaxBytes);
  EXPECT_EQ(budget.used(), 4 * sizeof(AnomalyDetector) + 16 * sizeof(LightDetector));
}

TEST(WorkerAnalysis, metrics_named_by_people_come_first) {
  AnalysisBudget budget;
  WorkerAnalysis analysis("w", budget, {"mine"});
  const MetricValue values[] = {
      {"memory_mb", 1}, {"avg_duration_seconds", 1}, {"error_rate", 1}, {"cpu_percent", 1}, {"mine", 1}};
  analysis.update(kStart, values, nullptr);
  EXPECT_EQ(analysis.full_series(), 4u);
  // cpu_percent, the last of the four, made room.
  EXPECT_EQ(analysis.degrade(), sizeof(AnomalyDetector) - sizeof(LightDetector));
  for (int i = 0; i < 3; ++i) EXPECT_GT(analysis.degrade(), 0u);
  EXPECT_EQ(analysis.degrade(), 0u);
}

TEST(WorkerAnalysis, the_budget_of_the_fleet_degrades_first_and_refuses_last) {
  AnalysisBudget budget(8 * sizeof(AnomalyDetector));
  std::vector<std::unique_ptr<WorkerAnalysis>> fleet;
  const MetricValue values[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
  for (int i = 0; i < 20; ++i) {
    fleet.push_back(std::make_unique<WorkerAnalysis>("w" + std::to_string(i), budget));
    fleet.back()->update(kStart, values, nullptr);
    EXPECT_LE(budget.used(), budget.limit());
  }
  EXPECT_EQ(fleet[0]->full_series(), 4u);
  EXPECT_EQ(fleet[2]->full_series(), 0u);
  EXPECT_EQ(fleet[2]->series(), 4u);
  EXPECT_GT(budget.degraded(), 0u);
  EXPECT_GT(budget.refused(), 0u);
  budget.set_limit(budget.used() - 1);
  EXPECT_TRUE(budget.is_over());
  fleet[0]->degrade();
  EXPECT_FALSE(budget.is_over());
  fleet.clear();
  EXPECT_EQ(budget.used(), 0u);
}

TEST(WorkerAnalysis, a_new_life_inherits_and_a_new_version_learns_its_levels_anew) {
  AnalysisBudget budget;
  Worker old("w", budget);
  old.learn();
  Worker same("w", budget), changed("w", budget);
  same.at = changed.at = old.at;
  same.analysis.inherit(old.analysis, false);
  changed.analysis.inherit(old.analysis, true);
  EXPECT_FALSE(same.report(65).anomalies.empty()) << "at its first report";
  for (int i = 0; i < 80; ++i) EXPECT_TRUE(changed.report(65).anomalies.empty());
  EXPECT_LE(same.analysis.bytes(), WorkerAnalysis::kMaxBytes);
}

TEST(WorkerAnalysis, a_vanished_metric_is_told) {
  AnalysisBudget budget;
  Worker w("w", budget);
  w.learn();
  bool vanished = false;
  for (int i = 0; i < 3; ++i)
    for (const Anomaly& a : w.report(0, nullptr, 3).anomalies)
      vanished |= a.statistic == AnomalyStatistic::vanished && a.metric == "avg_duration_seconds";
  EXPECT_TRUE(vanished);
}

TEST(WorkerAnalysis, saved_and_loaded_it_continues_bit_equal) {
  AnalysisBudget budget;
  Worker w("w", budget);
  w.learn(4000);
  w.report(65);
  const std::string blob = w.analysis.save(w.at);
  Worker again("w", budget);
  ASSERT_EQ(again.analysis.load(blob).value(), w.at);
  EXPECT_EQ(again.analysis.save(w.at), blob);
  again.dice = w.dice;
  again.at = w.at;
  for (int i = 0; i < 500; ++i) {
    const auto a = w.report(i == 200 ? 50 : 0), b = again.report(i == 200 ? 50 : 0);
    ASSERT_EQ(a.score.score, b.score.score) << i;
    ASSERT_EQ(a.anomalies.size(), b.anomalies.size());
    for (std::size_t n = 0; n < a.anomalies.size(); ++n)
      ASSERT_EQ(a.anomalies[n].words(w.at), b.anomalies[n].words(w.at));
  }
  EXPECT_EQ(w.analysis.save(w.at), again.analysis.save(w.at));
}

TEST(WorkerAnalysis, a_damaged_blob_is_refused_and_changes_nothing) {
  AnalysisBudget budget;
  Worker w("w", budget);
  w.learn(200);
  const std::string blob = w.analysis.save(w.at);
  for (std::size_t size = 0; size < blob.size(); size += 13) EXPECT_FALSE(w.analysis.load(blob.substr(0, size)));
  EXPECT_FALSE(w.analysis.load(blob + "x"));
  std::string other = blob;
  other[0] = 9;
  EXPECT_EQ(w.analysis.load(other).error().code, Errc::corrupt);
  EXPECT_EQ(w.analysis.save(w.at), blob);
}

TEST(WorkerAnalysis, an_hour_of_garbage_yields_no_nan_and_stays_bounded) {
  AnalysisBudget budget;
  WorkerAnalysis analysis("w", budget);
  PoolPeers peers;
  std::mt19937 dice(5);
  const double kValues[] = {
      0, 1, -1e30, 1e300, 1e-310, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
      7, 7, 7};
  WallTime at = kStart;
  for (int i = 0; i < 3600; ++i) {
    at += dice() % 50 == 0 ? -1h : Duration(std::chrono::seconds(dice() % 3));
    std::vector<std::string> names;
    for (int n = 0; n < 8; ++n) names.push_back(std::string(dice() % 70, char('a' + dice() % 26)));
    std::vector<MetricValue> values;
    for (const auto& name : names) values.push_back({name, kValues[dice() % std::size(kValues)]});
    const auto reading = analysis.update(at, values, &peers);
    ASSERT_TRUE(std::isfinite(reading.score.score) && std::isfinite(reading.score.health));
    for (const Anomaly& a : reading.anomalies)
      ASSERT_TRUE(std::isfinite(a.score) && std::isfinite(a.expected_low) && std::isfinite(a.one_in()));
    ASSERT_LE(analysis.bytes(), WorkerAnalysis::kMaxBytes);
  }
  Worker other("w", budget);
  EXPECT_TRUE(other.analysis.load(analysis.save(at))) << "what it writes it reads";
}

}  // namespace
}  // namespace paramedic
