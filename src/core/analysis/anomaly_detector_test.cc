#include "core/analysis/anomaly_detector.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "core/analysis/light_detector.h"
#include "core/analysis/series_for_test.h"
#include "core/analysis/state_bytes.h"

namespace paramedic {
namespace {

using testing::kStart;
using testing::noise;
using testing::TestSample;

AnomalyReading feed(AnomalyDetector& d, const std::vector<TestSample>& samples) {
  AnomalyReading last;
  for (const TestSample& s : samples) last = d.observe(s.at, s.value);
  return last;
}
float worst(AnomalyDetector& d, const std::vector<TestSample>& samples) {
  float most = 0;
  for (const TestSample& s : samples) most = std::max(most, d.observe(s.at, s.value).score);
  return most;
}
WallTime after(const std::vector<TestSample>& samples) { return samples.back().at + 10s; }

TEST(AnomalyDetector, is_silent_while_it_learns_and_may_not_notify_for_a_day) {
  AnomalyDetector d;
  for (const TestSample& s : noise(90, 50, 1)) EXPECT_FALSE(d.observe(s.at, s.value * 3).scored);
  const auto rest = noise(8700, 50, 1);
  EXPECT_TRUE(d.observe(rest[91].at, 50).scored) << "a quarter of an hour";
  for (std::size_t i = 92; i < 8600; ++i) EXPECT_FALSE(d.observe(rest[i].at, rest[i].value).may_notify);
  for (std::size_t i = 8600; i < rest.size(); ++i) d.observe(rest[i].at, rest[i].value);
  EXPECT_TRUE(d.may_notify());
}

TEST(AnomalyDetector, a_spike_stands_out_and_says_so) {
  AnomalyDetector d;
  const auto usual = noise(5000, 50, 2);
  feed(d, usual);
  const auto band = d.expected(after(usual));
  EXPECT_NEAR(band.low, 45, 2);
  EXPECT_NEAR(band.high, 55, 2);
  const auto spike = d.observe(after(usual), 97);
  EXPECT_GT(spike.score, 5);
  EXPECT_GT(spike.rarity, 3.5);
  EXPECT_GT(spike.deviation, 15);
  EXPECT_NE(spike.statistic, AnomalyStatistic::none);
}

TEST(AnomalyDetector, noise_alone_stays_below_an_alarm) {
  AnomalyDetector d;
  EXPECT_LT(worst(d, noise(50000, 50, 2)), 6) << "six days of it";
}

TEST(AnomalyDetector, a_fall_to_a_flat_line_is_noticed) {
  AnomalyDetector d;
  auto samples = noise(5000, 50, 2, 60s);
  feed(d, samples);
  float most = 0;
  bool named = false;
  for (int i = 1; i < 200; ++i) {
    const auto r = d.observe(samples.back().at + 60s * i, 50.5);
    if (r.evidence > most) most = r.evidence, named = r.statistic == AnomalyStatistic::flat_line;
  }
  EXPECT_GT(most, 2);
  EXPECT_TRUE(named);
}

TEST(AnomalyDetector, rests_after_an_alarm_unless_it_gets_worse) {
  AnomalyDetector d;
  const auto usual = noise(5000, 50, 2);
  feed(d, usual);
  const WallTime at = after(usual);
  const float first = d.observe(at, 70).score;
  EXPECT_GT(first, 3);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(d.observe(at + 10s * i, 50).score, 0);
  EXPECT_GT(d.observe(at + 60s, 140).score, first) << "much worse";
}

TEST(AnomalyDetector, a_daily_wave_is_learned) {
  AnomalyDetector d;
  const auto days = testing::daily(6 * 1440, 100, 40, 1, 60s);
  feed(d, days);
  // At the daily low 100 would be as usual for the mean; for this time of the day it is not.
  WallTime low = days.back().at;
  const auto phase = [](WallTime t) { return std::sin(2 * M_PI * to_seconds(t.time_since_epoch()) / 86400); };
  while (phase(low) > -0.999) low += 60s;
  const auto band = d.expected(low);
  EXPECT_NEAR((band.low + band.high) / 2, 60, 4);
  EXPECT_LT(band.high, 75);
}

TEST(AnomalyDetector, the_future_changes_no_earlier_score) {
  auto one = noise(3000, 10, 1), other = one;
  for (std::size_t i = 2000; i < other.size(); ++i) other[i].value *= 5;
  AnomalyDetector a, b;
  for (std::size_t i = 0; i < 2000; ++i) {
    const auto x = a.observe(one[i].at, one[i].value), y = b.observe(other[i].at, other[i].value);
    ASSERT_EQ(std::memcmp(&x.score, &y.score, sizeof x.score), 0) << i;
    ASSERT_EQ(x.evidence, y.evidence);
  }
}

template <class Detector>
Detector reloaded(const Detector& d) {
  std::string bytes;
  StateWriter writer(bytes);
  Detector::fields(d, writer);
  Detector out;
  StateReader reader(bytes);
  Detector::fields(out, reader);
  EXPECT_TRUE(reader.ok() && reader.at_end() && out.is_sane());
  return out;
}

TEST(AnomalyDetector, saved_and_loaded_it_continues_bit_equal) {
  const auto samples = testing::daily(5000, 20, 5, 1, 60s);
  AnomalyDetector whole;
  LightDetector small;
  for (std::size_t cut : {0, 1, 15, 59, 900, 3210, 4800}) {
    whole = AnomalyDetector(0.01F);
    small = {};
    for (std::size_t i = 0; i < cut; ++i) whole.observe(samples[i].at, samples[i].value);
    for (std::size_t i = 0; i < cut; ++i) small.observe(samples[i].at, samples[i].value, 0);
    AnomalyDetector again = reloaded(whole);
    LightDetector small_again = reloaded(small);
    for (std::size_t i = cut; i < samples.size(); ++i) {
      const double value = i % 700 == 0 ? 90 : samples[i].value;
      const auto a = whole.observe(samples[i].at, value), b = again.observe(samples[i].at, value);
      ASSERT_EQ(a.evidence, b.evidence) << cut << " " << i;
      ASSERT_EQ(a.score, b.score);
      ASSERT_EQ(a.rarity, b.rarity);
      ASSERT_EQ(small.observe(samples[i].at, value, 0).evidence, small_again.observe(samples[i].at, value, 0).evidence);
    }
  }
}

TEST(AnomalyDetector, an_hour_of_garbage_never_yields_nan) {
  const double kGarbage[] = {0,
                             -0.0,
                             1e-310,
                             -1e-45,
                             1e30,
                             -1e30,
                             1e31,
                             1e308,
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN(),
                             1,
                             1e9,
                             -7e-20,
                             3.4e38,
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::denorm_min()};
  std::mt19937 dice(3);
  for (int run = 0; run < 4; ++run) {
    AnomalyDetector d(run == 3 ? 1.0F : 0);
    LightDetector small;
    if (run == 1) feed(d, noise(2000, 5, 1));
    WallTime at = kStart + 24h;
    int bad = 0;
    for (int i = 0; i < 3600; ++i) {
      const double value = kGarbage[dice() % std::size(kGarbage)];
      at += run == 2 ? Duration(std::int64_t(dice()) * 1000 - 1'500'000'000'000) : 1s;
      const auto r = d.observe(at, value);
      bad += r.rejected ? 1 : 0;
      for (const float x : {r.score, r.evidence, r.rarity, r.deviation}) ASSERT_TRUE(std::isfinite(x)) << i;
      const auto s = small.observe(at, value, 0);
      for (const float x : {s.score, s.evidence, s.rarity, s.deviation}) ASSERT_TRUE(std::isfinite(x)) << i;
      ASSERT_TRUE(std::isfinite(d.expected(at).low) && std::isfinite(small.expected(0).high));
      ASSERT_LT(r.evidence, 100);
    }
    EXPECT_GT(bad, 600);
    EXPECT_EQ(d.rejected(), bad);
    EXPECT_TRUE(d.is_sane() && small.is_sane());
  }
}

TEST(AnomalyDetector, on_a_constant_series_a_change_is_rare_but_not_infinite) {
  AnomalyDetector d, careful(1);
  WallTime at = kStart;
  for (int i = 0; i < 5000; ++i, at += 10s) {
    EXPECT_LT(d.observe(at, 0).evidence, 0.5F);
    careful.observe(at, 0);
  }
  const auto r = d.observe(at, 1);
  EXPECT_GT(r.score, 3);
  EXPECT_LT(r.score, 40);
  EXPECT_EQ(careful.observe(at, 1).evidence, 0) << "within its floor it is no news";
  EXPECT_GT(careful.observe(at + 10s, 50).evidence, 3);
}

TEST(AnomalyDetector, a_series_that_was_constant_can_move) {
  AnomalyDetector d;
  LightDetector small;
  WallTime at = kStart;
  float late = 0;
  for (int i = 0; i < 20000; ++i, at += 60s) {
    const double value = i < 5000 ? 3 : 8;
    const float evidence = d.observe(at, value).evidence;
    small.observe(at, value, 0);
    if (i == 5000) {
      EXPECT_GT(evidence, 4);
    }
    if (i > 6000) late = std::max(late, evidence);
  }
  EXPECT_LT(late, 2) << "the new level is usual now";
  EXPECT_NEAR(d.mean(), 8, 0.1);
  EXPECT_NEAR((small.expected(0).low + small.expected(0).high) / 2, 8, 0.1);
}

TEST(AnomalyDetector, across_a_gap_nothing_is_subtracted_and_less_is_claimed) {
  AnomalyDetector with_gap, without;
  const auto usual = noise(3000, 50, 2);
  feed(with_gap, usual);
  feed(without, usual);
  const auto jump = without.observe(after(usual), 70), gap = with_gap.observe(usual.back().at + 6h, 70);
  EXPECT_EQ(with_gap.gaps(), 1u);
  EXPECT_LT(gap.evidence, jump.evidence * 0.8);
  EXPECT_NE(gap.statistic, AnomalyStatistic::difference);
}

TEST(AnomalyDetector, a_clock_that_steps_back_does_no_harm) {
  AnomalyDetector d;
  const auto usual = noise(3000, 50, 2);
  feed(d, usual);
  const auto stepped = noise(3000, 50, 2, 10s, 5);
  float most = 0;
  for (const TestSample& s : stepped) most = std::max(most, d.observe(s.at - 1h, s.value).evidence);
  EXPECT_LT(most, 6);
  EXPECT_NEAR(d.clock().step_seconds(), 10, 0.1);
}

TEST(AnomalyDetector, large_numbers_keep_their_small_changes) {
  AnomalyDetector d;
  auto samples = noise(4000, 16e9, 100);
  feed(d, samples);
  EXPECT_NEAR(d.spread(), 80, 10);
  EXPECT_GT(d.observe(after(samples), 16e9 + 2e5).evidence, 4) << "twelve times a millionth of its level";
}

TEST(AnomalyDetector, a_new_version_learns_its_level_anew) {
  AnomalyDetector d;
  const auto old = noise(9000, 50, 2);
  feed(d, old);
  d.recentre();
  const WallTime start = after(old);
  float most = 0;
  for (const TestSample& s : noise(2000, 200, 2, 10s, 9)) {
    const auto r = d.observe(start + (s.at - kStart), s.value);
    most = std::max(most, r.score);
    EXPECT_EQ(r.scored, s.at - kStart >= 15min - 10s);
  }
  EXPECT_LT(most, 6);
  EXPECT_TRUE(d.may_notify()) << "that a day was learned stays";
}

TEST(AnomalyDetector, a_copy_inherits_what_was_learned) {
  AnomalyDetector d;
  const auto old = noise(9000, 50, 2);
  feed(d, old);
  AnomalyDetector next = d;
  const auto r = next.observe(old.back().at + 30s, 99);
  EXPECT_TRUE(r.scored && r.may_notify);
  EXPECT_GT(r.evidence, 4);
}

TEST(AnomalyDetector, ten_bad_minutes_do_not_make_the_next_usual) {
  AnomalyDetector d;
  const auto usual = noise(20000, 50, 2, 60s);
  float first = 0, later = 0;
  for (std::size_t i = 0; i < usual.size(); ++i) {
    const bool burst = i > 5000 && i % 1500 < 8;
    const float e = d.observe(usual[i].at, usual[i].value + (burst ? 30 : 0)).evidence;
    if (burst && first == 0) first = e;
    if (burst && i > 18000) later = std::max(later, e);
  }
  EXPECT_GT(first, 4);
  EXPECT_GT(later, 4) << "the ninth burst is as bad as the first";
}

TEST(AnomalyDetector, bursts_that_are_common_stay_bursts) {
  AnomalyDetector d;
  const auto usual = noise(60000, 50, 2, 60s);
  float later = 0;
  for (std::size_t i = 0; i < usual.size(); ++i) {
    const bool burst = i > 3000 && i % 500 < 5;
    const float e = d.observe(usual[i].at, usual[i].value + (burst ? 20 : 0)).evidence;
    if (burst && i > 55000) later = std::max(later, e);
  }
  EXPECT_GT(later, 3.3F) << "after a hundred of them, three a day";
}

// Mostly zero, spikes of every size, thirty a day: the bulk of such a series promises what it does not keep.
TEST(AnomalyDetector, spikes_of_every_size_are_held_to_how_often_they_come) {
  AnomalyDetector d;
  std::mt19937 dice(5);
  std::lognormal_distribution<double> size(2, 1.5);
  WallTime at = kStart;
  int alarms = 0;
  for (int i = 0; i < 60000; ++i, at += 60s) {
    const double value = dice() % 48 == 0 ? std::round(size(dice)) : 0;
    if (d.observe(at, value).score >= 4 && i > 20000) ++alarms;
  }
  EXPECT_LE(alarms, 12) << "four weeks";
}

TEST(AnomalyDetector, who_cries_often_is_believed_less_for_a_day) {
  AnomalyDetector often, seldom;
  const auto usual = noise(12000, 50, 2, 60s);
  feed(often, usual);
  feed(seldom, usual);
  WallTime at = usual.back().at;
  const auto day = noise(1440, 50, 2, 60s, 11);
  AnomalyReading last;
  for (std::size_t i = 0; i < day.size(); ++i) {
    at += 60s;
    const bool spike = i % 60 == 59;
    const auto r = often.observe(at, spike ? 90 : day[i].value);
    if (spike) last = r;
    seldom.observe(at, day[i].value);
  }
  EXPECT_LT(last.score, last.evidence - 1) << "the twenty-fourth of that day";
  const auto first = seldom.observe(at + 60s, 90);
  EXPECT_EQ(first.score, first.evidence);
  const auto quiet = noise(4 * 1440, 50, 2, 60s, 13);
  for (const TestSample& s : quiet) often.observe(at += 60s, s.value);
  const auto again = often.observe(at + 60s, 90);
  EXPECT_EQ(again.score, again.evidence) << "four quiet days later";
}

TEST(LightDetector, sees_a_spike_and_not_the_noise) {
  LightDetector d;
  const auto usual = noise(20000, 50, 2);
  float most = 0;
  for (const TestSample& s : usual) most = std::max(most, d.observe(s.at, s.value, 0).score);
  EXPECT_LT(most, 6);
  const auto r = d.observe(after(usual), 97, 0);
  EXPECT_GT(r.score, 6);
  EXPECT_TRUE(r.may_notify);
  EXPECT_NEAR(d.expected(0).high, 55, 2);
}

TEST(LightDetector, goes_on_from_a_full_one) {
  AnomalyDetector full;
  const auto usual = noise(9000, 50, 2);
  feed(full, usual);
  LightDetector d(full);
  EXPECT_TRUE(d.may_notify());
  EXPECT_FALSE(d.observe(after(usual), 51, 0).scored) << "its histograms are its own";
}

}  // namespace
}  // namespace paramedic
