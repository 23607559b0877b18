// Record novelty: how far a value lies outside of all that was seen, in units of what was seen. The range shrinks by
// 1/20 000 of its width per sample, so that a record of long ago does not hide the next for ever. Of all statistics
// that cost next to nothing this one tells most about slow changes (docs/analysis.md). Pure; one thread.
#pragma once
#include <algorithm>
#include <cmath>

namespace paramedic {

class RecordRange {
 public:
  static constexpr float kShrink = 5e-5F;

  // 0 within the range and for the first value. `least` (> 0) keeps the width of a constant series from being nothing;
  // less than `floor` beyond the range is no news.
  float novelty(float x, float least, float floor) {
    if (lowest_ > highest_) lowest_ = highest_ = x;
    const float width = highest_ - lowest_ + least;
    const float beyond = std::max(x - highest_, lowest_ - x) - floor;
    highest_ = x > highest_ ? x : highest_ - kShrink * width;
    lowest_ = x < lowest_ ? x : lowest_ + kShrink * width;
    if (lowest_ > highest_) lowest_ = highest_ = x;  // a width of nothing but `least` shrank through itself
    return std::max(beyond, 0.0F) / width;
  }
  void forget() { lowest_ = 1, highest_ = -1; }

  bool is_sane() const { return std::fabs(lowest_) <= 1e31F && std::fabs(highest_) <= 1e31F; }
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    archive(self.lowest_);
    archive(self.highest_);
  }

 private:
  float lowest_ = 1, highest_ = -1;  // lowest > highest: nothing seen
};

}  // namespace paramedic
