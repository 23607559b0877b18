// The reading half of ColumnarHistory: any thread, own read-only connections. The open hour is copied first, then
// chunks are read: a fold in between shows its rows twice, never not at all, and twins are merged.
#include <iterator>
#include <limits>
#include <map>
#include <span>

#include <fmt/format.h>

#include "io/history/codec/chunk.h"
#include "io/history/columnar_history.h"
#include "io/history/frame_merge.h"
#include "io/history/rollup.h"
#include "io/history/series.h"

namespace paramedic::history {

namespace {

constexpr std::size_t kMaxScanned = 1'000'000;  // rows of one worker in one read: 11 days at 1 s

Error too_many(Duration range, std::size_t rows, std::size_t most) {
  const double fit = to_seconds(range) / double(std::max<std::size_t>(1, most));
  return make_error(Errc::too_large,
                    fmt::format("{} rows or more; at most {}: ask for a shorter time or a step of at least {} s", rows,
                                most, std::int64_t(fit) + 1));
}

template <class Query>
Result<void> check(const Query& query) {
  if (query.to < query.from) return make_error(Errc::invalid_argument, "end: must not be before start");
  if (query.step.count() < 0) return make_error(Errc::invalid_argument, "step: must not be negative");
  if (query.step.count() > 0 && query.step < 1ms)
    return make_error(Errc::invalid_argument, "step: must be 1 ms or more");
  if (query.step.count() > 0 && std::size_t((query.to - query.from) / query.step) > query.max_rows)
    return too_many(query.to - query.from, std::size_t((query.to - query.from) / query.step), query.max_rows);
  return {};
}

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::size_t count_rows(std::span<const Frame> parts) {
  std::size_t rows = 0;
  for (const Frame& part : parts) rows += part.rows();
  return rows;
}

constexpr std::uint8_t marks_of(std::uint8_t state) {
  return std::uint8_t((state & kTransition ? HistoryColumns::kTransition : 0) |
                      (state & kBacklog ? HistoryColumns::kBacklog : 0));
}

std::int64_t step_millis(Duration step) { return std::chrono::duration_cast<std::chrono::milliseconds>(step).count(); }

const char* suffix(Stat stat) {
  return stat == Stat::mean ? "" : stat == Stat::min ? "_min" : stat == Stat::max ? "_max" : "_p95";
}

TaskIncrease* task_of(std::map<std::string, TaskIncrease>& tasks, const std::string& type) {
  TaskIncrease& task = tasks[type];
  task.type = type;
  return &task;
}

void set_field(TaskIncrease& task, std::uint32_t field, double value) {
  const auto count = value > 0 && value < 1e18 ? std::uint64_t(value) : 0;
  std::uint64_t* const counts[kTaskCounts] = {&task.completed, &task.failed, &task.retried, &task.revoked, &task.lost};
  if (field < kTaskCounts)
    *counts[field] = count;
  else if (field == kTaskSum)
    task.durations.sum_seconds = value;
  else if (field >= kTaskBucket && field < kTaskBucket + kDurationBuckets)
    task.durations.counts[field - kTaskBucket] = count;
}

}  // namespace

// ---- collecting ----

bool ColumnarHistory::Selection::wants(SeriesId id) const {
  if (is_task(id)) return tasks && (!task_type || *task_type == task_type_of(id));
  if (id == kWeight) return true;
  return !tasks && (all || std::binary_search(metrics.begin(), metrics.end(), metric_of(id)));
}

ColumnarHistory::Selection ColumnarHistory::select(const HistoryQuery& query) const {
  Selection out;
  out.all = query.metrics.empty();
  const std::lock_guard lock(mutex_);
  for (const auto& name : query.metrics)
    if (const auto found = metric_numbers_.find(name); found != metric_numbers_.end())
      out.metrics.push_back(found->second);
  std::sort(out.metrics.begin(), out.metrics.end());
  return out;
}

// All chunks of one tier that overlap [from, to], and the open hour on top: it is newer than any chunk. In order of
// time.
Result<std::vector<Frame>> ColumnarHistory::collect_tier(ChunkStore::Snapshot& view, std::int64_t worker, Tier tier,
                                                         std::int64_t from, std::int64_t to, const Selection& selection,
                                                         Frame* open) {
  FrameMerge merge;
  const auto wants = [&](SeriesId id) {
    const bool wanted = selection.wants(id);
    columns_read_ += wanted;
    return wanted;
  };
  const Kind last = tier == Tier::raw ? Kind::day : tier == Tier::ten_minutes ? Kind::ten_minutes : Kind::hours;
  std::size_t scanned = 0;
  const auto take = [&](const ChunkHead& head, std::string_view data) -> Result<void> {
    scanned += std::size_t(head.rows);
    if (scanned > kMaxScanned)
      return make_error(Errc::too_large, fmt::format("more than {} rows to read: ask for a shorter time", kMaxScanned));
    const auto chunk = ChunkReader::open(data);
    auto frame = chunk ? chunk->frame(wants) : Result<Frame>(chunk.error());
    if (!frame) {
      ++damaged_;
      return with_context(frame.error(), fmt::format("{}: chunk {}: restore a backup or wait until it expires",
                                                     store_->where(), head.id));
    }
    ++chunks_read_;
    merge.add(std::move(*frame));
    return {};
  };
  auto done = view.chunks(worker, tier == Tier::raw ? Kind::fresh : last, last, from, to, take);
  if (!done) return done.error();
  if (open) merge.add(std::move(*open));
  std::vector<Frame> out = merge.finish_parts();
  cut(out, from, to);
  return out;
}

// A store without snapshots of its own may find that a merge took a chunk away meanwhile.
Result<std::vector<Frame>> ColumnarHistory::collect(const std::string& name, std::int64_t from, std::int64_t to,
                                                    const Selection& selection, bool rollups) {
  auto parts = collect_once(name, from, to, selection, rollups);
  for (int again = 0; again < 5 && !parts && parts.error().code == Errc::conflict; ++again)
    parts = collect_once(name, from, to, selection, rollups);
  return parts;
}

// Parts in order of time: hours, ten minutes (both only with `rollups`, and only before the oldest raw row), raw.
Result<std::vector<Frame>> ColumnarHistory::collect_once(const std::string& name, std::int64_t from, std::int64_t to,
                                                         const Selection& selection, bool rollups) {
  std::int64_t worker = 0;
  OpenHour open;
  std::array<std::int64_t, kTiers> oldest{};
  {
    const std::lock_guard lock(mutex_);
    const auto found = workers_.find(name);
    if (found == workers_.end()) return std::vector<Frame>();
    worker = found->second->no;
    oldest = found->second->oldest;
    if (found->second->open.oldest() <= to) open = found->second->open;
    oldest[0] = std::min(oldest[0], found->second->open.oldest());
  }
  // Unpacked before the chunks are read: a shape that the open hour still needs may be forgotten once it is folded.
  Frame newest = open.frame(schema_of(), [&](SeriesId id) { return selection.wants(id); });
  auto view = store_->snapshot();
  if (!view) return view.error();
  std::vector<Frame> parts;
  const auto add = [&](Tier tier, std::int64_t first, std::int64_t last) -> Result<void> {
    if (first > last) return {};
    auto found = collect_tier(**view, worker, tier, first, last, selection, tier == Tier::raw ? &newest : nullptr);
    if (!found) return found.error();
    std::move(found->begin(), found->end(), std::back_inserter(parts));
    return {};
  };
  Result<void> done;
  if (rollups && from < oldest[0]) {
    const std::int64_t raw_from = oldest[0] == kNever ? kNever : floor_to(oldest[0], 10 * kMinute);
    const std::int64_t ten_from = std::min(oldest[1], raw_from);
    const std::int64_t hours_to = ten_from == kNever ? to : std::min(to, floor_to(ten_from, kHour) - 1);
    done = add(Tier::hours, from, hours_to);
    if (done && ten_from != kNever) done = add(Tier::ten_minutes, std::max(from, ten_from), std::min(to, raw_from - 1));
  }
  if (done) done = add(Tier::raw, from, to);
  if (done) done = (*view)->end();
  if (!done) return done.error();
  for (const Frame& part : parts) rows_read_ += part.rows();
  return parts;
}

// ---- answers ----

// Sorted by name; of two with one name the metric that is really called so keeps its place.
std::vector<std::pair<std::string, SeriesId>> ColumnarHistory::named_columns(std::span<const Frame> parts) const {
  std::map<std::string, SeriesId> named;
  const std::vector<SeriesId> ids = union_of_ids(parts);
  const std::lock_guard lock(mutex_);
  for (const SeriesId id : ids) {
    if (!is_metric(id) || metric_of(id) >= metric_names_.size()) continue;
    const auto [at, fresh] = named.try_emplace(metric_names_[metric_of(id)] + suffix(stat_of(id)), id);
    if (!fresh && stat_of(id) == Stat::mean) at->second = id;
  }
  return {named.begin(), named.end()};
}

HistoryColumns ColumnarHistory::columns_of(std::span<const Frame> parts) const {
  HistoryColumns out;
  const std::size_t rows = count_rows(parts);
  out.at.reserve(rows);
  out.status.reserve(rows);
  out.score.reserve(rows);
  out.marks.reserve(rows);
  for (const Frame& part : parts) {
    out.at.insert(out.at.end(), part.at.begin(), part.at.end());
    for (const std::uint8_t state : part.state) {
      out.status.push_back(Status(state & kStatusBits));
      out.marks.push_back(marks_of(state));
    }
    for (const std::int32_t score : part.score) out.score.push_back(score == kNoScore ? kNone : double(score) / 10'000);
  }
  for (auto& [name, id] : named_columns(parts)) {
    auto& values = out.metrics.emplace_back(HistoryColumn{std::move(name), {}}).values;
    values.reserve(rows);
    for (const Frame& part : parts) {
      if (const FrameColumn* column = part.find(id))
        values.insert(values.end(), column->values.begin(), column->values.end());
      else
        values.resize(values.size() + part.rows(), kNone);
    }
  }
  return out;
}

Result<std::vector<HistoryRow>> ColumnarHistory::read(const HistoryQuery& query) {
  const auto columns = read_columns(query);
  if (!columns) return columns.error();
  return rows_of(*columns, query.worker_id);
}

Result<HistoryColumns> ColumnarHistory::read_columns(const HistoryQuery& query) {
  if (auto ok = check(query); !ok) return ok.error();
  ++reads_;
  const bool stepped = query.step.count() > 0;
  auto parts = collect(query.worker_id, to_millis(query.from), to_millis(query.to), select(query), stepped);
  if (!parts) return parts.error();
  if (!stepped) {
    if (const std::size_t rows = count_rows(*parts); rows > query.max_rows)
      return too_many(query.to - query.from, rows, query.max_rows);
    return columns_of(*parts);
  }
  RollUpOptions options{.step = step_millis(query.step), .p95 = query.p95, .decimals = [this](std::uint32_t metric) {
                          const std::lock_guard lock(mutex_);
                          return metric < metric_names_.size() ? metric_decimals(metric_names_[metric]) : 3;
                        }};
  const Frame steps = roll_up(*parts, options);
  return columns_of(std::span(&steps, 1));
}

Result<std::vector<TaskHistoryPoint>> ColumnarHistory::read_tasks(const TaskHistoryQuery& query) {
  if (auto ok = check(query); !ok) return ok.error();
  if (query.step.count() == 0) return make_error(Errc::invalid_argument, "step: must be 1 ms or more");
  ++reads_;
  Selection selection{.metrics = {}, .all = false, .tasks = true, .task_type = {}};
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    names = task_types_;
    if (!query.type.empty()) {
      const auto found = task_numbers_.find(query.type);
      if (found == task_numbers_.end()) return std::vector<TaskHistoryPoint>();
      selection.task_type = found->second;
    }
  }
  const auto parts = collect(query.worker_id, to_millis(query.from), to_millis(query.to), selection, true);
  if (!parts) return parts.error();
  const Frame steps = roll_up(*parts, {.step = step_millis(query.step), .p95 = false, .decimals = {}});
  std::vector<TaskHistoryPoint> out;
  std::size_t cells = 0;
  for (std::size_t i = 0; i < steps.rows(); ++i) {
    std::map<std::string, TaskIncrease> tasks;
    for (const FrameColumn& column : steps.columns)
      if (is_task(column.id) && task_type_of(column.id) < names.size() && column.values[i] > 0)
        set_field(*task_of(tasks, names[task_type_of(column.id)]), task_field_of(column.id), column.values[i]);
    if (tasks.empty()) continue;
    if ((cells += tasks.size()) > query.max_rows) return too_many(query.to - query.from, cells, query.max_rows);
    auto& point = out.emplace_back(TaskHistoryPoint{from_millis(steps.at[i]), {}});
    for (auto& [type, task] : tasks) point.tasks.push_back(std::move(task));
  }
  return out;
}

std::vector<std::string> ColumnarHistory::worker_ids() const {
  std::vector<std::string> out;
  {
    const std::lock_guard lock(mutex_);
    out.reserve(workers_.size());
    for (const auto& [name, worker] : workers_) out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace paramedic::history
