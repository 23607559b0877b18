#include "core/analysis/fleet_analysis.h"

#include <random>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

struct Fleet {
  FleetAnalysis analysis;
  AnalysisSettings settings;
  std::vector<SavedState> states;
  std::shared_ptr<const MetricNames> names =
      std::make_shared<const MetricNames>(MetricNames{"cpu_percent", "disk_percent", "memory_mb", "memory_percent"});
  WallTime at{std::chrono::hours(480'000)};

  explicit Fleet(std::size_t bytes = AnalysisBudget::kDefaultBytes) : analysis(bytes) {}

  std::shared_ptr<const WorkerAnalysisView> tell(const std::string& id, std::vector<double> values,
                                                 const std::string& incarnation = "1") {
    const MetricSet metrics{names, std::move(values)};
    AnalysisSample sample{id, "thumbs", "h1", "1.0", incarnation, at, &metrics, {}};
    return analysis.update(sample, settings, states);
  }
  void live(const std::string& id, int rows, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<> noise(0, 1);
    for (int i = 0; i < rows; ++i, at += 30s) {
      std::vector<double> values;
      for (std::size_t m = 0; m < names->size(); ++m) values.push_back(30 + double(m) + noise(random));
      tell(id, std::move(values));
    }
  }
  FleetAnalysis::SettingsOf all() const {
    return [this](std::string_view) -> const AnalysisSettings& { return settings; };
  }
};

TEST(FleetAnalysis, a_worker_with_everything_stays_within_its_bytes) {
  Fleet fleet;
  MetricNames names{"avg_duration_seconds", "disk_percent", "error_rate", "gpu_memory_percent", "last_heartbeat_seconds",
                    "memory_percent", "queue_oldest_age_seconds", "temperature_celsius"};
  for (int i = 10; i < 24; ++i) names.push_back("x_metric_" + std::to_string(i));
  fleet.names = std::make_shared<const MetricNames>(names);
  fleet.settings.limits = {{"avg_duration_seconds", 100}, {"queue_oldest_age_seconds", 100}};
  fleet.live("w-1", 300, 1);
  EXPECT_LE(fleet.analysis.stats().bytes, WorkerAnalysis::kMaxBytes);
  EXPECT_GE(fleet.analysis.seconds_left("w-1", fleet.at).size(), 4u) << "and forecasts what fits";
  EXPECT_LT(fleet.analysis.seconds_left("w-1", fleet.at).size(), 8u);
}

TEST(FleetAnalysis, what_is_taken_back_is_what_was_saved) {
  Fleet fleet;
  fleet.live("w-1", 500, 1);
  fleet.live("w-2", 500, 2);
  const auto saved = fleet.analysis.save(fleet.at);
  ASSERT_EQ(saved.size(), 2u);
  Fleet next;
  for (const SavedState& state : saved) {
    const auto done = next.analysis.restore(state.name, state.bytes, fleet.at, next.all());
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_FALSE(next.analysis.restore(state.name, state.bytes, fleet.at, next.all())) << "only once";
  }
  const auto again = next.analysis.save(fleet.at);
  ASSERT_EQ(again.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again[i].name, saved[i].name);
    EXPECT_TRUE(again[i].bytes == saved[i].bytes) << again[i].name;
  }
  EXPECT_EQ(next.analysis.stats().bytes, fleet.analysis.stats().bytes);
}

TEST(FleetAnalysis, a_damaged_state_is_refused_whole_and_costs_nothing) {
  Fleet fleet;
  fleet.live("w-1", 200, 1);
  const std::string good = fleet.analysis.save(fleet.at).at(0).bytes;
  Fleet next;
  for (std::size_t cut = 0; cut < good.size(); cut += 97)
    EXPECT_FALSE(next.analysis.restore("worker/w-1", std::string_view(good).substr(0, cut), fleet.at, next.all()));
  EXPECT_FALSE(next.analysis.restore("worker/w-1", good + "x", fleet.at, next.all()));
  EXPECT_FALSE(next.analysis.restore("other/w-1", good, fleet.at, next.all()));
  EXPECT_EQ(next.analysis.stats().workers, 0u);
  EXPECT_EQ(next.analysis.stats().bytes, 0u);
  EXPECT_GT(next.analysis.stats().states_refused, 2u);
  EXPECT_TRUE(next.analysis.restore("worker/w-1", good, fleet.at, next.all()));
}

TEST(FleetAnalysis, states_come_once_an_hour_and_whoever_leaves_gives_its_bytes_back) {
  Fleet fleet;
  fleet.live("w-1", 3 * 120, 1);
  EXPECT_GE(fleet.states.size(), 3u);
  EXPECT_LE(fleet.states.size(), 4u);
  fleet.analysis.remove("w-1");
  EXPECT_EQ(fleet.analysis.stats().bytes, 0u);
  EXPECT_TRUE(fleet.analysis.scores("w-1").empty());
}

TEST(FleetAnalysis, a_small_budget_is_kept_and_counted) {
  Fleet fleet(4096);
  for (int i = 0; i < 5; ++i) fleet.live("w-" + std::to_string(i), 3, unsigned(i));
  EXPECT_LE(fleet.analysis.stats().bytes, 4096u);
  EXPECT_GT(fleet.analysis.stats().series_refused, 0u);
  fleet.analysis.set_limit(100);
  EXPECT_EQ(fleet.analysis.stats().limit_bytes, 100u);
}

}  // namespace
}  // namespace paramedic
