// The stored rows of many workers in the order of time, as if they came in once more: what replay and backtest read.
// Streams: of each worker only a window of rows is in memory, and the windows together take about
// RowsOptions::memory_bytes, whatever the number of workers and days. One thread; blocks on the disk.
//
//   RecordedRows rows(history, history.worker_ids(), from, to);
//   RecordedRow row;
//   for (auto more = rows.next(row); more && *more; more = rows.next(row)) …
#pragma once
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "io/history/history.h"

namespace paramedic::replay {

struct RowsOptions {
  std::vector<std::string> metrics;       // empty = all
  bool tasks = true;                      // task counts as well
  std::size_t memory_bytes = 128u << 20;  // of all windows together; one row of each worker is read whatever it takes
  Duration first_window = 1h, longest_window = 24h, shortest_window = 1min;
};

// Valid until the next call of next().
struct RecordedRow {
  const std::string* worker_id = nullptr;
  std::size_t worker = 0;  // its place in the list of workers
  WallTime at{};
  Status status = Status::unknown;
  std::optional<double> score;
  bool transition = false, backlog = false;
  const HistoryColumns* columns = nullptr;  // of its worker's window; the row's values stand at `index`
  std::size_t index = 0;
  const std::vector<TaskIncrease>* tasks = nullptr;  // null = nothing happened

  std::optional<double> metric(std::string_view name) const;  // log of the number of metrics
};

class RecordedRows {
 public:
  // Rows of [from, to). `history` outlives it.
  RecordedRows(History& history, std::vector<std::string> workers, WallTime from, WallTime to,
               RowsOptions options = RowsOptions());

  // False at the end. Errors as History::read: a damaged chunk ends the reading.
  Result<bool> next(RecordedRow& out);
  std::uint64_t rows() const { return rows_; }

 private:
  // One worker's part of the present window.
  struct Cursor {
    HistoryColumns columns;
    std::vector<TaskHistoryPoint> tasks;
    std::size_t row = 0, task = 0;
  };
  struct Head {
    std::int64_t at;  // Unix milliseconds
    std::size_t worker;
    bool operator>(const Head& o) const { return at != o.at ? at > o.at : worker > o.worker; }
  };
  Result<void> read_window();
  Result<std::size_t> read_worker(std::size_t worker, WallTime to);
  void fill(const Head& head, RecordedRow& out);

  History& history_;
  const std::vector<std::string> workers_;
  const RowsOptions options_;
  const WallTime to_;
  WallTime at_;      // where the next window begins
  Duration window_;  // its length
  std::vector<Cursor> cursors_;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
  std::optional<Head> given_;  // whose row the caller looks at
  std::uint64_t rows_ = 0;
};

}  // namespace paramedic::replay
