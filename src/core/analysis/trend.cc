#include "core/analysis/trend.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace paramedic {

namespace {

// Metrics come with two decimals of a percent: a line cannot be known better than this share of the unit.
constexpr double kNoiseFloor = 2e-4;
constexpr double kMostLikeness = 0.9;   // r of the header
constexpr double kSeenShare = 2.0 / 3;  // of a window
constexpr double kWorthLooking = 2;     // errors; below, nobody asks for the rest
constexpr int kHalfHoursPerDay = 48;
constexpr int kLeastPast = 24;                                       // blocks: two hours
constexpr std::int64_t kForgotten = (TrendSeries::kDays + 1) * 288;  // blocks after which nothing is left
constexpr double kStep = TrendSeries::kResolution;

std::uint16_t to_steps(double share) {
  return std::uint16_t(std::lround(std::clamp(share, 0.0, TrendSeries::kMost) / kStep));
}

// Of points x steps back in time. All are whole numbers below 2^53, so these doubles are exact in any order.
struct Sums {
  double n = 0, x = 0, xx = 0, y = 0, xy = 0, yy = 0, low = 0, xlow = 0, steps = 0, squared_steps = 0;
  Sums operator-(const Sums& o) const {
    return {n - o.n,   x - o.x,     xx - o.xx,     y - o.y,         xy - o.xy,
            yy - o.yy, low - o.low, xlow - o.xlow, steps - o.steps, squared_steps - o.squared_steps};
  }
};

// Least squares; time runs against x, hence the sign.
struct Line {
  double n = 0, slope = 0, residual = 0, spread = 0;  // residual: sum of squares; spread: Σ(x-x̄)²
  explicit Line(const Sums& s) : n(s.n) {
    spread = s.xx - s.x * s.x / n;
    slope = -(s.xy - s.x * s.y / n) / spread;
    residual = std::max(0.0, s.yy - s.y * s.y / n - slope * slope * spread);
  }
};

double lower_slope(const Sums& s, double spread) { return -(s.xlow - s.x * s.low / s.n) / spread; }

// 1…19: how much wider the error is because neighbours resemble each other.
double likeness_factor(const Sums& s, const Line& line, double residual) {
  const double steps = std::max(0.0, s.squared_steps - s.steps * line.slope * line.slope);
  const double r = std::clamp(1 - steps / (2 * residual), 0.0, kMostLikeness);
  return (1 + r) / (1 - r);
}

// `points`: of the whole window; `unit`: blocks per point; `age`: blocks from the middle of the newest point to now.
TrendFit fit_of(const Sums& whole, const Sums& newer_half, int points, int unit, double age) {
  TrendFit fit;
  const Sums older_half = whole - newer_half;
  const double least = kSeenShare * points;
  if (whole.n < least || std::min(newer_half.n, older_half.n) < std::max(2.0, least / 2)) return fit;
  const Line line(whole);
  const double scale = kStep / unit;
  fit.known = true;
  fit.slope = line.slope * scale;
  fit.end = kStep * (whole.y / line.n + line.slope * (whole.x / line.n + age / unit));
  const double floor = line.n * kNoiseFloor * kNoiseFloor / (kStep * kStep) / 12;
  const double residual = line.residual + floor, factor = likeness_factor(whole, line, residual);
  fit.error = std::sqrt(residual / std::max(1.0, line.n - 2) / line.spread * factor) * scale;
  if (fit.slope < kWorthLooking * fit.error) return fit;

  const Line newer(newer_half), older(older_half);
  const double within = (newer.residual + older.residual) / std::max(1.0, line.n - 4);
  fit.deviation = std::sqrt(within) * kStep;
  fit.newer = newer.slope * scale;
  fit.older = older.slope * scale;
  fit.lower = lower_slope(whole, line.spread) * scale;
  if (fit.newer > 0 && fit.older > 0) {
    const double half = points * unit / 2.0, noise = (within + floor / line.n) * factor;
    const auto relative = [&](const Line& part) { return noise / part.spread / (part.slope * part.slope); };
    fit.growth = std::log(fit.newer / fit.older) / half;
    fit.growth_error = std::sqrt(relative(newer) + relative(older)) / half;
  }
  return fit;
}

// With the points from `begin` to `end` steps back, newest first, none of them missing: a third of the work of the next
// one, with the same result. (By value: so that the sums stay in registers.)
template <class Point>
Sums with_complete(Sums sums, const Point* newest_first, int begin, int end) {
  double x = begin, newer = newest_first[std::max(begin - 1, 0)].level;
  for (int back = begin; back < end; ++back, x += 1) {
    const double y = newest_first[back].level, low = newest_first[back].low, step = y - newer;
    newer = y;
    sums.y += y;
    sums.xy += x * y;
    sums.yy += y * y;
    sums.low += low;
    sums.xlow += x * low;
    sums.squared_steps += step * step;
  }
  sums.n = x;
  sums.x = x * (x - 1) / 2;
  sums.xx = x * (x - 1) * (2 * x - 1) / 6;
  sums.steps = x - 1;
  return sums;
}

// The same where some may be missing.
template <class Point>
Sums with_points(Sums sums, const Point* newest_first, int begin, int end) {
  std::uint16_t newer = begin == 0 ? TrendSeries::kMissing : newest_first[begin - 1].level;
  for (int back = begin; back < end; ++back) {
    const Point p = newest_first[back];
    if (p.level != TrendSeries::kMissing) {
      const double x = back, y = p.level, low = p.low;
      if (newer != TrendSeries::kMissing) {
        const double step = y - double(newer);
        sums.steps += 1;
        sums.squared_steps += step * step;
      }
      sums.n += 1;
      sums.x += x;
      sums.xx += x * x;
      sums.y += y;
      sums.xy += x * y;
      sums.yy += y * y;
      sums.low += low;
      sums.xlow += x * low;
    }
    newer = p.level;
  }
  return sums;
}

// Lines over windows of `shortest` points, twice as many, and so on, as far as `points` reach: the sums of one are the
// newer half of the next.
template <class Ring>
void fit_windows(const Ring& ring, std::size_t newest, int points, int shortest, int unit, double age, TrendFit* out) {
  typename Ring::value_type newest_first[std::tuple_size_v<Ring>];
  std::reverse_copy(ring.begin(), ring.begin() + std::ptrdiff_t(newest) + 1, newest_first);
  std::reverse_copy(ring.begin() + std::ptrdiff_t(newest) + 1, ring.end(), newest_first + newest + 1);
  if (points < shortest) return;
  const bool complete =
      std::none_of(newest_first, newest_first + points, [](const auto& p) { return p.level == TrendSeries::kMissing; });
  const auto add = [&](const Sums& to, int begin, int end) {
    return complete ? with_complete(to, newest_first, begin, end) : with_points(to, newest_first, begin, end);
  };
  Sums sums = add(Sums{}, 0, shortest / 2);
  for (int length = shortest; length <= points; length *= 2) {
    const Sums newer_half = sums;
    sums = add(sums, length / 2, length);
    *out++ = fit_of(sums, newer_half, length, unit, age);
  }
}

}  // namespace

void TrendSeries::add(std::int64_t index, double level, double low) {
  const std::int64_t missed = last_ != INT64_MIN && index > last_ ? std::min(index - last_ - 1, kForgotten) : 0;
  for (std::int64_t i = 0; i < missed; ++i) push({});
  last_ = index;
  push({to_steps(level), to_steps(low)});
  if (seen_ < UINT16_MAX) ++seen_;
}

void TrendSeries::restart() { since_restart_ = 0; }

void TrendSeries::cap_past(double share) {
  const std::uint16_t most = to_steps(share);
  open_highest_ = std::min(open_highest_, most);
  for (HalfHour& h : coarse_)
    if (h.level != kMissing) h.highest = std::min(h.highest, most);
  for (Day& day : days_) {
    day.highest = std::min(day.highest, most);
    day.sum = std::min(day.sum, std::uint32_t(day.count) * day.highest);
  }
}

void TrendSeries::push(Point point) {
  fine_newest_ = std::uint8_t((fine_newest_ + 1) % kFine);
  fine_[fine_newest_] = point;
  if (since_restart_ < kTrendWindows.back() + kBlocksPerCoarse) ++since_restart_;
  if (point.level != kMissing) {
    open_sum_ += point.level;
    open_low_ = std::min(open_low_, point.low);
    open_highest_ = std::max(open_highest_, sliding_mean());
    ++open_count_;
  }
  if (++open_age_ == kBlocksPerCoarse) close_half_hour();
}

void TrendSeries::close_half_hour() {
  coarse_newest_ = std::uint8_t((coarse_newest_ + 1) % kCoarse);
  fold(coarse_[coarse_newest_]);
  coarse_[coarse_newest_] = {};
  if (open_count_ > 0)
    coarse_[coarse_newest_] = {std::uint16_t((open_sum_ + open_count_ / 2u) / open_count_), open_low_, open_highest_};
  open_sum_ = 0;
  open_low_ = kMissing;
  open_highest_ = 0;
  open_count_ = open_age_ = 0;
}

void TrendSeries::fold(const HalfHour& half_hour) {
  if (day_half_hours_ == kHalfHoursPerDay) {
    day_ = std::uint8_t((day_ + 1) % kDays);
    days_[day_] = {};
    day_half_hours_ = 0;
  }
  ++day_half_hours_;
  if (half_hour.level == kMissing) return;
  Day& day = days_[day_];
  day.sum += half_hour.level;
  day.highest = std::max(day.highest, half_hour.highest);
  ++day.count;
}

std::array<TrendFit, kTrendWindows.size()> TrendSeries::fits() const {
  std::array<TrendFit, kTrendWindows.size()> out;
  fit_windows(fine_, fine_newest_, std::min<int>(kFine, since_restart_), kTrendWindows[0], 1, 0.5, &out[0]);
  fit_windows(coarse_, coarse_newest_, std::min(kCoarse, (since_restart_ - open_age_) / kBlocksPerCoarse),
              kTrendWindows[kFineWindows] / kBlocksPerCoarse, kBlocksPerCoarse, open_age_ + kBlocksPerCoarse / 2.0,
              &out[kFineWindows]);
  return out;
}

TrendPast TrendSeries::past(std::size_t window) const {
  const int back = std::max(kTrendWindows[window], kLeastPast);
  std::uint64_t sum = 0, count = 0;
  std::uint16_t highest = 0;
  for (int i = (back - open_age_ + kBlocksPerCoarse - 1) / kBlocksPerCoarse; i < kCoarse; ++i) {
    const HalfHour half_hour = coarse(i);
    if (half_hour.level == kMissing) continue;
    sum += half_hour.level;
    highest = std::max(highest, half_hour.highest);
    ++count;
  }
  for (const Day& day : days_) {
    sum += day.sum;
    highest = std::max(highest, day.highest);
    count += day.count;
  }
  if (count == 0) return {};
  return {.known = true, .highest = highest * kStep, .mean = double(sum) / double(count) * kStep};
}

std::uint16_t TrendSeries::sliding_mean() const {
  std::uint32_t sum = 0, count = 0;
  for (int i = 0; i < kBlocksPerCoarse; ++i)
    if (const Point p = fine(i); p.level != kMissing) sum += p.level, ++count;
  return count == 0 ? std::uint16_t(0) : std::uint16_t((sum + count / 2) / count);
}

double TrendSeries::half_hour_mean() const { return sliding_mean() * kStep; }

bool TrendSeries::valid() const {
  const auto bounded = [](const Day& day) {
    return day.count <= kHalfHoursPerDay && day.highest < kMissing && day.sum <= std::uint32_t(day.count) * kMissing;
  };
  const auto whole = [](Point p) { return (p.level == kMissing) == (p.low == kMissing); };
  const auto whole_half_hour = [](const HalfHour& h) {
    return (h.level == kMissing) == (h.low == kMissing) && (h.level == kMissing) == (h.highest == kMissing);
  };
  return std::all_of(days_.begin(), days_.end(), bounded) && std::all_of(fine_.begin(), fine_.end(), whole) &&
         std::all_of(coarse_.begin(), coarse_.end(), whole_half_hour) && day_ < kDays &&
         day_half_hours_ <= kHalfHoursPerDay && days_[day_].count <= day_half_hours_ && open_age_ < kBlocksPerCoarse &&
         open_count_ <= open_age_ && open_sum_ <= std::uint32_t(open_count_) * kMissing &&
         (open_count_ == 0) == (open_low_ == kMissing) && open_highest_ < kMissing && fine_newest_ < kFine &&
         coarse_newest_ < kCoarse && since_restart_ <= kTrendWindows.back() + kBlocksPerCoarse &&
         (seen_ == 0) == (last_ == INT64_MIN);
}

}  // namespace paramedic
