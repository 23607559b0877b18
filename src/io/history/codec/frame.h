// Rows of one worker as columns: what a chunk holds, and what readers compute with. Plain values; any thread.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace paramedic::history {

// Which series a column is; the meaning is the store's, not the codec's. Ids below kFirstSeries are kept for the
// codec's own columns.
using SeriesId = std::uint32_t;
inline constexpr SeriesId kFirstSeries = 8;

inline constexpr std::int32_t kNoScore = -1;

struct FrameColumn {
  SeriesId id = 0;
  std::vector<double> values;  // one per row; NaN = not known at this instant
};

// Invariants: `at` rises strictly; state, score and every column have one value per row; ids rise strictly.
struct Frame {
  std::vector<std::int64_t> at;     // Unix milliseconds
  std::vector<std::uint8_t> state;  // bits of the store
  std::vector<std::int32_t> score;  // score · 10 000, or kNoScore
  std::vector<FrameColumn> columns;

  std::size_t rows() const { return at.size(); }
  bool empty() const { return at.empty(); }
  const FrameColumn* find(SeriesId id) const {
    const auto found = std::lower_bound(columns.begin(), columns.end(), id,
                                        [](const FrameColumn& c, SeriesId wanted) { return c.id < wanted; });
    return found == columns.end() || found->id != id ? nullptr : &*found;
  }
};

}  // namespace paramedic::history
