// Forecasts of one metric of one worker: when does it reach its limit? Streaming: judges with what came before and
// nothing else, costs about half a microsecond per block, allocates nothing. Pure; one thread.
//
// Every five minutes (block.h) the trend is judged over six windows (trend.h). What must hold for an alert, and why, in
// the order of the code:
//   1. the slope is significant: 5 standard errors, corrected for noise that resembles its neighbours
//   2. both halves rise by half of the slope at least; where there are sawteeth, the lower envelope too
//   3. the limit is no further ahead than the rise was seen; the line passes through the present, the window of a
//   quarter
//      of the length still rises, none of two hours or more settles below the limit, and where there are sawteeth the
//      rise is more than one tooth
//   4. record gate: level and line have left the range of the days before, by 2 % of the limit and by half of the
//      distance between mean and record; after a day of history. Bursts, jobs, daily cycles recur: within what they
//      did before they say nothing
//   5. P(limit reached within the horizon) > 0.8 in three blocks in a row. It ends below 0.4.
// A trend that passes a laxer 1 and 2 alone is stated for whoever looks, with at most even odds.
//
// Time left, from slope s now, its growth g (ln per block; taken only as far as it exceeds its error) and the room r
// between upper envelope and limit:    s/g · (exp(g·T) - 1) = r    →    T = ln(1 + g·r/s) / g
// g = 0 is the straight line; g > 0 a leak that accelerates; g < 0 a warm-up that settles, which never reaches the
// limit when 1 + g·r/s <= 0. Over the windows ln T is averaged by inverse variance.
//   σ² = mean of ((error/slope)² + 0.15²) + 0.3² + variance of ln T over the windows
// and scaled by what became of earlier statements: each hour one of them is compared with what is known now; when it
// lies outside its 80 % interval σ grows by 8 %, else it shrinks by 2 % (adaptive conformal inference, Gibbs and Candès
// 2021: in balance one of five lies outside).
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "core/analysis/block.h"
#include "core/analysis/forecast_kinds.h"
#include "core/analysis/trend.h"
#include "model/forecast.h"

namespace paramedic {

// What the last block said. Times in blocks.
struct Outlook {
  float left = -1;               // until the limit; < 0 = no trend towards it, 0 = there
  float spread = 0;              // of ln(left)
  float probability = 0;         // within the horizon
  float slope = 0;               // now, per block, shares of the unit
  float end = 0;                 // where the trend stands
  std::uint8_t window = 0;       // the longest that shows it, in blocks
  std::uint8_t firm_window = 0;  // the longest in which all holds; 0 = none
  bool firm = false;
};

// Drops by more than 30 %: garbage collected, logs rotated, a service restarted inside. Three and more that come
// regularly from below 0.8 of the limit are a sawtooth, whose peak is part of the record.
struct DropHistory {
  std::int64_t last = 0;  // block index
  float peak = 0;         // highest level before a drop
  float period = 0;       // blocks between them, averaged
  std::uint8_t count = 0;
};

class MetricForecast {
 public:
  // REQUIRES: a finite limit > 0. Values are expected between 0 and the limit, or not far above.
  MetricForecast(ForecastKind kind, double limit);

  // Takes a sample at the wall time `at`. True when a block ended with it, so forecast() and alert() may have changed.
  // What is no finite number is ignored; gaps, constant values and clock steps only make it wait.
  bool add(WallTime at, double value);
  // Another incarnation of the worker runs: its trend begins anew (of a metric of the process), the range that was seen
  // before stays; but what an earlier one reached before it died is no proof of harmlessness.
  void restarted();

  // What is stated now; nullopt = no trend towards the limit.
  std::optional<Forecast> forecast(std::string_view metric) const;
  bool alert() const { return alert_since_ != kNever; }
  double limit() const { return limit_; }
  ForecastKind kind() const { return kind_; }
  // A new limit; the trend stays. REQUIRES: as above. When it is far from the old one, all is forgotten.
  void set_limit(double limit);

  // All of its state, for forecast_state.cc.
  template <class Fields>
  void visit(Fields& f) {
    f(unit_), f(limit_);
    builder_.visit(f);
    series_.visit(f);
    f(base_), f(peak_over_), f(scale_);
    f(outlook_.left), f(outlook_.spread), f(outlook_.probability), f(outlook_.slope), f(outlook_.end);
    f(outlook_.window), f(outlook_.firm_window), f(outlook_.firm);
    f(drops_.last), f(drops_.peak), f(drops_.period), f(drops_.count);
    f(told_at_), f(told_left_), f(told_spread_);
    f(rising_since_), f(alert_since_), f(seen_for_), f(above_), f(at_limit_);
  }
  bool valid() const;  // after visit() brought values from outside

 private:
  static constexpr std::int64_t kNever = INT64_MIN;
  void take(const Block& block);
  double share_of(double value) const;  // of the unit; logarithmic where the kind says so
  double value_of(double share) const;
  double limit_share() const;
  void notice_drop(std::int64_t index, double level);
  bool past_record(std::size_t window, const TrendFit& fit) const;
  Outlook look(double level) const;
  void judge_earlier(std::int64_t index);
  void decide(std::int64_t index);
  void step_back(std::int64_t index);

  ForecastKind kind_;
  std::uint8_t seen_for_ = 0;  // the longest firm window since it rises
  std::uint8_t above_ = 0;     // blocks in a row with a probability above 0.8
  bool at_limit_ = false;      // it reached the limit since it was last restarted or fell below
  float base_ = 0;             // usual lowest value, of kinds that count from there
  float peak_over_ = 0;        // how far peaks lie above the level
  float scale_ = 1;            // of σ, by past errors
  double unit_, limit_;
  BlockBuilder builder_;
  TrendSeries series_;
  Outlook outlook_;
  DropHistory drops_;
  std::int64_t told_at_ = kNever;  // block index of the statement that is to be compared
  float told_left_ = 0, told_spread_ = 0;
  std::int64_t rising_since_ = kNever, alert_since_ = kNever;  // block indices
};
static_assert(sizeof(MetricForecast) <= 700, "state of one metric: below 0.7 KiB");

}  // namespace paramedic
