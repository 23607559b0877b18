// Alarms over stored days beside the incidents of that time.
#include "app/backtest/backtest.h"

#include <filesystem>
#include <random>

#include <gtest/gtest.h>

namespace paramedic::backtest {
namespace {

namespace fs = std::filesystem;

struct BacktestTest : testing::Test {
  BacktestTest() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-backtest-XXXXXX").string();
    dir = ::mkdtemp(pattern.data());
    history = std::move(*open_sqlite_history({.data_dir = dir.string()}));
    ledger = std::move(*open_sqlite_ledger({.data_dir = dir.string(), .reserve_bytes = 0}));
  }
  ~BacktestTest() override {
    history.reset();
    ledger.reset();
    std::error_code ignored;
    fs::remove_all(dir, ignored);
  }
  // A row each minute; the first worker's memory is a line from `from` on.
  void fill(Duration length, Duration from, double per_hour, int workers = 2) {
    std::mt19937 random(3);
    std::uniform_real_distribution<> noise(-0.5, 0.5);
    for (Duration t{0}; t < length; t += 1min) {
      std::vector<HistoryRow> rows;
      for (int i = 0; i < workers; ++i) {
        const double hours = i == 0 ? std::max(0.0, to_seconds(t - from) / 3600) : 0;
        rows.push_back({"w-" + std::to_string(i), t0 + t, Status::healthy, 1.0, {names, {30 + hours * per_hour + noise(random)}}});
      }
      history->append(std::move(rows));
      if (t % 1h == Duration{0}) {
        ASSERT_TRUE(history->flush());
      }
    }
    ASSERT_TRUE(history->flush());
  }
  void alert(const std::string& worker, Reason reason, Duration from, Duration to) {
    Alert alert{.key = "worker/" + worker + "/x/" + std::string(to_string(reason)),
                .state = AlertState::resolved,
                .severity = Severity::critical,
                .reason = reason,
                .worker_id = worker,
                .pool = "thumbs",
                .started_at = t0 + from,
                .ended_at = t0 + to};
    const std::vector<LedgerEntry> entries{{t0 + from, alert}};
    ASSERT_TRUE(ledger->commit(entries));
  }
  BacktestResult run(Duration from, Duration to) {
    auto result = backtest({.history = history.get(), .ledger = ledger.get(), .from = t0 + from, .to = t0 + to});
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : BacktestResult{};
  }
  const Alarm* forecast(const BacktestResult& result) {
    for (const Alarm& alarm : result.alarms)
      if (alarm.kind == AlarmKind::forecast) return &alarm;
    return nullptr;
  }

  fs::path dir;
  std::unique_ptr<History> history;
  std::unique_ptr<Ledger> ledger;
  std::shared_ptr<const MetricNames> names = std::make_shared<const MetricNames>(MetricNames{"memory_percent"});
  const WallTime t0{std::chrono::hours(480'000)};
};

TEST_F(BacktestTest, a_leak_that_ended_in_an_incident_was_seen_ahead) {
  fill(56h, 24h, 2);  // 30 % at 24 h, 94 % at 56 h
  alert("w-0", Reason::memory_high, 55h, 56h);
  const BacktestResult result = run(24h, 57h);
  const Alarm* alarm = forecast(result);
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->worker_id, "w-0");
  EXPECT_EQ(alarm->metric, "memory_percent");
  EXPECT_EQ(alarm->outcome, Outcome::ahead) << alarm->text;
  EXPECT_EQ(alarm->incident, "memory_high");
  EXPECT_GT(alarm->lead, 1h);
  EXPECT_LT(alarm->lead, 6h);
  const KindResult& forecasts = result.kinds.at(AlarmKind::forecast);
  EXPECT_EQ(forecasts.ahead, 1);
  EXPECT_EQ(forecasts.wrong, 0);
  EXPECT_EQ(forecasts.precision(), 1);
  ASSERT_EQ(result.incidents.size(), 1u);
  EXPECT_TRUE(result.incidents[0].seen_by_forecast);
  EXPECT_NEAR(result.worker_weeks, 2 * 32.0 / 168, 0.02) << "of the time asked for, not of the learning before it";
  EXPECT_EQ(result.workers, 2u);
}

TEST_F(BacktestTest, an_incident_of_another_kind_or_worker_does_not_make_it_right) {
  fill(62h, 24h, 1.95);
  alert("w-0", Reason::slow_tasks, 55h, 56h);
  alert("w-1", Reason::memory_high, 55h, 56h);
  alert("w-0", Reason::forecast, 54h, 56h);
  const BacktestResult result = run(24h, 63h);
  const Alarm* alarm = forecast(result);
  ASSERT_TRUE(alarm);
  EXPECT_NE(alarm->outcome, Outcome::ahead) << alarm->incident;
  EXPECT_EQ(result.incidents.size(), 2u) << "what the analysis said itself is none";
}

TEST_F(BacktestTest, an_alarm_near_the_end_is_still_open) {
  fill(54h, 24h, 2);
  const BacktestResult result = run(24h, 54h);
  const Alarm* alarm = forecast(result);
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->outcome, Outcome::open);
}

TEST_F(BacktestTest, an_incident_that_had_begun_was_not_foreseen) {
  fill(56h, 24h, 2);
  alert("w-0", Reason::memory_high, 30h, 57h);
  const Alarm* alarm = nullptr;
  const BacktestResult result = run(24h, 57h);
  alarm = forecast(result);
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->outcome, Outcome::during);
}

TEST_F(BacktestTest, calm_days_raise_no_forecast_and_say_so) {
  fill(40h, 400h, 0, 3);
  const BacktestResult result = run(26h, 41h);
  EXPECT_FALSE(forecast(result));
  EXPECT_FALSE(result.remarks.empty());
  EXPECT_GT(result.samples, 0u);
}

TEST_F(BacktestTest, says_when_nothing_is_stored) {
  const auto result = backtest({.history = history.get(), .ledger = ledger.get(), .from = t0, .to = t0 + 1h});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::not_found);
}

TEST(Foretells, each_forecast_speaks_of_its_own_kind) {
  EXPECT_TRUE(foretells("memory_percent", Reason::memory_high));
  EXPECT_TRUE(foretells("memory_percent", Reason::exited));
  EXPECT_FALSE(foretells("memory_percent", Reason::disk_usage_high));
  EXPECT_TRUE(foretells("disk_percent", Reason::inodes_high));
  EXPECT_FALSE(foretells("cpu_percent", Reason::cpu_high)) << "nothing is forecast of it";
}

}  // namespace
}  // namespace paramedic::backtest
