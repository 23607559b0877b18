// One metric of one worker under watch: its detector in one of the two forms, and the anomaly that lasts, if any. Made
// and owned by WorkerAnalysis. Pure; one thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "core/analysis/anomaly_detector.h"
#include "core/analysis/counter_rate.h"
#include "core/analysis/light_detector.h"
#include "core/analysis/metric_traits.h"

namespace paramedic {

class WatchedSeries {
 public:
  // An anomaly begins with evidence and rarity (per minute of sampling: 10 000 minutes are a week) of at least
  // kUnusual, and lives for five minutes more from each sample of evidence kRestless. docs/analysis.md has what such
  // evidence is worth on labelled series.
  static constexpr float kUnusual = 4, kRestless = 3;
  static constexpr Duration kCalm = 5min;

  WatchedSeries(std::string name, int rank);

  // Nothing for a counter's first count or reset.
  AnomalyReading observe(WallTime now, double value);
  void make_full();
  void make_light();  // keeps what the full form knew of the level
  // The same metric of an earlier life, or of a peer: its detector, in its form.
  void inherit(const WatchedSeries& other);
  void recentre();

  const std::string& name() const { return name_; }
  int rank() const { return rank_; }
  bool is_full() const { return full_ != nullptr; }
  bool is_known() const;  // told often enough to be missed
  bool was_told(WallTime now) const { return told_at_ == now; }
  Duration silent_for(WallTime now) const { return now - told_at_; }
  bool is_unusual() const { return since_ != WallTime{}; }
  float evidence() const { return evidence_; }
  float deviation() const { return deviation_; }
  // What is known of the anomaly that lasts; peers and top metrics are the caller's. REQUIRES: is_unusual().
  Anomaly anomaly(WallTime now) const;
  std::size_t bytes() const;  // beyond the object itself
  static std::size_t detector_bytes(bool full) { return full ? sizeof(AnomalyDetector) : sizeof(LightDetector); }

  template <class Archive>
  void save(Archive& archive) const;
  // Name and form were read by the caller, who made the series in that form.
  template <class Archive>
  void load(Archive& archive);
  bool is_sane() const;

 private:
  void follow(WallTime now, const AnomalyReading& reading);

  std::string name_;
  std::unique_ptr<AnomalyDetector> full_;  // exactly one of the two
  std::unique_ptr<LightDetector> light_;
  std::unique_ptr<CounterRate> rate_;  // of counters only
  WallTime told_at_{}, since_{}, loud_at_{};
  double observed_ = 0;  // as judged: of a counter its rate
  float floor_ = 0, evidence_ = 0, deviation_ = 0;
  float peak_ = 0;  // the largest rarity of the anomaly that lasts
  std::int16_t rank_ = kOrdinaryRank;
  AnomalyStatistic statistic_ = AnomalyStatistic::none;
  bool may_notify_ = false;
};

template <class Archive>
void WatchedSeries::save(Archive& archive) const {
  if (full_) AnomalyDetector::fields(std::as_const(*full_), archive);
  if (light_) LightDetector::fields(std::as_const(*light_), archive);
  if (rate_) CounterRate::fields(std::as_const(*rate_), archive);
  for (const WallTime at : {told_at_, since_, loud_at_}) archive(std::int64_t(at.time_since_epoch().count()));
  archive(observed_);
  for (const float number : {evidence_, deviation_, peak_}) archive(number);
  archive(std::uint8_t(statistic_));
  archive(may_notify_);
}

template <class Archive>
void WatchedSeries::load(Archive& archive) {
  if (full_) AnomalyDetector::fields(*full_, archive);
  if (light_) LightDetector::fields(*light_, archive);
  if (rate_) CounterRate::fields(*rate_, archive);
  for (WallTime* at : {&told_at_, &since_, &loud_at_}) {
    std::int64_t ticks = 0;
    archive(ticks);
    *at = WallTime{Duration{ticks}};
  }
  archive(observed_);
  for (float* number : {&evidence_, &deviation_, &peak_}) archive(*number);
  std::uint8_t statistic = 0;
  archive(statistic);
  if (statistic >= kEnumCount<AnomalyStatistic>) return archive.fail();
  statistic_ = static_cast<AnomalyStatistic>(statistic);
  archive(may_notify_);
}

}  // namespace paramedic
