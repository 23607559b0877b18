// Many parts of one worker's history as one frame. Pure.
#pragma once
#include "io/history/codec/frame.h"

namespace paramedic::history {

// Parts are added in the order in which they were written, the oldest first: of two rows of one instant the later write
// wins, whole.
class FrameMerge {
 public:
  // `part` needs no order of time (rows may stand as they arrived); all else of Frame's invariants holds.
  void add(Frame part);
  Frame finish();  // leaves it empty

 private:
  std::vector<Frame> parts_;
};

// Rows within [from, to] (milliseconds).
void cut(Frame& frame, std::int64_t from, std::int64_t to);
// Those of [from, to) apart.
Frame part_of(const Frame& frame, std::int64_t from, std::int64_t to);

}  // namespace paramedic::history
