#include "core/analysis/block.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

namespace {

constexpr double kMostMean = 1e30;

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

std::optional<Block> BlockBuilder::add(std::int64_t seconds, double value) {
  const std::int64_t minute = floor_div(seconds, kMinuteSeconds);
  if (minute == minute_) {
    // Saturates long before it could overflow to infinity or the count to zero.
    if (count_ < (1u << 30) && std::abs(sum_) < 1e300) {
      sum_ += value;
      ++count_;
    }
    return std::nullopt;
  }
  std::optional<Block> ended;
  if (minute_ != kNone) {
    const std::int64_t block = floor_div(minute, kBlockMinutes), open = floor_div(minute_, kBlockMinutes);
    if (minute < minute_ && block >= open - 1) return std::nullopt;
    if (block < open) {
      clear();
    } else {
      close_minute();
      if (block != open) {
        ended = finish();
        closed_ = 0;
      }
    }
  }
  minute_ = minute;
  sum_ = value;
  count_ = 1;
  return ended;
}

void BlockBuilder::close_minute() {
  if (closed_ < kBlockMinutes) means_[closed_++] = float(std::clamp(sum_ / count_, -kMostMean, kMostMean));
}

Block BlockBuilder::finish() const {
  auto sorted = means_;
  const auto end = sorted.begin() + closed_;
  std::sort(sorted.begin(), end);
  double sum = 0;
  for (auto it = sorted.begin(); it != end; ++it) sum += double(*it);
  return {.index = floor_div(minute_, kBlockMinutes),
          .mean = sum / closed_,
          .median = (double(sorted[(closed_ - 1) / 2]) + double(sorted[closed_ / 2])) / 2,
          .low = double(sorted[0]),
          .high = double(*(end - 1))};
}

bool BlockBuilder::valid() const {
  if (minute_ == kNone) return sum_ == 0 && count_ == 0 && closed_ == 0;
  if (minute_ < -kMostBlockIndex * kBlockMinutes || minute_ > kMostBlockIndex * kBlockMinutes || !std::isfinite(sum_) ||
      count_ == 0 || count_ > (1u << 30))
    return false;
  const std::int64_t before = minute_ - floor_div(minute_, kBlockMinutes) * kBlockMinutes;  // in its block
  return closed_ <= before &&
         std::all_of(means_.begin(), means_.end(), [](float m) { return std::abs(m) <= float(kMostMean); });
}

}  // namespace paramedic
