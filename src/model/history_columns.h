// Stored points of one worker as columns: the form of answers with very many numbers. Plain values; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/history_row.h"

namespace paramedic {

struct HistoryColumn {
  std::string metric;
  std::vector<double> values;  // one per instant; NaN = not known at this instant
};

// Invariants: `at` rises strictly; status, score, marks and every column have one entry per instant; metrics are sorted
// and unique.
struct HistoryColumns {
  static constexpr std::uint8_t kTransition = 1, kBacklog = 2;  // as in HistoryRow

  std::vector<std::int64_t> at;  // Unix milliseconds
  std::vector<Status> status;
  std::vector<double> score;        // NaN = none
  std::vector<std::uint8_t> marks;  // kTransition | kBacklog
  std::vector<HistoryColumn> metrics;

  std::size_t size() const { return at.size(); }
  bool empty() const { return at.empty(); }
};

// The same as rows. A row without any known metric has no names; all others share one list.
std::vector<HistoryRow> rows_of(const HistoryColumns& columns, const std::string& worker_id);

}  // namespace paramedic
