#include "model/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paramedic {

double duration_bound(std::size_t bucket) {
  return bucket + 1 >= kDurationBuckets ? std::numeric_limits<double>::infinity()
                                        : 0.001 * double(std::uint64_t{1} << bucket);
}

std::size_t duration_bucket(double seconds) {
  std::size_t bucket = 0;
  while (bucket + 1 < kDurationBuckets && seconds > duration_bound(bucket)) ++bucket;
  return bucket;
}

std::uint64_t DurationHistogram::count() const {
  std::uint64_t total = 0;
  for (const auto n : counts) total += n;
  return total;
}

void DurationHistogram::observe(double seconds) {
  ++counts[duration_bucket(seconds)];
  sum_seconds += seconds;
}

void DurationHistogram::add(const DurationHistogram& other) {
  for (std::size_t i = 0; i < kDurationBuckets; ++i) counts[i] += other.counts[i];
  sum_seconds += other.sum_seconds;
}

DurationHistogram DurationHistogram::since(const DurationHistogram& earlier) const {
  DurationHistogram out = *this;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) {
    if (counts[i] < earlier.counts[i]) return *this;
    out.counts[i] -= earlier.counts[i];
  }
  out.sum_seconds = sum_seconds >= earlier.sum_seconds ? sum_seconds - earlier.sum_seconds : 0;
  return out;
}

std::optional<double> DurationHistogram::quantile_seconds(double q) const {
  const std::uint64_t total = count();
  if (total == 0) return std::nullopt;
  const double wanted = q * double(total);
  double below = 0;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) {
    const double here = double(counts[i]);
    if (here > 0 && below + here >= wanted) {
      const double low = i == 0 ? 0 : duration_bound(i - 1);
      if (i + 1 == kDurationBuckets) return low;
      return low + (duration_bound(i) - low) * std::max(0.0, (wanted - below) / here);
    }
    below += here;
  }
  return duration_bound(kDurationBuckets - 2);
}

}  // namespace paramedic
