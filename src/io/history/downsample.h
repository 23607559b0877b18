// Pure steps between stored rows and an answer. Any thread.
#pragma once
#include <vector>

#include "base/clock.h"
#include "model/history_row.h"

namespace paramedic::history {

// Sorts by instant (milliseconds); of rows of one instant the first in the list stays (the list comes newest write
// first).
void sort_and_merge(std::vector<HistoryRow>& newest_first);
// One row per step that has any: start of the step, worst status, lowest score, NAME = mean, NAME_min, NAME_max.
// REQUIRES: rows sorted, step > 0.
std::vector<HistoryRow> downsample(const std::vector<HistoryRow>& rows, Duration step);

}  // namespace paramedic::history
