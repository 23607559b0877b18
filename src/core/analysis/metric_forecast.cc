#include "core/analysis/metric_forecast.h"

#include <algorithm>
#include <cmath>

#include "core/analysis/time_to_limit.h"

namespace paramedic {

namespace {

constexpr double kFirmErrors = 5, kStatedErrors = 3;    // slope / its error
constexpr double kFirmHalf = 0.5, kStatedHalf = 0.25;   // of the slope, each half at least
constexpr double kFirmLower = 0.5, kStatedLower = 0.4;  // of the slope, the lower envelope at least
constexpr double kFirmReach = 1, kStatedReach = 4;      // of the window, ahead at most
constexpr double kBlocksOld = 3, kLeastAbove = 0.01;    // of half_hour_mean; of the unit
constexpr int kSettlingWindow = 24;                     // blocks: shorter ones are too noisy to end a story
constexpr double kRecordMargin = 0.02;                  // of the limit
constexpr double kRecordShare = 0.5;                    // of record - mean
constexpr double kRoomShare = 0.5;                      // of limit - record: the gate never lies above
constexpr int kHistoryBlocks = 288;                     // a day: every daily job ran once
constexpr double kAlertAbove = 0.8, kAlertBelow = 0.4, kUnproven = 0.5;
constexpr int kAlertBlocks = 3;                             // 15 minutes
constexpr int kMostGap = 3;                                 // blocks: longer ones interrupt the 15 minutes
constexpr double kInterval = 1.2816;                        // 80 % of a normal distribution lie within ± that
constexpr int kJudgeAfter = 12;                             // an hour
constexpr float kWider = 1.083287f, kNarrower = 0.980199f;  // exp(0.1·0.8), exp(-0.1·0.2)
constexpr float kLeastScale = 0.7f, kMostScale = 3;
constexpr double kPeakDeviations = 1.7320508;             // the peak of a sawtooth about its mean: sqrt(3)
constexpr double kPeakKept = 0.95;                        // per block: gone within an hour or two
constexpr double kDrop = 0.7, kLeastDrop = 0.05;          // of the level; of the unit
constexpr double kHarmless = 0.8;                         // of the limit
constexpr int kSawtooth = 3;                              // drops
constexpr double kOverdue = 4, kLeastPatience = 48;       // periods, blocks without a drop: it was a sawtooth
constexpr double kFirstPatience = 8 * 288;                // blocks: as far back as the record knows
constexpr double kFactorRange = 8;                        // e-folds per unit share: 0 = 1/2981 of the unit
constexpr double kBaseRise = 1.0 / 2016;                  // per block: a usual lowest value is forgotten in a week
constexpr double kLeastLimit = 0.5, kMostLimit = 1.8;     // of the unit; beyond, blocks are kept too coarsely
constexpr double kMostShare = 1e4, kMostFactorShare = 9;  // of the unit, where values are absurd
constexpr double kMostBlocks = 1e6;                       // nine years: no forecast

bool rises(const TrendFit& fit, double errors, double half, double lower) {
  return fit.slope > errors * fit.error && fit.older > half * fit.slope && fit.newer > half * fit.slope &&
         fit.lower > lower * fit.slope;
}

// Has the rise of window i ended since? Then its line runs on above the present (the mean of the last half hour, which
// is a quarter of an hour old), or the window of a quarter of its length does not rise.
bool contradicted(const std::array<TrendFit, kTrendWindows.size()>& fits, std::size_t i, double half_hour_mean) {
  const TrendFit& fit = fits[i];
  const double above = fit.end - (half_hour_mean + fit.slope * kBlocksOld);
  if (above > fit.deviation + kLeastAbove) return true;
  if (i < 2) return false;
  const TrendFit& recent = fits[i - 2];
  return recent.known && recent.slope + kStatedErrors * recent.error < kStatedHalf * fit.slope;
}

std::int64_t seconds_of(WallTime t) { return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count(); }
WallTime end_of_block(std::int64_t index) { return WallTime{std::chrono::seconds((index + 1) * kBlockSeconds)}; }
Duration blocks(double count) { return from_seconds(std::min(count, kMostBlocks) * double(kBlockSeconds)); }

}  // namespace

MetricForecast::MetricForecast(ForecastKind kind, double limit) : kind_(kind), unit_(limit), limit_(limit) {}

bool MetricForecast::add(WallTime at, double value) {
  const std::int64_t seconds = seconds_of(at);
  if (!std::isfinite(value) || std::abs(seconds) > kMostBlockIndex * kBlockSeconds) return false;
  const auto block = builder_.add(seconds, value);
  if (block) take(*block);
  return block.has_value();
}

double MetricForecast::share_of(double value) const {
  if (!forecast_kind_info(kind_).factors) return std::clamp(value / unit_, 0.0, kMostShare);
  const double span = std::max(unit_ - double(base_), 1e-3 * unit_);
  return std::clamp(1 + std::log(std::max((value - double(base_)) / span, 1e-9)) / kFactorRange, 0.0, kMostFactorShare);
}

double MetricForecast::value_of(double share) const {
  if (!forecast_kind_info(kind_).factors) return share * unit_;
  const double span = std::max(unit_ - double(base_), 1e-3 * unit_);
  return double(base_) + span * std::exp((share - 1) * kFactorRange);
}

double MetricForecast::limit_share() const { return share_of(limit_); }

void MetricForecast::take(const Block& block) {
  const ForecastKindInfo& info = forecast_kind_info(kind_);
  if (info.over_base) {
    if (series_.seen() == 0 || block.low < double(base_)) base_ = float(block.low);
    base_ += float((block.low - double(base_)) * kBaseRise);
  }
  const double level = share_of(info.once ? block.mean : block.median);
  if (info.once) peak_over_ = float(std::max(share_of(block.high) - level, double(peak_over_) * kPeakKept));
  if (series_.seen() > 0 && block.index <= series_.last()) step_back(block.index);
  if (block.index > series_.last() + kMostGap) above_ = 0;
  notice_drop(block.index, level);
  series_.add(block.index, level, info.sawtooth ? share_of(block.low) : level);
  if (level >= limit_share())
    at_limit_ = true;
  else if (at_limit_ && series_.half_hour_mean() < kHarmless * limit_share()) {
    at_limit_ = false;
    series_.cap_past(kHarmless * limit_share());
  }
  outlook_ = look(level);
  judge_earlier(block.index);
  decide(block.index);
}

void MetricForecast::notice_drop(std::int64_t index, double level) {
  if (forecast_kind_info(kind_).factors || series_.seen() < TrendSeries::kBlocksPerCoarse) return;
  const double before = series_.half_hour_mean();
  const double patience =
      drops_.count < 2 ? kFirstPatience : std::max(kOverdue * double(drops_.period), kLeastPatience);
  if (drops_.count > 0 && double(index - drops_.last) > patience) drops_ = {};
  if (level >= kDrop * before || before - level < kLeastDrop || index - drops_.last < TrendSeries::kBlocksPerCoarse)
    return;
  if (before > kHarmless * limit_share()) {
    drops_ = {};
  } else {
    const auto since = float(std::min<std::int64_t>(index - drops_.last, UINT16_MAX));
    if (drops_.count == 1) drops_.period = since;
    if (drops_.count > 1) drops_.period += (since - drops_.period) / 4;
    if (drops_.count < UINT8_MAX) ++drops_.count;
    drops_.peak = std::max(drops_.peak, float(before));
    drops_.last = index;
  }
  if (drops_.count < kSawtooth) series_.restart();
}

bool MetricForecast::past_record(std::size_t window, const TrendFit& fit) const {
  if (series_.seen() < kHistoryBlocks) return false;
  const TrendPast past = series_.past(window);
  if (!past.known) return false;
  const double record = drops_.count >= kSawtooth ? std::max(past.highest, double(drops_.peak)) : past.highest;
  const double wanted = std::max(kRecordMargin * limit_share(), kRecordShare * (record - past.mean));
  const double margin = std::min(wanted, kRoomShare * std::max(0.0, limit_share() - record));
  return fit.end > record + margin && series_.half_hour_mean() > record;
}

Outlook MetricForecast::look(double level) const {
  const double limit = limit_share();
  const ForecastKindInfo& info = forecast_kind_info(kind_);
  if (level >= limit)
    return {.left = 0, .spread = float(TimeLeft::kFutureSpread), .probability = 1, .end = float(level), .firm = true};
  Outlook out;
  TimeLeft time;
  const auto fits = series_.fits();
  const double present = series_.half_hour_mean();
  double swing = 0;  // of longer windows about their lines: a rise within it is one tooth of a saw
  for (std::size_t i = fits.size(); i-- > 0;) {
    const TrendFit& fit = fits[i];
    const int window = kTrendWindows[i];
    if (!fit.known || fit.slope <= kStatedErrors * fit.error) continue;
    if (contradicted(fits, i, present) || !rises(fit, kStatedErrors, kStatedHalf, kStatedLower)) continue;
    const double growth = growth_beyond_error(fit, i > 0 ? &fits[i - 1] : nullptr),
                 slope = slope_now(fit, growth, window);
    const double envelope = fit.end + std::max(double(peak_over_), info.once ? kPeakDeviations * fit.deviation : 0);
    const double left = blocks_to_fill(limit - envelope, slope, growth);
    if (left < 0 && window >= kSettlingWindow) {  // it settles below the limit: the longer windows hold an older story
      time = {};
      out.window = out.firm_window = 0;
    }
    if (left < 0 || left > kStatedReach * window) continue;
    if (fit.slope * window < swing) continue;
    if (info.sawtooth) swing = std::max(swing, 2 * kPeakDeviations * fit.deviation);
    time.add(left, fit.error / fit.slope, slope, fit.end);
    out.window = std::max(out.window, std::uint8_t(window));
    if (rises(fit, kFirmErrors, kFirmHalf, kFirmLower) && past_record(i, fit))
      out.firm_window = std::max(out.firm_window, std::uint8_t(window));
  }
  if (!time.any()) return out;
  out.left = float(time.blocks());
  out.spread = float(time.spread());
  out.slope = float(time.slope());
  out.end = float(time.end());
  out.firm = alert() || double(out.left) <= kFirmReach * out.firm_window;
  const double horizon = to_seconds(info.horizon) / double(kBlockSeconds);
  const double sure = probability_within(horizon, double(out.left), double(out.spread) * double(scale_));
  out.probability = float(out.firm ? sure : std::min(sure, kUnproven));
  return out;
}

// A trend that has ended says nothing about how well crossings are told: the gates are there for those.
void MetricForecast::judge_earlier(std::int64_t index) {
  if (told_at_ != kNever && (index < told_at_ || index - told_at_ >= kJudgeAfter)) {
    if (outlook_.left > 0 && index > told_at_) {
      const double now_known = double(outlook_.left) + double(index - told_at_);
      const bool outside =
          std::abs(std::log(now_known / double(told_left_))) > kInterval * double(told_spread_) * double(scale_);
      scale_ = std::clamp(scale_ * (outside ? kWider : kNarrower), kLeastScale, kMostScale);
    }
    told_at_ = kNever;
  }
  if (told_at_ == kNever && outlook_.left > 0) {
    told_at_ = index;
    told_left_ = outlook_.left;
    told_spread_ = outlook_.spread;
  }
}

void MetricForecast::decide(std::int64_t index) {
  above_ =
      double(outlook_.probability) > kAlertAbove ? std::uint8_t(std::min(above_ + 1, kAlertBlocks)) : std::uint8_t(0);
  if (!alert() && above_ >= kAlertBlocks) alert_since_ = index;
  if (alert() && double(outlook_.probability) < kAlertBelow) alert_since_ = kNever;
  if (outlook_.left < 0) {
    rising_since_ = kNever;
    seen_for_ = 0;
    return;
  }
  const std::int64_t since = index - outlook_.window;
  rising_since_ = rising_since_ == kNever ? since : std::min(rising_since_, since);
  seen_for_ = std::max(seen_for_, outlook_.firm_window);
}

void MetricForecast::restarted() {
  if (!forecast_kind_info(kind_).of_process) return;
  builder_.clear();
  if (alert() || at_limit_ || series_.half_hour_mean() > kHarmless * limit_share())
    series_.cap_past(kHarmless * limit_share());
  series_.restart();
  outlook_ = {};
  peak_over_ = 0;
  above_ = seen_for_ = 0;
  at_limit_ = false;
  told_at_ = rising_since_ = alert_since_ = kNever;
}

// Whatever was noted in a future that is not reached yet again was noted now.
void MetricForecast::step_back(std::int64_t index) {
  drops_.last = std::min(drops_.last, index);
  told_at_ = kNever;
  if (rising_since_ != kNever) rising_since_ = std::min(rising_since_, index);
  if (alert_since_ != kNever) alert_since_ = std::min(alert_since_, index);
}

std::optional<Forecast> MetricForecast::forecast(std::string_view metric) const {
  if (outlook_.left < 0) return std::nullopt;
  const double q = kInterval * double(outlook_.spread) * double(scale_);
  Forecast f{.metric = std::string(metric), .level = value_of(double(outlook_.end)), .limit = limit_};
  f.slope_per_hour = double(outlook_.slope) * 3600 / double(kBlockSeconds) * unit_;
  if (forecast_kind_info(kind_).factors)
    f.slope_per_hour = double(outlook_.slope) * 3600 / double(kBlockSeconds) * kFactorRange * (f.level - double(base_));
  f.made_at = end_of_block(series_.last());
  f.reaches_at = f.made_at + blocks(double(outlook_.left));
  f.earliest = f.made_at + blocks(double(outlook_.left) * std::exp(-q));
  f.latest = f.made_at + blocks(double(outlook_.left) * std::exp(q));
  f.spread = double(outlook_.spread) * double(scale_);
  f.probability = double(outlook_.probability);
  f.horizon = forecast_kind_info(kind_).horizon;
  f.rising_since = end_of_block(rising_since_);
  if (alert()) f.alert_since = end_of_block(alert_since_);
  f.firm = outlook_.firm;
  f.may_be_burst = outlook_.firm && outlook_.left > 0 && blocks(seen_for_) <= Forecast::kYoungRise;
  return f;
}

void MetricForecast::set_limit(double limit) {
  if (limit == limit_) return;
  const double share = limit / unit_;
  if (share < kLeastLimit || share > kMostLimit) {
    *this = MetricForecast(kind_, limit);
    return;
  }
  limit_ = limit;
}

bool MetricForecast::valid() const {
  const auto is_index = [](std::int64_t i) {
    return i == kNever || (i >= -kMostBlockIndex - kHistoryBlocks && i <= kMostBlockIndex);
  };
  const auto within = [](double v, double low, double high) { return v >= low && v <= high; };  // false for NaN
  return within(unit_, 1e-12, 1e15) && within(limit_, kLeastLimit * unit_, kMostLimit * unit_) && builder_.valid() &&
         series_.valid() && is_index(series_.last()) && within(base_, -2e30, 2e30) &&
         within(peak_over_, 0, kMostShare) && within(scale_, kLeastScale, kMostScale) &&
         within(outlook_.left, -1, kMostBlocks) && within(outlook_.spread, 0, 100) &&
         within(outlook_.probability, 0, 1) && within(outlook_.slope, -1e3, 1e3) &&
         within(outlook_.end, -10, forecast_kind_info(kind_).factors ? kMostFactorShare + 1 : kMostShare + 1) &&
         outlook_.window <= kTrendWindows.back() && outlook_.firm_window <= kTrendWindows.back() &&
         seen_for_ <= kTrendWindows.back() && is_index(drops_.last) && within(drops_.peak, 0, kMostShare) &&
         within(drops_.period, 0, 1e6) && is_index(told_at_) && within(told_left_, 0, kMostBlocks) &&
         within(told_spread_, 0, 100) && is_index(rising_since_) && is_index(alert_since_) && above_ <= kAlertBlocks &&
         (outlook_.left < 0) == (rising_since_ == kNever) && (outlook_.left < 0 || series_.last() != kNever);
}

}  // namespace paramedic
