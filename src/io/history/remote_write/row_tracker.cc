#include "io/history/remote_write/row_tracker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paramedic::remote_write {

namespace {

std::int64_t unix_ms(WallTime t) { return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count(); }

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Row RowTracker::convert(const HistoryRow& row) {
  const Shape& shape = shapes_.of(row.metrics.names);
  Row out{.worker_id = row.worker_id, .at_ms = unix_ms(row.at), .columns = shape.columns};
  out.values.assign(shape.columns->size(), kAbsent);
  for (std::size_t i = 0; i < shape.from.size() && i < row.metrics.values.size(); ++i)
    if (shape.from[i] >= 0 && !std::isnan(row.metrics.values[i]))
      out.values[std::size_t(shape.from[i])] = row.metrics.values[i];
  collisions_ += shape.collisions;
  if (row.backlog) return out;  // its status and score are not known
  if (row.score && !std::isnan(*row.score)) out.values[shape.score] = *row.score;
  out.values[shape.status[std::size_t(row.status)]] = 1;
  return out;
}

// Series of the worker's newest row that this one has no value for end at this one's instant: in the row itself where
// it has the column, else in a row beside it.
void RowTracker::end_missing(Worker& worker, Row& row, std::vector<Row>& out) {
  if (!worker.columns) return;
  if (worker.columns == row.columns) {
    for (std::size_t i = 0; i < worker.present.size(); ++i)
      if (worker.present[i] && is_absent(row.values[i])) row.values[i] = stale_marker();
    return;
  }
  Row beside{.worker_id = row.worker_id, .at_ms = row.at_ms, .columns = worker.columns};
  beside.values.assign(worker.columns->size(), kAbsent);
  for (std::size_t i = 0; i < worker.present.size(); ++i) {
    if (!worker.present[i]) continue;
    const auto at = std::lower_bound(row.columns->begin(), row.columns->end(), (*worker.columns)[i]);
    if (at == row.columns->end() || *at != (*worker.columns)[i])
      beside.values[i] = stale_marker();
    else if (double& value = row.values[std::size_t(at - row.columns->begin())]; is_absent(value))
      value = stale_marker();
  }
  if (beside.samples() > 0) out.push_back(std::move(beside));
}

void RowTracker::take(std::vector<HistoryRow> rows, std::vector<Row>& out) {
  std::stable_sort(rows.begin(), rows.end(), [](const HistoryRow& a, const HistoryRow& b) {
    return a.worker_id != b.worker_id ? a.worker_id < b.worker_id : a.at < b.at;
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const HistoryRow& one = rows[i];
    if (i + 1 < rows.size() && rows[i + 1].worker_id == one.worker_id && unix_ms(rows[i + 1].at) == unix_ms(one.at))
      continue;
    Row row = convert(one);
    Worker& worker = workers_[one.worker_id];
    if (row.at_ms <= worker.newest_ms) {
      row.late = true;
      if (row.samples() > 0) out.push_back(std::move(row));
      continue;
    }
    worker.newest_ms = row.at_ms;
    if (!one.backlog) {
      std::vector<bool> present(row.values.size());
      for (std::size_t c = 0; c < present.size(); ++c) present[c] = !is_absent(row.values[c]);
      end_missing(worker, row, out);
      worker.columns = row.columns;
      worker.present = std::move(present);
    }
    if (row.samples() > 0) out.push_back(std::move(row));
  }
}

void RowTracker::gone(const std::string& worker_id, WallTime at, bool removed, std::vector<Row>& out) {
  const auto found = workers_.find(worker_id);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  if (worker.columns) {
    Row row{.worker_id = worker_id,
            .at_ms = std::max(unix_ms(at), worker.newest_ms + 1),
            .columns = std::exchange(worker.columns, nullptr)};
    row.values.assign(row.columns->size(), kAbsent);
    for (std::size_t i = 0; i < worker.present.size(); ++i)
      if (worker.present[i]) row.values[i] = stale_marker();
    worker.newest_ms = row.at_ms;
    if (row.samples() > 0) out.push_back(std::move(row));
  }
  if (removed) workers_.erase(found);
}

}  // namespace paramedic::remote_write
