// Where does a series go? Straight lines by least squares over six windows, from half an hour to sixteen hours, on
// blocks of five minutes: slope, its error, whether both halves of the window and the lower envelope agree, how the
// slope itself grows; and the record of what was seen before each window.
//
// How: the latest 48 blocks and the latest 32 half hours are kept as 16-bit integers. One walk back from the newest one
// collects the sums (count, x, x², y, x·y, y², squared steps); as it passes the end of a half or of a window, it leaves
// a line behind. So the two halves cost nothing extra, a step or a reset is forgotten completely once it leaves the
// window (sums that forget exponentially keep a tail of it), and the sums are exact, hence the same after a restart.
//
// Noise-corrected error of a slope b over n points:
//   r   = 1 - (Σ(y[k+1]-y[k])² - (n-1)·b²) / (2·Σresidual²)       how much neighbours resemble each other, 0…0.9
//   b ± sqrt( Σresidual² / (n-2) / Σ(x-x̄)² · (1+r)/(1-r) )
// With r a slow swing counts as few independent points, not as many. The factor is the usual one of a first-order
// autoregressive residual (Bartlett 1935); r comes from von Neumann's ratio (1941). At most 0.9: from few points no
// more can be told, and a clean curve must not look like chance.
//
// Values are shares of a unit (forecast_kinds.h), 0…2. Plain values, no allocation; one thread.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace paramedic {

// Windows, in blocks. Each twice the one before; the last two are made of half hours.
inline constexpr std::array<int, 6> kTrendWindows{6, 12, 24, 48, 96, 192};
inline constexpr std::size_t kFineWindows = 4;

struct TrendFit {
  bool known = false;  // enough of the window was seen
  double slope = 0;    // per block, mean of the window
  double error = 0;    // of the slope, noise-corrected
  double end = 0;      // the line at the end of the newest block
  // The rest only where the slope is two errors or more.
  double older = 0, newer = 0;  // slopes of the two halves
  double deviation = 0;         // of the points from the lines through the two halves
  double lower = 0;             // slope of the lower envelope
  double growth = 0;            // of the slope, per block: ln(newer/older) / half a window; 0 unless both rise
  double growth_error = 0;
};

// What was seen before a window.
struct TrendPast {
  bool known = false;
  double highest = 0;  // mean of half an hour, whenever it began
  double mean = 0;
};

class TrendSeries {
 public:
  static constexpr int kFine = 48, kCoarse = 32, kBlocksPerCoarse = 6, kDays = 8;
  static constexpr double kMost = 1.99;  // of a unit; more is cut
  static constexpr double kResolution = 1.0 / 32767;
  static constexpr std::uint16_t kMissing = 0xFFFF;  // in place of a value

  // The next block; `low` is the lowest minute of it. `index` = Block::index; blocks that were left out are missing
  // ones. When it does not go on (the clock stepped back) the block counts as the next one.
  void add(std::int64_t index, double level, double low);
  // Lines through what was so far are void (another process, another story); the past stays.
  void restart();
  // What lay above `share` in the past counts as `share`: it was no harmless peak.
  void cap_past(double share);

  std::array<TrendFit, kTrendWindows.size()> fits() const;
  // Before the window number `window`, but at least before the last two hours. Half hours of the last 16 h, and days
  // (eight of them) of what is older.
  TrendPast past(std::size_t window) const;
  double half_hour_mean() const;               // of the latest six blocks
  int seen() const { return seen_; }           // blocks ever, stops at 65535
  std::int64_t last() const { return last_; }  // index of the newest block

  // All of its state, for forecast_state.cc.
  template <class Fields>
  void visit(Fields& f) {
    f(last_);
    for (auto& point : fine_) f(point.level), f(point.low);
    for (auto& point : coarse_) f(point.level), f(point.low), f(point.highest);
    for (auto& day : days_) f(day.sum), f(day.highest), f(day.count);
    f(day_);
    f(day_half_hours_);
    f(open_sum_);
    f(open_low_);
    f(open_highest_);
    f(open_count_);
    f(open_age_);
    f(fine_newest_);
    f(coarse_newest_);
    f(seen_);
    f(since_restart_);
  }
  bool valid() const;  // after visit() brought values from outside

 private:
  struct Point {
    std::uint16_t level = kMissing, low = kMissing;
  };
  struct HalfHour {
    std::uint16_t level = kMissing, low = kMissing;
    std::uint16_t highest = kMissing;  // mean of six blocks in a row that ended in it
  };
  struct Day {
    std::uint32_t sum = 0;
    std::uint16_t highest = 0, count = 0;  // of the half hours that were seen
  };
  void push(Point point);
  void close_half_hour();
  void fold(const HalfHour& half_hour);
  std::uint16_t sliding_mean() const;
  Point fine(int back) const { return fine_[std::size_t(fine_newest_ + kFine - back) % kFine]; }
  HalfHour coarse(int back) const { return coarse_[std::size_t(coarse_newest_ + kCoarse - back) % kCoarse]; }

  std::int64_t last_ = INT64_MIN;
  std::array<Point, kFine> fine_{};
  std::array<HalfHour, kCoarse> coarse_{};
  std::array<Day, kDays> days_{};  // of what left coarse_; days_[day_] is the latest
  std::uint32_t open_sum_ = 0;     // of the half hour that is open
  std::uint16_t open_low_ = kMissing, open_highest_ = 0;
  std::uint16_t seen_ = 0;
  std::uint16_t since_restart_ = 0;   // blocks, missing ones included; stops at kTrendWindows.back()
  std::uint16_t day_half_hours_ = 0;  // of the latest day, missing ones included
  std::uint8_t day_ = 0;
  std::uint8_t open_count_ = 0, open_age_ = 0;  // blocks seen and passed in the open half hour
  std::uint8_t fine_newest_ = 0, coarse_newest_ = 0;
};

}  // namespace paramedic
