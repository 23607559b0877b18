#include "app/replay/recorded_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paramedic::replay {

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::int64_t to_millis(WallTime t) {
  return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

std::size_t bytes_of(const HistoryColumns& c) {
  return c.size() * (sizeof(std::int64_t) + sizeof(Status) + sizeof(double) + 1 + c.metrics.size() * sizeof(double));
}
std::size_t bytes_of(const std::vector<TaskHistoryPoint>& points) {
  std::size_t out = points.size() * sizeof(TaskHistoryPoint);
  for (const TaskHistoryPoint& point : points) out += point.tasks.size() * sizeof(TaskIncrease);
  return out;
}

}  // namespace

std::optional<double> RecordedRow::metric(std::string_view name) const {
  const auto& metrics = columns->metrics;
  const auto found = std::lower_bound(metrics.begin(), metrics.end(), name,
                                      [](const HistoryColumn& c, std::string_view n) { return c.metric < n; });
  if (found == metrics.end() || found->metric != name || std::isnan(found->values[index])) return std::nullopt;
  return found->values[index];
}

RecordedRows::RecordedRows(History& history, std::vector<std::string> workers, WallTime from, WallTime to,
                           RowsOptions options)
    : history_(history),
      workers_(std::move(workers)),
      options_(std::move(options)),
      to_(to),
      at_(from),
      window_(options_.first_window),
      cursors_(workers_.size()) {}

Result<bool> RecordedRows::next(RecordedRow& out) {
  if (given_) {
    Cursor& cursor = cursors_[given_->worker];
    if (++cursor.row < cursor.columns.size())
      heads_.push({cursor.columns.at[cursor.row], given_->worker});
    else
      cursor = Cursor();  // its memory is free before the next window
    given_.reset();
  }
  while (heads_.empty()) {
    if (at_ >= to_) return false;
    if (auto done = read_window(); !done) return done.error();
  }
  given_ = heads_.top();
  heads_.pop();
  fill(*given_, out);
  ++rows_;
  return true;
}

void RecordedRows::fill(const Head& head, RecordedRow& out) {
  Cursor& cursor = cursors_[head.worker];
  const HistoryColumns& c = cursor.columns;
  out = RecordedRow{.worker_id = &workers_[head.worker], .worker = head.worker};
  out.at = WallTime{std::chrono::milliseconds(head.at)};
  out.status = c.status[cursor.row];
  if (!std::isnan(c.score[cursor.row])) out.score = c.score[cursor.row];
  out.transition = c.marks[cursor.row] & HistoryColumns::kTransition;
  out.backlog = c.marks[cursor.row] & HistoryColumns::kBacklog;
  out.columns = &c;
  out.index = cursor.row;
  while (cursor.task < cursor.tasks.size() && to_millis(cursor.tasks[cursor.task].at) < head.at) ++cursor.task;
  if (cursor.task < cursor.tasks.size() && to_millis(cursor.tasks[cursor.task].at) == head.at)
    out.tasks = &cursor.tasks[cursor.task].tasks;
}

// The length of the next window follows from what this one took.
Result<void> RecordedRows::read_window() {
  const WallTime end = std::min(to_, at_ + window_);
  std::size_t bytes = 0;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    const auto took = read_worker(worker, end);
    if (!took) return took.error();
    bytes += *took;
  }
  const double share = double(options_.memory_bytes) / double(std::max<std::size_t>(bytes, 1));
  const double wanted = to_seconds(end - at_) * std::min(share, 4.0);  // half an empty hour says little of the next
  window_ = std::clamp(from_seconds(wanted), options_.shortest_window, options_.longest_window);
  at_ = end;
  return {};
}

Result<std::size_t> RecordedRows::read_worker(std::size_t worker, WallTime to) {
  Cursor& cursor = cursors_[worker];
  const WallTime last = to - 1ms;  // queries are closed at both ends
  if (last < at_) return std::size_t{0};
  HistoryQuery query{.worker_id = workers_[worker], .from = at_, .to = last};
  query.metrics = options_.metrics;
  query.max_rows = kNoLimit;
  auto columns = history_.read_columns(query);
  if (!columns) return columns.error();
  cursor.columns = std::move(*columns);
  if (cursor.columns.empty()) return std::size_t{0};
  if (options_.tasks) {
    TaskHistoryQuery tasks{.worker_id = workers_[worker], .from = at_, .to = last};
    tasks.step = 1ms;  // rows as they are: none are closer
    tasks.max_rows = kNoLimit;
    auto points = history_.read_tasks(tasks);
    if (!points) return points.error();
    cursor.tasks = std::move(*points);
  }
  heads_.push({cursor.columns.at.front(), worker});
  return bytes_of(cursor.columns) + bytes_of(cursor.tasks);
}

}  // namespace paramedic::replay
