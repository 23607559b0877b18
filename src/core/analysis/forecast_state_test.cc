#include "core/analysis/forecast_state.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/analysis/forecast_series.h"

namespace paramedic {
namespace {

using namespace forecast_tests;

std::string bytes_of(const MetricForecast& forecast, WallTime as_of = kStart) {
  std::string out;
  put_forecast_state(out, forecast, as_of);
  return out;
}

std::vector<double> eventful(int minutes) {
  return make(
      minutes, [](int i) { return 30 + 20 * saw(i, 200) + (i > 2 * kDay ? (i - 2 * kDay) * 4.0 / kHour : 0); }, 0.5);
}

TEST(ForecastState, has_a_fixed_size_and_begins_with_version_kind_and_time) {
  const auto bytes = bytes_of(MetricForecast(ForecastKind::gpu_memory, 100), WallTime{258s});
  ASSERT_EQ(bytes.size(), kForecastStateBytes);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x01\x02\x02\x01\0\0\0\0\0\0", 10));
}

// Stored and taken back at any moment, it says bit for bit what it would have said anyhow.
TEST(ForecastState, goes_on_bit_equal_after_a_restart_of_the_monitor) {
  const auto values = eventful(2 * kDay + 12 * kHour);
  for (const auto kind : {ForecastKind::memory, ForecastKind::latency, ForecastKind::heartbeat_jitter}) {
    MetricForecast straight(kind, 95), restored(kind, 95);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const WallTime at = kStart + int(i) * 1min;
      straight.add(at, values[i]);
      restored.add(at, values[i]);
      if (i % 37 == 0) {
        auto stored = take_forecast_state(bytes_of(restored, at));
        ASSERT_TRUE(stored) << stored.error().message;
        ASSERT_EQ(bytes_of(straight), bytes_of(restored)) << i;
        ASSERT_EQ(stored->as_of, at);
        restored = stored->forecast;
      }
      ASSERT_EQ(straight.alert(), restored.alert()) << i;
    }
    EXPECT_EQ(bytes_of(straight), bytes_of(restored));
  }
}

TEST(ForecastState, refuses_what_it_did_not_write) {
  MetricForecast forecast(ForecastKind::memory, 95);
  run(forecast, eventful(kDay));
  const auto good = bytes_of(forecast);
  ASSERT_TRUE(take_forecast_state(good));
  EXPECT_FALSE(take_forecast_state({}));
  EXPECT_FALSE(take_forecast_state(good + "x"));
  EXPECT_FALSE(take_forecast_state(std::string_view(good).substr(0, good.size() - 1)));
  auto version = good, kind = good, unit = good;
  version[0] = 2;
  EXPECT_EQ(take_forecast_state(version).error().message, "stored forecast: version 2 instead of 1");
  kind[1] = 99;
  EXPECT_FALSE(take_forecast_state(kind));
  unit.replace(10, 8, 8, '\xFF');  // not a number
  EXPECT_EQ(take_forecast_state(unit).error().code, Errc::corrupt);
}

// Found by the fuzzer: a time made of no block would overflow.
TEST(ForecastState, refuses_an_outlook_of_a_series_that_has_no_block_yet) {
  std::ifstream in(PARAMEDIC_SOURCE_DIR "/tests/corpus/forecast_state_fuzz/outlook_without_blocks", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  ASSERT_EQ(bytes.size(), kForecastStateBytes);
  EXPECT_EQ(take_forecast_state(bytes).error().code, Errc::corrupt);
}

const std::string& good_state() {
  static const std::string good = [] {
    MetricForecast forecast(ForecastKind::memory, 95);
    run(forecast, eventful(2 * kDay + 6 * kHour));
    return bytes_of(forecast);
  }();
  return good;
}

// Refused, or it goes on without ever saying nonsense.
bool harmless(const std::string& bytes) {
  auto stored = take_forecast_state(bytes);
  if (!stored) return true;
  if (bytes_of(stored->forecast, stored->as_of) != bytes) return false;
  for (int i = 0; i < 200; ++i) {
    stored->forecast.add(kStart + 54h + i * 1min, 60 + i * 0.1);
    if (!stored->forecast.valid()) return false;
    const auto f = stored->forecast.forecast("m");
    if (f && !(std::isfinite(f->level) && f->probability >= 0 && f->probability <= 1)) return false;
  }
  return true;
}

// A count that its time contradicts, a mean that no sample makes: each byte one more, and all its bits set.
TEST(ForecastState, one_damaged_byte_is_refused_or_harmless) {
  for (std::size_t i = 0; i < kForecastStateBytes; ++i)
    for (const int value : {int(good_state()[i]) + 1, 255}) {
      auto bytes = good_state();
      bytes[i] = char(value);
      EXPECT_TRUE(harmless(bytes)) << "byte " << i << " = " << (value & 255);
    }
}

RC_GTEST_PROP(ForecastStateProperty, damage_is_refused_or_harmless, ()) {
  auto bytes = good_state();
  for (int i = *rc::gen::inRange(1, 6); i > 0; --i)
    bytes[std::size_t(*rc::gen::inRange(0, int(bytes.size())))] = char(*rc::gen::inRange(0, 256));
  RC_ASSERT(harmless(bytes));
}

}  // namespace
}  // namespace paramedic
