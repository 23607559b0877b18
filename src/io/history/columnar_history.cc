#include "io/history/columnar_history.h"

#include <fmt/format.h>

#include "base/checksum.h"
#include "io/history/codec/bits.h"
#include "io/history/rollup.h"
#include "io/history/series.h"

namespace paramedic::history {

namespace {

constexpr char kLogVersion = 1;
constexpr std::size_t kMaxLogEntry = 1 << 20;  // bytes of one row of table log
constexpr std::size_t kMaxOpenRows = 4096;     // of one worker, whatever the hour
constexpr std::size_t kMaxCachedSchemas = 4096;

}  // namespace

Tier tier_of(Kind kind) {
  return kind == Kind::ten_minutes ? Tier::ten_minutes : kind == Kind::hours ? Tier::hours : Tier::raw;
}

ColumnarHistory::ColumnarHistory(HistoryOptions options, std::unique_ptr<ChunkStore> store)
    : options_(std::move(options)), store_(std::move(store)) {
  metric_names_.resize(kFirstMetric);
}

ColumnarHistory::~ColumnarHistory() { (void)flush(); }

// ---- start ----

Result<void> ColumnarHistory::start() {
  auto done = load_names();
  if (done) done = load_bounds();
  if (done) done = load_log();
  if (done) done = load_states();
  if (done) done = move_v1();
  return done;
}

Result<void> ColumnarHistory::load_names() {
  const auto damaged = [&](const char* table, std::int64_t no) {
    return make_error(Errc::corrupt, fmt::format("{}: {} {} is damaged; restore a backup", store_->where(), table, no));
  };
  // Numbers are given one after the other: a greater one is damage, and would cost memory.
  const auto load = [&](NameTable table, const char* what, std::int64_t first, std::vector<std::string>& names,
                        std::unordered_map<std::string, std::uint32_t>& numbers) {
    return store_->names(table, [&](std::int64_t no, std::string_view text) -> Result<void> {
      if (no < first || no >= std::int64_t(options_.max_names + kFirstMetric)) return damaged(what, no);
      if (std::size_t(no) >= names.size()) names.resize(std::size_t(no) + 1);
      names[std::size_t(no)] = text;
      numbers[std::string(text)] = std::uint32_t(no);
      return {};
    });
  };
  auto done = load(NameTable::metric, "metric", kFirstMetric, metric_names_, metric_numbers_);
  if (done) done = load(NameTable::task_type, "task type", 0, task_types_, task_numbers_);
  if (!done) return done;
  done = store_->names(NameTable::schema, [&](std::int64_t no, std::string_view text) -> Result<void> {
    auto parsed = parse_schema(text);
    if (!parsed) return damaged("schema", no);
    auto entry = std::make_shared<SchemaEntry>(SchemaEntry{no, std::move(*parsed), {}});
    for (const auto& metric : *entry->schema.names) entry->metrics.push_back(metric_for(metric));
    next_schema_ = std::max(next_schema_, entry->no + 1);
    schemas_by_text_[std::string(text)] = entry;
    schemas_[entry->no] = std::move(entry);
    return {};
  });
  if (!done) return done;
  std::unordered_map<std::int64_t, WorkerState*> by_no;
  done = store_->names(NameTable::worker, [&](std::int64_t no, std::string_view text) -> Result<void> {
    auto& worker = workers_[std::string(text)];
    if (worker || by_no.contains(no)) return damaged("worker", no);  // each name and each number stands once
    worker = std::make_unique<WorkerState>();
    worker->no = no;
    by_no[no] = worker.get();
    next_worker_ = std::max(next_worker_, no + 1);
    return {};
  });
  if (!done) return done;
  return store_->folded([&](std::int64_t no, std::int64_t log) {
    if (const auto found = by_no.find(no); found != by_no.end()) found->second->folded = log;
    next_log_ = std::max(next_log_, log + 1);
  });
}

Result<void> ColumnarHistory::load_bounds() {
  std::unordered_map<std::int64_t, WorkerState*> by_no;
  for (auto& [name, worker] : workers_) by_no[worker->no] = worker.get();
  auto done = store_->bounds({}, [&](std::int64_t no, Kind kind, std::int64_t t0, std::int64_t t1) {
    const auto found = by_no.find(no);
    if (found != by_no.end()) add_bound(*found->second, kind, t0, t1);
  });
  if (!done) return done;
  constexpr const char* kKeys[kTiers] = {"raw_from", "ten_minutes_from", "hours_from"};
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    const auto from = store_->meta(kKeys[tier]);
    if (!from) return from.error();
    if (*from) kept_from_[tier] = saved_from_[tier] = **from;
  }
  return {};
}

void ColumnarHistory::add_bound(WorkerState& worker, Kind kind, std::int64_t t0, std::int64_t t1) {
  if (kind < Kind::fresh || kind > Kind::hours) return;
  auto& oldest = worker.oldest[std::size_t(tier_of(kind))];
  oldest = std::min(oldest, t0);
  if (tier_of(kind) == Tier::raw) worker.newest = std::max(worker.newest, t1);
  if (kind == Kind::fresh) worker.unmerged = std::min(worker.unmerged, floor_to(t0, kDay));
}

// Rows that are in no chunk yet make up the open hours again.
Result<void> ColumnarHistory::load_log() {
  std::unordered_map<std::uint64_t, WorkerState*> by_no;
  for (auto& [name, worker] : workers_) by_no[std::uint64_t(worker->no)] = worker.get();
  return store_->log([&](std::int64_t id, std::string_view bytes) {
    load_log_entry(id, bytes, by_no);
    next_log_ = std::max(next_log_, id + 1);
  });
}

void ColumnarHistory::load_log_entry(std::int64_t id, std::string_view bytes,
                                     const std::unordered_map<std::uint64_t, WorkerState*>& by_no) {
  if (!take_checksum(bytes) || bytes.empty() || bytes.front() != kLogVersion) {
    ++damaged_;
    return;
  }
  bytes.remove_prefix(1);
  std::uint64_t no = 0, size = 0;
  while (!bytes.empty()) {
    if (!get_varint(bytes, no) || !get_varint(bytes, size) || size > bytes.size()) {
      ++damaged_;
      return;
    }
    const std::string_view row = bytes.substr(0, size);
    bytes.remove_prefix(size);
    const auto found = by_no.find(no);
    WorkerState* worker = found == by_no.end() ? nullptr : found->second;
    std::int64_t at = 0;
    if (!worker || id <= worker->folded || !row_time(row, at)) continue;
    worker->open.add(row, id, schema_of());
    worker->hour = hour_of(worker->no, at);
    if (const std::int64_t schema = row_schema(row)) schema_last_[schema] = id;
  }
}

// ---- writing ----

void ColumnarHistory::append(std::vector<HistoryRow> rows) {
  buffer_.insert(buffer_.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  if (buffer_.size() > options_.max_buffered) {
    const std::size_t surplus = buffer_.size() - options_.max_buffered;
    buffer_.erase(buffer_.begin(), buffer_.begin() + std::ptrdiff_t(surplus));
    dropped_ += surplus;
  }
  buffered_ = buffer_.size();
}

Result<void> ColumnarHistory::flush() {
  const auto rows = flush_rows();
  return rows ? write_states() : rows;
}

Result<void> ColumnarHistory::flush_rows() {
  if (buffer_.empty() && !lost_) {
    auto done = store_->idle();
    lost_ = store_->take_lost();
    degraded_ = !done;
    if (!done) ++failures_;
    if (!done || !lost_) return done;
  }
  std::vector<Fold> folds;
  auto done = store_->room();
  if (done) pack();
  if (done) done = write(0, folds);
  degraded_ = !done;
  if (!done) {
    ++failures_;
    return with_context(done.error(), "history cannot be written");
  }
  publish(folds);
  rows_ += buffer_.size();
  ++flushes_;
  buffer_.clear();
  buffered_ = 0;
  return {};
}

// Rows of the buffer as bytes, each with the number of the log entry that will carry it.
void ColumnarHistory::pack() {
  packed_.clear();
  pending_.clear();
  std::vector<std::uint32_t> types;
  std::int64_t log = next_log_;
  std::size_t entry_start = 0;
  for (HistoryRow& row : buffer_) {
    WorkerState& worker = worker_for(row.worker_id);
    const SchemaRef schema = row.metrics.size() > 0 ? schema_for(row.metrics) : nullptr;
    types.clear();
    std::erase_if(row.tasks, [&](const TaskIncrease& t) { return task_type_for(t.type) == kMaxTaskTypes; });
    for (const auto& task : row.tasks) types.push_back(task_type_for(task.type));
    const std::size_t offset = packed_.size();
    pack_row(packed_, row, schema.get(), types);
    if (packed_.size() - entry_start > kMaxLogEntry && offset > entry_start) {
      ++log;
      entry_start = offset;
    }
    if (schema) schema_last_[schema->no] = log;
    pending_.push_back(
        {&worker, offset, packed_.size() - offset, log, hour_of(worker.no, to_millis(row.at)), row.backlog});
  }
}

// One transaction: numbers, log entries, and the hours that end with these rows. Rows of format 1 up to `old_rows` go.
Result<void> ColumnarHistory::write(std::int64_t old_rows, std::vector<Fold>& folds) {
  Writing transaction(*store_);
  Result<void> done = transaction.begun();
  lost_ = store_->take_lost() || lost_;
  if (lost_) forget_saved();
  if (done) done = save_names();
  std::unordered_map<const WorkerState*, bool> seen;
  for (auto& [name, worker] : workers_) {
    if (!done || !lost_ || worker->open.empty()) continue;
    auto folded = fold(*worker);
    if (!folded) return folded.error();
    folds.push_back(*folded);
    seen.emplace(worker.get(), true);
  }
  for (std::size_t i = 0; done && i < pending_.size(); ++i) {
    WorkerState& worker = *pending_[i].worker;
    if (worker.open.empty() || pending_[i].backlog) continue;
    if (pending_[i].hour == worker.hour && worker.open.rows() < kMaxOpenRows) continue;
    if (!seen.emplace(&worker, true).second) continue;
    auto folded = fold(worker);
    if (!folded) return folded.error();
    folds.push_back(*folded);
  }
  if (done) done = write_log();
  if (done && old_rows > 0) done = store_->erase_old_rows(old_rows);
  if (done) done = transaction.commit();
  if (!done) return done;
  unsaved_.clear();
  return std::exchange(lost_, false) ? refresh_all_bounds() : done;
}

// The store lost what it had: all numbers are written again, and what is in memory as chunks.
void ColumnarHistory::forget_saved() {
  unsaved_.clear();
  for (const auto& [name, worker] : workers_) unsaved_.push_back({NameTable::worker, worker->no, name});
  for (const auto& [text, entry] : schemas_by_text_) unsaved_.push_back({NameTable::schema, entry->no, text});
  for (const auto& [name, no] : metric_numbers_) unsaved_.push_back({NameTable::metric, no, name});
  for (const auto& [name, no] : task_numbers_) unsaved_.push_back({NameTable::task_type, no, name});
}

// A reply that fails here costs no row: bounds are refreshed again with the next change of a worker's chunks.
Result<void> ColumnarHistory::refresh_all_bounds() {
  for (auto& [name, worker] : workers_)
    if (auto done = refresh_bounds(*worker); !done) break;
  return {};
}

Result<void> ColumnarHistory::write_log() {
  for (std::size_t i = 0; i < pending_.size();) {
    const std::int64_t log = pending_[i].log;
    log_entry_.assign(1, kLogVersion);
    for (; i < pending_.size() && pending_[i].log == log; ++i) {
      put_varint(log_entry_, std::uint64_t(pending_[i].worker->no));
      put_varint(log_entry_, pending_[i].size);
      log_entry_.append(packed_, pending_[i].offset, pending_[i].size);
    }
    put_checksum(log_entry_);
    if (auto done = store_->put_log(log, log_entry_); !done) return done;
  }
  return {};
}

Result<void> ColumnarHistory::save_names() {
  for (const Unsaved& u : unsaved_)
    if (auto done = store_->put_name(u.table, u.no, u.text); !done) return done;
  return {};
}

// The transaction is durable: readers may see its rows.
void ColumnarHistory::publish(const std::vector<Fold>& folds) {
  for (const Fold& fold : folds) folded(fold);
  // Built beside what readers see, then put in its place.
  std::unordered_map<WorkerState*, OpenHour> grown;
  for (const PendingRow& row : pending_) {
    OpenHour& next = grown.try_emplace(row.worker, row.worker->open).first->second;
    next.add(std::string_view(packed_).substr(row.offset, row.size), row.log, schema_of());
    if (!row.backlog || row.worker->hour == kNever) row.worker->hour = row.hour;
  }
  {
    const std::lock_guard lock(mutex_);
    for (auto& [worker, open] : grown) worker->open = std::move(open);
  }
  if (!pending_.empty()) next_log_ = pending_.back().log + 1;
  pending_.clear();
}

// ---- numbers ----

WorkerState& ColumnarHistory::worker_for(const std::string& name) {
  if (const auto found = workers_.find(name); found != workers_.end()) return *found->second;
  auto worker = std::make_unique<WorkerState>();
  worker->no = next_worker_++;
  unsaved_.push_back({NameTable::worker, worker->no, name});
  const std::lock_guard lock(mutex_);
  return *(workers_[name] = std::move(worker));
}

SchemaRef ColumnarHistory::schema_for(const MetricSet& metrics) {
  if (const auto cached = schema_cache_.find(metrics.names.get()); cached != schema_cache_.end())
    return cached->second.schema;
  Schema schema = make_schema(metrics.names);
  const std::string text = schema_text(schema);
  auto& known = schemas_by_text_[text];
  if (!known) {
    auto entry = std::make_shared<SchemaEntry>(SchemaEntry{next_schema_++, std::move(schema), {}});
    for (const auto& name : *metrics.names) entry->metrics.push_back(metric_for(name));
    unsaved_.push_back({NameTable::schema, entry->no, text});
    known = entry;
    const std::lock_guard lock(mutex_);
    schemas_[entry->no] = std::move(entry);
  }
  if (schema_cache_.size() >= kMaxCachedSchemas) schema_cache_.clear();
  schema_cache_[metrics.names.get()] = {metrics.names, known};
  return known;
}

SchemaRef ColumnarHistory::find_schema(std::int64_t no) const {
  const std::lock_guard lock(mutex_);
  const auto found = schemas_.find(no);
  return found == schemas_.end() ? nullptr : found->second;
}

// 0 = refused.
std::uint32_t ColumnarHistory::metric_for(const std::string& name) {
  if (const auto found = metric_numbers_.find(name); found != metric_numbers_.end()) return found->second;
  if (metric_numbers_.size() >= options_.max_names || metric_names_.size() >= kMaxMetrics) {
    ++names_refused_;
    return 0;
  }
  const std::lock_guard lock(mutex_);
  const auto no = std::uint32_t(metric_names_.size());
  metric_names_.push_back(name);
  metric_numbers_[name] = no;
  unsaved_.push_back({NameTable::metric, no, name});
  return no;
}

// kMaxTaskTypes = refused.
std::uint32_t ColumnarHistory::task_type_for(const std::string& name) {
  if (const auto found = task_numbers_.find(name); found != task_numbers_.end()) return found->second;
  if (task_numbers_.size() >= std::min<std::size_t>(options_.max_names, kMaxTaskTypes)) {
    ++names_refused_;
    return kMaxTaskTypes;
  }
  const std::lock_guard lock(mutex_);
  const auto no = std::uint32_t(task_types_.size());
  task_types_.push_back(name);
  task_numbers_[name] = no;
  unsaved_.push_back({NameTable::task_type, no, name});
  return no;
}

HistoryStats ColumnarHistory::stats() const {
  HistoryStats s;
  s.rows = rows_;
  s.flushes = flushes_;
  s.failures = failures_;
  s.deleted = deleted_;
  s.reads = reads_;
  s.rows_read = rows_read_;
  s.dropped = dropped_;
  s.buffered = buffered_;
  s.folds = folds_;
  s.merges = merges_;
  s.damaged = damaged_;
  s.chunks_read = chunks_read_;
  s.columns_read = columns_read_;
  s.names_refused = names_refused_;
  s.states = states_;
  s.states_refused = states_refused_;
  s.degraded = degraded_;
  s.file_bytes = store_->bytes();
  s.fenced = store_->fenced();
  s.weaker_durability = store_->weaker_durability();
  const std::lock_guard lock(mutex_);
  s.workers = workers_.size();
  for (const auto& [name, worker] : workers_) {
    s.open_rows += worker->open.rows();
    s.open_bytes += worker->open.bytes();
  }
  return s;
}

}  // namespace paramedic::history
