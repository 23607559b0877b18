#include "io/history/sqlite_history.h"

#include <filesystem>

#include <fmt/format.h>

#include "io/history/codec/bits.h"
#include "io/history/codec/checksum.h"
#include "io/history/rollup.h"
#include "io/history/series.h"

namespace paramedic::history {

using sqlite::Database;
using sqlite::Step;

namespace {

constexpr char kLogVersion = 1;
constexpr std::size_t kMaxLogEntry = 1 << 20;  // bytes of one row of table log
constexpr std::size_t kMaxOpenRows = 4096;     // of one worker, whatever the hour
constexpr std::size_t kMaxCachedSchemas = 4096;

constexpr const char* kMigrations[] = {
    // 1: one log of single rows, chained by worker.
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('next_id', 1), ('checkpoint', 0);"
    "CREATE TABLE worker(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL, anchor INTEGER NOT "
    "NULL,"
    " count INTEGER NOT NULL, newest INTEGER NOT NULL, oldest INTEGER NOT NULL);"
    "CREATE TABLE schema(no INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE, last INTEGER NOT NULL);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, worker INTEGER NOT NULL, at INTEGER NOT NULL, prev INTEGER NOT NULL,"
    " anchor INTEGER NOT NULL, lead INTEGER NOT NULL, oldest INTEGER, state INTEGER NOT NULL, score INTEGER,"
    " schema INTEGER NOT NULL, vals BLOB NOT NULL);",
    // 2: one log entry per commit, columnar chunks. The old rows are moved by move_v1(), batch by batch.
    "ALTER TABLE log RENAME TO log_v1;"
    "DELETE FROM meta;"
    "ALTER TABLE worker RENAME TO worker_v1;"
    "CREATE TABLE worker(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folded INTEGER NOT NULL);"
    "INSERT INTO worker SELECT no, name, 0 FROM worker_v1;"
    "DROP TABLE worker_v1;"
    "ALTER TABLE schema DROP COLUMN last;"
    "CREATE TABLE metric(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE task_type(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, rows BLOB NOT NULL);"
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, worker INTEGER NOT NULL, kind INTEGER NOT NULL, t0 INTEGER NOT NULL,"
    " t1 INTEGER NOT NULL, rows INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX chunk_by_worker ON chunk(worker, t0, t1, kind);",
};

Tier tier_of(Kind kind) {
  return kind == Kind::ten_minutes ? Tier::ten_minutes : kind == Kind::hours ? Tier::hours : Tier::raw;
}

}  // namespace

SqliteHistory::SqliteHistory(HistoryOptions options, std::string file, Database writer)
    : options_(std::move(options)), file_(std::move(file)), writer_(std::move(writer)) {
  metric_names_.resize(kFirstMetric);
}

SqliteHistory::~SqliteHistory() { (void)flush(); }

// ---- start ----

Result<void> SqliteHistory::start() {
  if (auto done = sqlite::migrate(writer_, kMigrations, int(std::size(kMigrations))); !done) return done;
  auto done = prepare();
  if (done) done = load_names();
  if (done) done = load_bounds();
  if (done) done = load_log();
  if (done) done = move_v1();
  return done;
}

Result<void> SqliteHistory::prepare() {
  // A log that once grew gives its disk back.
  if (auto done = writer_.run("PRAGMA journal_size_limit=16777216"); !done) return done;
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&insert_log_, "INSERT INTO log VALUES(?1, ?2)"},
      {&insert_chunk_, "INSERT INTO chunk(worker, kind, t0, t1, rows, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
      {&insert_worker_, "INSERT INTO worker VALUES(?1, ?2, 0)"},
      {&insert_schema_, "INSERT INTO schema VALUES(?1, ?2)"},
      {&insert_metric_, "INSERT INTO metric VALUES(?1, ?2)"},
      {&insert_task_type_, "INSERT INTO task_type VALUES(?1, ?2)"},
      {&set_folded_, "UPDATE worker SET folded=?2 WHERE no=?1"},
      {&delete_chunk_, "DELETE FROM chunk WHERE id=?1"},
  };
  for (const auto& [to, sql] : statements) {
    auto statement = writer_.prepare(sql);
    if (!statement) return statement.error();
    *to = std::move(*statement);
  }
  return {};
}

Result<void> SqliteHistory::load_names() {
  const auto each = [&](const char* sql, const auto& take) -> Result<void> {
    auto s = writer_.prepare(sql);
    if (!s) return s.error();
    Step step;
    while ((step = s->step()) == Step::row)
      if (auto done = take(*s); !done) return done;
    if (step == Step::failed) return writer_.error();
    return {};
  };
  const auto name = [](std::vector<std::string>& names, std::unordered_map<std::string, std::uint32_t>& numbers,
                       sqlite::Statement& s) {
    const auto no = std::size_t(s.integer(0));
    if (no >= names.size()) names.resize(no + 1);
    names[no] = s.text(1);
    numbers[names[no]] = std::uint32_t(no);
  };
  const auto damaged = [&](const char* table, std::int64_t no) {
    return make_error(Errc::corrupt, fmt::format("{}: {} {} is damaged; restore a backup", file_, table, no));
  };
  // Numbers are given one after the other: a greater one is damage, and would cost memory.
  const auto most = std::int64_t(options_.max_names + kFirstMetric);
  auto done = each("SELECT no, name FROM metric", [&](sqlite::Statement& s) -> Result<void> {
    if (s.integer(0) < kFirstMetric || s.integer(0) >= most) return damaged("metric", s.integer(0));
    name(metric_names_, metric_numbers_, s);
    return {};
  });
  if (!done) return done;
  done = each("SELECT no, name FROM task_type", [&](sqlite::Statement& s) -> Result<void> {
    if (s.integer(0) < 0 || s.integer(0) >= most) return damaged("task type", s.integer(0));
    name(task_types_, task_numbers_, s);
    return {};
  });
  if (!done) return done;
  done = each("SELECT no, names FROM schema", [&](sqlite::Statement& s) -> Result<void> {
    auto parsed = parse_schema(s.text(1));
    if (!parsed) return damaged("schema", s.integer(0));
    auto entry = std::make_shared<SchemaEntry>(SchemaEntry{s.integer(0), std::move(*parsed), {}});
    for (const auto& metric : *entry->schema.names) entry->metrics.push_back(metric_for(metric));
    next_schema_ = std::max(next_schema_, entry->no + 1);
    schemas_by_text_[std::string(s.text(1))] = entry;
    schemas_[entry->no] = std::move(entry);
    return {};
  });
  if (!done) return done;
  return each("SELECT no, name, folded FROM worker", [&](sqlite::Statement& s) -> Result<void> {
    auto& worker = workers_[std::string(s.text(1))];
    worker = std::make_unique<WorkerState>();
    worker->no = s.integer(0);
    worker->folded = s.integer(2);
    next_worker_ = std::max(next_worker_, worker->no + 1);
    next_log_ = std::max(next_log_, worker->folded + 1);
    return {};
  });
}

Result<void> SqliteHistory::load_bounds() {
  std::unordered_map<std::int64_t, WorkerState*> by_no;
  for (auto& [name, worker] : workers_) by_no[worker->no] = worker.get();
  auto s = writer_.prepare("SELECT worker, kind, min(t0), max(t1) FROM chunk GROUP BY worker, kind");
  if (!s) return s.error();
  Step step;
  while ((step = s->step()) == Step::row) {
    const auto found = by_no.find(s->integer(0));
    const auto kind = Kind(s->integer(1));
    if (found == by_no.end() || kind < Kind::fresh || kind > Kind::hours) continue;
    WorkerState& worker = *found->second;
    auto& oldest = worker.oldest[std::size_t(tier_of(kind))];
    oldest = std::min(oldest, s->integer(2));
    if (tier_of(kind) == Tier::raw) worker.newest = std::max(worker.newest, s->integer(3));
    if (kind == Kind::fresh) worker.unmerged = floor_to(s->integer(2), kDay);
  }
  if (step == Step::failed) return writer_.error();
  constexpr const char* kKeys[kTiers] = {"raw_from", "ten_minutes_from", "hours_from"};
  auto meta = writer_.prepare("SELECT value FROM meta WHERE key=?1");
  if (!meta) return meta.error();
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    if (meta->bind(1, std::string_view(kKeys[tier])).step() != Step::row) continue;
    kept_from_[tier] = saved_from_[tier] = meta->integer(0);
    meta->reset();
  }
  return {};
}

// Rows that are in no chunk yet make up the open hours again.
Result<void> SqliteHistory::load_log() {
  std::unordered_map<std::uint64_t, WorkerState*> by_no;
  for (auto& [name, worker] : workers_) by_no[std::uint64_t(worker->no)] = worker.get();
  auto s = writer_.prepare("SELECT id, rows FROM log ORDER BY id");
  if (!s) return s.error();
  Step step;
  while ((step = s->step()) == Step::row) {
    load_log_entry(s->integer(0), s->blob(1), by_no);
    next_log_ = std::max(next_log_, s->integer(0) + 1);
  }
  if (step == Step::failed) return writer_.error();
  return {};
}

void SqliteHistory::load_log_entry(std::int64_t id, std::string_view bytes,
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

void SqliteHistory::append(std::vector<HistoryRow> rows) {
  buffer_.insert(buffer_.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  if (buffer_.size() > options_.max_buffered) {
    const std::size_t surplus = buffer_.size() - options_.max_buffered;
    buffer_.erase(buffer_.begin(), buffer_.begin() + std::ptrdiff_t(surplus));
    dropped_ += surplus;
  }
  buffered_ = buffer_.size();
}

Result<void> SqliteHistory::flush() {
  if (buffer_.empty()) return {};
  std::vector<Fold> folds;
  pack();
  auto done = write(nullptr, folds);
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
void SqliteHistory::pack() {
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

// One transaction: numbers, log entries, and the hours that end with these rows. `also` runs in it too.
Result<void> SqliteHistory::write(const char* also, std::vector<Fold>& folds) {
  sqlite::Transaction transaction(writer_);
  Result<void> done = transaction.begun();
  if (done) done = save_names();
  std::unordered_map<const WorkerState*, bool> seen;
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
  if (done && also) done = writer_.run(also);
  if (done) done = transaction.commit();
  if (done) unsaved_.clear();
  return done;
}

Result<void> SqliteHistory::write_log() {
  for (std::size_t i = 0; i < pending_.size();) {
    const std::int64_t log = pending_[i].log;
    log_entry_.assign(1, kLogVersion);
    for (; i < pending_.size() && pending_[i].log == log; ++i) {
      put_varint(log_entry_, std::uint64_t(pending_[i].worker->no));
      put_varint(log_entry_, pending_[i].size);
      log_entry_.append(packed_, pending_[i].offset, pending_[i].size);
    }
    put_checksum(log_entry_);
    if (insert_log_.bind(1, log).bind_blob(2, log_entry_).step() == Step::failed) return writer_.error();
  }
  return {};
}

Result<void> SqliteHistory::save_names() {
  for (const Unsaved& u : unsaved_) {
    auto& s = u.table == Unsaved::Table::worker   ? insert_worker_
              : u.table == Unsaved::Table::schema ? insert_schema_
              : u.table == Unsaved::Table::metric ? insert_metric_
                                                  : insert_task_type_;
    if (s.bind(1, u.no).bind(2, std::string_view(u.text)).step() == Step::failed) return writer_.error();
  }
  return {};
}

// The transaction is durable: readers may see its rows.
void SqliteHistory::publish(const std::vector<Fold>& folds) {
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

WorkerState& SqliteHistory::worker_for(const std::string& name) {
  if (const auto found = workers_.find(name); found != workers_.end()) return *found->second;
  auto worker = std::make_unique<WorkerState>();
  worker->no = next_worker_++;
  unsaved_.push_back({Unsaved::Table::worker, worker->no, name});
  const std::lock_guard lock(mutex_);
  return *(workers_[name] = std::move(worker));
}

SchemaRef SqliteHistory::schema_for(const MetricSet& metrics) {
  if (const auto cached = schema_cache_.find(metrics.names.get()); cached != schema_cache_.end())
    return cached->second.schema;
  Schema schema = make_schema(metrics.names);
  const std::string text = schema_text(schema);
  auto& known = schemas_by_text_[text];
  if (!known) {
    auto entry = std::make_shared<SchemaEntry>(SchemaEntry{next_schema_++, std::move(schema), {}});
    for (const auto& name : *metrics.names) entry->metrics.push_back(metric_for(name));
    unsaved_.push_back({Unsaved::Table::schema, entry->no, text});
    known = entry;
    const std::lock_guard lock(mutex_);
    schemas_[entry->no] = std::move(entry);
  }
  if (schema_cache_.size() >= kMaxCachedSchemas) schema_cache_.clear();
  schema_cache_[metrics.names.get()] = {metrics.names, known};
  return known;
}

SchemaRef SqliteHistory::find_schema(std::int64_t no) const {
  const std::lock_guard lock(mutex_);
  const auto found = schemas_.find(no);
  return found == schemas_.end() ? nullptr : found->second;
}

// 0 = refused.
std::uint32_t SqliteHistory::metric_for(const std::string& name) {
  if (const auto found = metric_numbers_.find(name); found != metric_numbers_.end()) return found->second;
  if (metric_numbers_.size() >= options_.max_names || metric_names_.size() >= kMaxMetrics) {
    ++names_refused_;
    return 0;
  }
  const std::lock_guard lock(mutex_);
  const auto no = std::uint32_t(metric_names_.size());
  metric_names_.push_back(name);
  metric_numbers_[name] = no;
  unsaved_.push_back({Unsaved::Table::metric, no, name});
  return no;
}

// kMaxTaskTypes = refused.
std::uint32_t SqliteHistory::task_type_for(const std::string& name) {
  if (const auto found = task_numbers_.find(name); found != task_numbers_.end()) return found->second;
  if (task_numbers_.size() >= std::min<std::size_t>(options_.max_names, kMaxTaskTypes)) {
    ++names_refused_;
    return kMaxTaskTypes;
  }
  const std::lock_guard lock(mutex_);
  const auto no = std::uint32_t(task_types_.size());
  task_types_.push_back(name);
  task_numbers_[name] = no;
  unsaved_.push_back({Unsaved::Table::task_type, no, name});
  return no;
}

HistoryStats SqliteHistory::stats() const {
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
  s.degraded = degraded_;
  s.file_bytes = sqlite::file_bytes(file_);
  const std::lock_guard lock(mutex_);
  s.workers = workers_.size();
  for (const auto& [name, worker] : workers_) {
    s.open_rows += worker->open.rows();
    s.open_bytes += worker->open.bytes();
  }
  return s;
}

}  // namespace paramedic::history

namespace paramedic {

namespace {
// Each day chunk (some 40 KB) wastes half a page on average.
constexpr int kPageSize = 1024;
}  // namespace

Result<std::unique_ptr<History>> open_sqlite_history(const HistoryOptions& options) {
  std::error_code ignored;  // a directory that cannot be made is told by the open below
  std::filesystem::create_directories(options.data_dir, ignored);
  const std::string file = options.data_dir + "/history.db";
  auto writer = sqlite::Database::open(
      file, {.max_pages = options.max_pages, .incremental_vacuum = true, .page_size = kPageSize});
  if (!writer) return writer.error();
  auto history = std::make_unique<history::SqliteHistory>(options, file, std::move(*writer));
  if (auto done = history->start(); !done) return done.error();
  return history;
}

}  // namespace paramedic
