// Task durations: bounds 0.001·2^k seconds, k = 0…22, and +Inf. 24 counts, not cumulative over buckets; cumulative over
// time.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace paramedic {

inline constexpr std::size_t kDurationBuckets = 24;
// Upper bound of bucket k in seconds; the last is +Inf.
double duration_bound(std::size_t bucket);
std::size_t duration_bucket(double seconds);

struct DurationHistogram {
  std::array<std::uint64_t, kDurationBuckets> counts{};
  double sum_seconds = 0;

  std::uint64_t count() const;
  void observe(double seconds);
  // REQUIRES: `other` counts events that are not yet in *this (a difference, never a cumulative report).
  void add(const DurationHistogram& other);
  // What came since `earlier`; a falling count is a reset: then everything counts as new.
  DurationHistogram since(const DurationHistogram& earlier) const;
  // 0 < q < 1; linear within the bucket; nullopt when empty. The +Inf bucket answers its lower bound.
  std::optional<double> quantile_seconds(double q) const;

  bool operator==(const DurationHistogram&) const = default;
};

}  // namespace paramedic
