// RowTracker: history rows → rows of remote write. Keeps each worker's samples in time order, and ends series that no
// longer have a value: with a stale marker a query shows a gap at once instead of the last value for five minutes.
// One thread. Holds one small record per worker until it is removed.
//
// What is remembered lives in memory only: a worker that goes away between a restart of the monitor and its first row
// afterwards gets no markers; its series end by the receiver's look-back.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "io/history/remote_write/series.h"

namespace paramedic::remote_write {

class RowTracker {
 public:
  // Appends to `out`, per worker in time order. Two live rows of one worker in the same millisecond: the later wins.
  // Rows at or before the worker's newest one are marked late and end nothing.
  void take(std::vector<HistoryRow> rows, std::vector<Row>& out);
  // The worker is gone: ends its series. Repeating it is harmless. `removed`: it is also forgotten here.
  void gone(const std::string& worker_id, WallTime at, bool removed, std::vector<Row>& out);

  std::size_t workers() const { return workers_.size(); }
  std::uint64_t collisions() const { return collisions_; }  // samples left out: another name became the same series

 private:
  struct Worker {
    std::int64_t newest_ms = std::numeric_limits<std::int64_t>::min();
    std::shared_ptr<const Columns> columns;  // of the newest live row
    std::vector<bool> present;               // which of them have a value
  };

  Row convert(const HistoryRow& row);
  void end_missing(Worker& worker, Row& row, std::vector<Row>& out);

  Shapes shapes_;
  std::map<std::string, Worker, std::less<>> workers_;
  std::uint64_t collisions_ = 0;
};

}  // namespace paramedic::remote_write
