#include "core/analysis/metric_forecast.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/analysis/forecast_columns.h"
#include "core/analysis/forecast_series.h"

namespace paramedic {
namespace {

using namespace forecast_tests;

// Two usual days, then `after`, whose minutes count from 0.
std::vector<double> after_two_days(double level, double noise, int minutes, const Series& after, unsigned seed = 1) {
  return make(
      2 * kDay + minutes, [&](int i) { return i < 2 * kDay ? level : after(i - 2 * kDay); }, noise, seed);
}

TEST(MetricForecast, tells_a_linear_leak_in_time) {
  const auto values = after_two_days(40, 0.3, 10 * kHour, [](int i) { return 40 + 55.0 * i / (10 * kHour); });
  const auto result = run(ForecastKind::memory, 95, values);
  ASSERT_EQ(result.alerts, 1);
  EXPECT_TRUE(result.standing);
  const int left = 2 * kDay + 10 * kHour - *result.first_alert;
  EXPECT_GT(left, 2 * kHour);
  const Forecast& f = *result.at_alert;
  EXPECT_TRUE(f.firm);
  EXPECT_NEAR(to_seconds(f.time_left()) / 60, left, 0.3 * left);
  EXPECT_NEAR(f.slope_per_hour, 5.5, 0.8);
  EXPECT_GT(f.probability, 0.8);
  EXPECT_LT(f.earliest, f.reaches_at);
  EXPECT_LT(f.reaches_at, f.latest);
  EXPECT_EQ(f.limit, 95);
  EXPECT_LT(f.rising_since, f.made_at);
}

TEST(MetricForecast, tells_an_accelerating_leak_in_time) {
  const auto grow = [](int i) {
    const double u = double(i) / (10 * kHour);
    return 40 + 55 * (0.25 * u + 0.75 * u * u);
  };
  const auto result = run(ForecastKind::memory, 95, after_two_days(40, 0.3, 10 * kHour, grow));
  ASSERT_EQ(result.alerts, 1);
  EXPECT_TRUE(result.standing);
  const int left = 2 * kDay + 10 * kHour - *result.first_alert;
  EXPECT_GT(left, kHour);
  EXPECT_NEAR(to_seconds(result.at_alert->time_left()) / 60, left, 0.4 * left);
}

TEST(MetricForecast, tells_a_leak_under_collected_garbage) {
  const auto leak = [](int i) { return 25 + 20 * saw(i, 40) + std::max(0, i - 2 * kDay) * 55.0 / (14 * kHour); };
  const auto result = run(ForecastKind::memory, 95, make(2 * kDay + 12 * kHour, leak, 0.3));
  EXPECT_GE(result.alerts, 1);
  EXPECT_TRUE(result.standing);
}

TEST(MetricForecast, says_nothing_of_a_garbage_sawtooth) {
  for (const int period : {7, 40, 90, 300}) {
    const auto values = make(
        4 * kDay, [&](int i) { return 30 + 35 * saw(i, period); }, 0.3);
    EXPECT_EQ(run(ForecastKind::memory, 95, values).alerts, 0) << period;
  }
}

TEST(MetricForecast, says_nothing_of_rotated_logs_and_of_planned_restarts) {
  for (const int period : {6 * kHour, 10 * kHour, kDay}) {
    const auto values = make(
        6 * kDay, [&](int i) { return 45 + 25 * saw(i, period); }, 0.05);
    EXPECT_EQ(run(ForecastKind::disk, 95, values).alerts, 0) << period;
  }
}

TEST(MetricForecast, says_nothing_of_a_warm_up) {
  for (const int tau : {30, 120, 600}) {
    const auto settle = [&](int i) { return 30 + 40 * (1 - std::exp(-double(i) / tau)); };
    EXPECT_EQ(run(ForecastKind::memory, 95, make(2 * kDay, settle, 0.3)).alerts, 0) << tau;            // at first
    EXPECT_EQ(run(ForecastKind::memory, 95, after_two_days(30, 0.3, kDay, settle)).alerts, 0) << tau;  // a new cache
  }
}

TEST(MetricForecast, says_nothing_of_daily_cycles_steps_and_spikes) {
  const auto daily = [](int i) { return 50 + 25 * std::sin(2 * M_PI * i / kDay); };
  EXPECT_EQ(run(ForecastKind::memory, 95, make(5 * kDay, daily, 0.5)).alerts, 0);
  EXPECT_EQ(run(ForecastKind::memory, 95, after_two_days(40, 0.3, kDay, [](int) { return 75; })).alerts, 0);
  const auto spikes = [](int i) { return i % 400 < 2 ? 900.0 : 100.0; };
  EXPECT_EQ(run(ForecastKind::latency, 1000, make(3 * kDay, spikes, 5)).alerts, 0);
}

TEST(MetricForecast, says_nothing_of_bursts_that_happened_before) {
  const auto bursts = [](int i) {
    const int k = i % (9 * kHour);
    return k < 2 * kHour ? 40 + 40.0 * k / (2 * kHour) : 40.0;
  };
  EXPECT_EQ(run(ForecastKind::memory, 95, make(5 * kDay, bursts, 0.3)).alerts, 0);
}

TEST(MetricForecast, is_silent_without_a_day_of_history) {
  const auto values = make(
      18 * kHour, [](int i) { return 30 + 60.0 * i / (18 * kHour); }, 0.3);
  EXPECT_EQ(run(ForecastKind::memory, 95, values).alerts, 0);
}

TEST(MetricForecast, follows_latency_and_heartbeat_by_factors) {
  const auto slower = [](int i) { return 100 * std::pow(10, double(i) / (6 * kHour)); };
  const auto late = run(ForecastKind::latency, 1000, after_two_days(100, 5, 6 * kHour, slower));
  ASSERT_EQ(late.alerts, 1);
  EXPECT_GT(2 * kDay + 6 * kHour - *late.first_alert, kHour);
  const auto stumble = [](int i) { return 10.3 + 0.3 * std::pow(60, double(i) / (5 * kHour)); };
  const auto heart = run(ForecastKind::heartbeat_jitter, 30, after_two_days(10.3, 0.1, 5 * kHour, stumble));
  EXPECT_EQ(heart.alerts, 1);
  EXPECT_TRUE(heart.standing);
  EXPECT_GT(heart.at_alert->slope_per_hour, 0);
}

TEST(MetricForecast, an_alert_ends_when_the_rise_does) {
  const auto stops = [](int i) { return 40 + 5.0 * std::min(i, 9 * kHour) / kHour; };
  MetricForecast forecast(ForecastKind::memory, 95);
  const auto result = run(forecast, after_two_days(40, 0.3, 9 * kHour, stops));
  EXPECT_TRUE(result.standing);
  const auto flat = run(forecast,
                        make(
                            6 * kHour, [](int) { return 85; }, 0.3, 2),
                        kStart + 57h);
  EXPECT_FALSE(flat.standing);
  EXPECT_EQ(flat.alerts, 0);
}

TEST(MetricForecast, says_so_when_the_limit_is_reached_and_forgets_that_peak_as_a_measure) {
  const auto leak = [](int i) { return std::min(97.0, 40 + 6.0 * i / kHour); };
  MetricForecast forecast(ForecastKind::disk, 95);
  const auto full = run(forecast, after_two_days(40, 0.3, 12 * kHour, leak));
  ASSERT_TRUE(full.last);
  EXPECT_EQ(full.last->time_left(), Duration{0});
  EXPECT_EQ(full.last->probability, 1);
  // Somebody makes room; three days later it fills again, and is told again before the end.
  const auto again = [](int i) { return i < 3 * kDay ? 40 : 40 + 6.0 * (i - 3 * kDay) / kHour; };
  const auto second = run(forecast, make(3 * kDay + 9 * kHour, again, 0.3, 5), kStart + 60h);
  EXPECT_EQ(second.alerts, 1);
  EXPECT_LT(second.at_alert->level, 92);
}

TEST(MetricForecast, a_restart_begins_a_new_trend_of_a_process_but_not_of_its_host) {
  const auto leak = after_two_days(40, 0.3, 8 * kHour, [](int i) { return 40 + 5.5 * i / kHour; });
  MetricForecast process(ForecastKind::memory, 95), host(ForecastKind::disk, 95);
  EXPECT_TRUE(run(process, leak).standing);
  EXPECT_TRUE(run(host, leak).standing);
  process.restarted();
  host.restarted();
  EXPECT_FALSE(process.alert());
  EXPECT_FALSE(process.forecast("m"));
  EXPECT_TRUE(host.alert());
}

// It leaks, dies near its limit, and leaks again: the height it died at is no proof that it is harmless there.
TEST(MetricForecast, tells_the_next_life_of_a_leaking_worker_as_well) {
  MetricForecast forecast(ForecastKind::memory, 95);
  run(forecast, after_two_days(40, 0.3, 10 * kHour, [](int i) { return 40 + 5.4 * i / kHour; }));
  WallTime at = kStart + 58h;
  for (int life = 0; life < 3; ++life) {
    forecast.restarted();
    const auto result = run(forecast,
                            make(
                                10 * kHour, [](int i) { return 40 + 5.4 * i / kHour; }, 0.3, unsigned(life) + 9),
                            at);
    EXPECT_EQ(result.alerts, 1) << life;
    EXPECT_TRUE(result.standing) << life;
    at += 10h;
  }
}

// Drops that come regularly from a harmless height are learned, beyond what the record of eight days holds.
TEST(MetricForecast, learns_the_peak_of_a_slow_sawtooth) {
  const auto values = make(
      40 * kDay, [&](int i) { return 20 + 45 * saw(i, 9 * kDay); }, 0.3);
  EXPECT_EQ(run(ForecastKind::disk, 95, values).alerts, 0);
}

TEST(MetricForecast, labels_a_young_rise_as_a_possible_burst) {
  const auto fast =
      run(ForecastKind::disk, 95, after_two_days(40, 0.1, 2 * kHour, [](int i) { return 40 + 25.0 * i / kHour; }));
  ASSERT_TRUE(fast.at_alert);
  EXPECT_TRUE(fast.at_alert->may_be_burst);
  EXPECT_FALSE(fast.at_alert->worth_acting());
  const auto slow =
      run(ForecastKind::disk, 95, after_two_days(40, 0.1, 20 * kHour, [](int i) { return 40 + 2.5 * i / kHour; }));
  ASSERT_TRUE(slow.at_alert);
  EXPECT_FALSE(slow.at_alert->may_be_burst);
  EXPECT_TRUE(slow.at_alert->worth_acting());
}

TEST(MetricForecast, keeps_its_trend_under_a_new_limit) {
  const auto leak = after_two_days(40, 0.3, 8 * kHour, [](int i) { return 40 + 3.0 * i / kHour; });
  MetricForecast forecast(ForecastKind::memory, 95);
  run(forecast, leak);
  const auto before = forecast.forecast("m");
  ASSERT_TRUE(before);
  forecast.set_limit(80);
  run(forecast,
      make(
          30, [](int i) { return 64 + 3.0 * i / kHour; }, 0.3),
      kStart + 56h);
  const auto after = forecast.forecast("m");
  ASSERT_TRUE(after);
  EXPECT_LT(after->reaches_at, before->reaches_at - 3h);
  forecast.set_limit(8000);  // another unit, it seems
  EXPECT_FALSE(forecast.forecast("m"));
}

TEST(MetricForecast, bears_gaps_and_clock_steps_in_the_middle_of_a_leak) {
  const auto value = [](int i) { return 40 + std::max(0, i - 2 * kDay) * 5.0 / kHour; };
  for (const Duration step : {-3h, 0h, 5h}) {
    MetricForecast forecast(ForecastKind::memory, 95);
    const auto values = make(2 * kDay + 10 * kHour, value, 0.3);
    for (int i = 0; i < int(values.size()); ++i) {
      if (i > 2 * kDay + 2 * kHour && i < 2 * kDay + 2 * kHour + 40) continue;  // samples are lost
      forecast.add(kStart + i * 1min + (i > 2 * kDay + 3 * kHour ? step : 0h), values[std::size_t(i)]);
    }
    EXPECT_TRUE(forecast.alert()) << to_seconds(step);
  }
}

TEST(MetricForecast, says_nothing_of_constant_and_of_absurd_values) {
  for (const double v : {0.0, 50.0, 94.9, -3.0, 5e-324}) {
    const auto result = run(ForecastKind::memory, 95, make(2 * kDay, [&](int) { return v; }));
    EXPECT_EQ(result.alerts, 0) << v;
    EXPECT_FALSE(result.last) << v;
  }
}

// Garbage of every kind, and times that jump: never a crash, never a number that is none.
void feed_garbage(MetricForecast& forecast, const std::vector<std::pair<std::int64_t, double>>& samples) {
  std::int64_t at = 1'795'000'000;
  for (const auto& [step, value] : samples) {
    at = std::clamp<std::int64_t>(at + step, -9'200'000'000, 9'200'000'000);  // what a WallTime can hold
    forecast.add(WallTime{std::chrono::seconds(at)}, value);
    RC_ASSERT(forecast.valid());
    if (const auto f = forecast.forecast("m")) {
      RC_ASSERT(std::isfinite(f->level) && std::isfinite(f->slope_per_hour) && std::isfinite(f->spread));
      RC_ASSERT(f->probability >= 0 && f->probability <= 1);
      RC_ASSERT(f->made_at <= f->reaches_at && f->earliest <= f->latest);
    }
  }
}

rc::Gen<double> any_value() {
  const double inf = std::numeric_limits<double>::infinity();
  return rc::gen::weightedOneOf<double>(
      {{6, rc::gen::map(rc::gen::inRange(0, 1000), [](int v) { return v / 10.0; })},
       {1, rc::gen::element(inf, -inf, std::nan(""), 1.7e308, -1.7e308, 5e-324, 0.0, -1.0, 1e30)},
       {1, rc::gen::arbitrary<double>()}});
}
rc::Gen<std::int64_t> any_step() {
  return rc::gen::weightedOneOf<std::int64_t>({{20, rc::gen::inRange<std::int64_t>(1, 400)},
                                               {1, rc::gen::inRange<std::int64_t>(-10'000, 10'000)},
                                               {1, rc::gen::inRange<std::int64_t>(-9'000'000'00, 9'000'000'00)}});
}

RC_GTEST_PROP(MetricForecastProperty, garbage_never_breaks_it, ()) {
  const auto kind = static_cast<ForecastKind>(*rc::gen::inRange(0, int(kEnumCount<ForecastKind>)));
  MetricForecast forecast(kind, *rc::gen::element(1e-6, 0.1, 95.0, 1e12));
  const auto size = *rc::gen::inRange(100, 1500);
  feed_garbage(forecast, *rc::gen::container<std::vector<std::pair<std::int64_t, double>>>(
                             std::size_t(size), rc::gen::pair(any_step(), any_value())));
}

// What comes later changes nothing that was said before.
RC_GTEST_PROP(MetricForecastProperty, the_future_changes_nothing_said_before, ()) {
  const auto values = *rc::gen::container<std::vector<double>>(600, any_value());
  const auto cut = std::size_t(*rc::gen::inRange(100, 599));
  ForecastColumns whole(95), other(95);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const WallTime at = kStart + int(i) * 5min;
    const std::string said(whole.add(at, values[i]));
    if (i < cut)
      RC_ASSERT(said == other.add(at, values[i]));
    else
      other.add(at, values[values.size() - 1 - i + cut]);
  }
}

TEST(ForecastColumns, tell_what_was_known_with_the_sample) {
  ForecastColumns columns(95);
  EXPECT_EQ(columns.add(kStart, 40), ",,,,0");
  const auto leak = after_two_days(40, 0.1, 8 * kHour, [](int i) { return 40 + 5.5 * i / kHour; });
  std::string last;
  for (std::size_t i = 0; i < leak.size(); ++i) last = columns.add(kStart + int(i) * 1min, leak[i]);
  EXPECT_EQ(last.back(), '1');
  EXPECT_NEAR(std::stod(last), 2 * 3600, 1200);
  EXPECT_EQ(std::count(last.begin(), last.end(), ','),
            std::count(ForecastColumns::kHeader.begin(), ForecastColumns::kHeader.end(), ','));
}

TEST(ForecastKinds, are_found_by_their_metric) {
  EXPECT_EQ(forecast_kind_of("memory_percent"), ForecastKind::memory);
  EXPECT_EQ(forecast_kind_of("cpu_percent"), std::nullopt);
  for (std::size_t i = 0; i < kEnumCount<ForecastKind>; ++i) {
    const auto kind = static_cast<ForecastKind>(i);
    EXPECT_EQ(forecast_kind_of(forecast_kind_info(kind).metric), kind);
    EXPECT_GT(forecast_kind_info(kind).horizon, 1h);
  }
}

}  // namespace
}  // namespace paramedic
