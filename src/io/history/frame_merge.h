// Many parts of one worker's history as one frame. Pure.
#pragma once
#include <span>
#include <vector>

#include "io/history/codec/frame.h"

namespace paramedic::history {

// Parts are added in the order in which they were written, the oldest first: of two rows of one instant the later write
// wins, whole.
class FrameMerge {
 public:
  // `part` needs no order of time (rows may stand as they arrived); all else of Frame's invariants holds.
  void add(Frame part);
  Frame finish();  // leaves it empty
  // The same in several frames, the usual ones as they were added: each lies wholly before the next. Copies nothing
  // unless parts overlap.
  std::vector<Frame> finish_parts();

 private:
  std::vector<Frame> parts_;
};

// Which columns any of them has, sorted.
std::vector<SeriesId> union_of_ids(std::span<const Frame> parts);
// Rows within [from, to] (milliseconds). Of frames in order of time, those without such rows go.
void cut(Frame& frame, std::int64_t from, std::int64_t to);
void cut(std::vector<Frame>& frames, std::int64_t from, std::int64_t to);
// Those of [from, to) apart.
Frame part_of(const Frame& frame, std::int64_t from, std::int64_t to);

}  // namespace paramedic::history
