// The memory that the analysis of the whole fleet may take. Full detectors are given out only while three quarters of
// it are free of use; the last quarter is for the small form, so that a large fleet is watched coarsely rather than in
// part. What fits nowhere is refused and counted. Not for several threads: the engine's.
#pragma once
#include <cstddef>
#include <cstdint>

namespace paramedic {

class AnalysisBudget {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{160} << 20;  // 10 000 workers in full
  explicit AnalysisBudget(std::size_t bytes = kDefaultBytes) : limit_(bytes) {}

  bool take_full(std::size_t bytes) {
    if (used_ + bytes > limit_ / 4 * 3) return ++degraded_, false;
    return used_ += bytes, true;
  }
  bool take_small(std::size_t bytes) {
    if (used_ + bytes > limit_) return ++refused_, false;
    return used_ += bytes, true;
  }
  void give_back(std::size_t bytes) { used_ -= bytes < used_ ? bytes : used_; }
  // A reload may lower it; then is_over() until workers were degraded (WorkerAnalysis::degrade).
  void set_limit(std::size_t bytes) { limit_ = bytes; }
  bool is_over() const { return used_ > limit_; }

  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }
  std::uint64_t degraded() const { return degraded_; }  // wishes for a full detector that got the small form
  std::uint64_t refused() const { return refused_; }    // series that got none

 private:
  std::size_t limit_, used_ = 0;
  std::uint64_t degraded_ = 0, refused_ = 0;
};

}  // namespace paramedic
