#include "io/history/sqlite_history.h"

#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "base/retention.h"
#include "base/text.h"

namespace paramedic::history {

using sqlite::Database;
using sqlite::Step;

namespace {

// Bits of log.state.
constexpr std::int64_t kStatusMask = 3, kTransition = 4, kBacklog = 8;
constexpr double kScoreScale = 10'000;
constexpr std::int64_t kVacuumPages = 4096;  // 16 MiB given back per pass: a short write lock
constexpr Duration kMaxAllowance = 6h;
constexpr Duration kMaxGap = 3h;

constexpr const char* kMigrations[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('next_id', 1), ('checkpoint', 0);"
    "CREATE TABLE worker(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL, anchor INTEGER NOT "
    "NULL,"
    " count INTEGER NOT NULL, newest INTEGER NOT NULL, oldest INTEGER NOT NULL);"
    "CREATE TABLE schema(no INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE, last INTEGER NOT NULL);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, worker INTEGER NOT NULL, at INTEGER NOT NULL, prev INTEGER NOT NULL,"
    " anchor INTEGER NOT NULL, lead INTEGER NOT NULL, oldest INTEGER, state INTEGER NOT NULL, score INTEGER,"
    " schema INTEGER NOT NULL, vals BLOB NOT NULL);",
};

std::int64_t millis(WallTime t) { return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count(); }
WallTime from_millis(std::int64_t ms) { return WallTime{std::chrono::milliseconds(ms)}; }

}  // namespace

SqliteHistory::SqliteHistory(HistoryOptions options, std::string file, Database writer)
    : options_(std::move(options)), file_(std::move(file)), writer_(std::move(writer)) {}

SqliteHistory::~SqliteHistory() {
  (void)flush();
  (void)checkpoint();
}

Result<void> SqliteHistory::start() {
  if (auto done = sqlite::migrate(writer_, kMigrations, int(std::size(kMigrations))); !done) return done;
  const auto prepare = [&](sqlite::Statement& to, const char* sql) -> Result<void> {
    auto statement = writer_.prepare(sql);
    if (!statement) return statement.error();
    to = std::move(*statement);
    return {};
  };
  auto done = prepare(insert_row_, "INSERT INTO log VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  if (done) done = prepare(insert_worker_, "INSERT INTO worker VALUES(?1, ?2, 0, 0, 0, 0, 0)");
  if (done) done = prepare(insert_schema_, "INSERT INTO schema VALUES(?1, ?2, 0)");
  if (done) done = load_schemas();
  if (done) done = load_heads();
  if (!done) return done;
  const auto checkpoint = writer_.number("SELECT value FROM meta WHERE key='checkpoint'");
  if (!checkpoint) return checkpoint.error();
  saved_ = *checkpoint;
  if (done = replay_tail(*checkpoint); !done) return done;
  const auto next = writer_.number(
      "SELECT max((SELECT value FROM meta WHERE key='next_id'), (SELECT coalesce(max(id), 0) + 1 FROM log))");
  if (!next) return next.error();
  next_id_ = *next;
  return {};
}

Result<void> SqliteHistory::load_heads() {
  auto s = writer_.prepare("SELECT no, name, last, anchor, count, newest, oldest FROM worker");
  if (!s) return s.error();
  Step step;
  while ((step = s->step()) == Step::row) {
    ChainHead head;
    head.worker = s->integer(0);
    if (s->integer(2) > 0) {
      head.last = s->integer(2);
      head.anchor = s->integer(3);
      head.count = s->integer(4);
      head.newest = s->integer(5);
      head.oldest = s->integer(6);
    }
    next_worker_ = std::max(next_worker_, head.worker + 1);
    heads_[std::string(s->text(1))] = head;
  }
  if (step == Step::failed) return writer_.error();
  return {};
}

Result<void> SqliteHistory::load_schemas() {
  auto s = writer_.prepare("SELECT no, names, last FROM schema");
  if (!s) return s.error();
  Step step;
  while ((step = s->step()) == Step::row) {
    auto parsed = parse_schema(s->text(1));
    if (!parsed)
      return make_error(Errc::corrupt, fmt::format("{}: metric names of schema {} are damaged; restore a backup", file_,
                                                   s->integer(0)));
    auto entry = std::make_shared<SchemaEntry>(SchemaEntry{s->integer(0), std::move(*parsed)});
    next_schema_ = std::max(next_schema_, entry->no + 1);
    schemas_by_no_[entry->no] = entry;
    schema_last_[entry->no] = s->integer(2);
    schemas_[std::string(s->text(1))] = std::move(entry);
  }
  if (step == Step::failed) return writer_.error();
  return {};
}

// Rows that a crash left behind the latest checkpoint bring the heads up to date, as when they were written.
Result<void> SqliteHistory::replay_tail(std::int64_t checkpoint) {
  std::unordered_map<std::int64_t, ChainHead*> by_no;
  for (auto& [name, head] : heads_) by_no[head.worker] = &head;
  auto s = writer_.prepare("SELECT id, worker, at, schema FROM log WHERE id>?1 ORDER BY id");
  if (!s) return s.error();
  s->bind(1, checkpoint);
  Step step;
  while ((step = s->step()) == Step::row) {
    if (const auto found = by_no.find(s->integer(1)); found != by_no.end())
      found->second->append(s->integer(0), s->integer(2));
    if (const auto schema = s->integer(3)) schema_last_[schema] = s->integer(0);
  }
  if (step == Step::failed) return writer_.error();
  return {};
}

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
  Batch batch;
  batch.next_id = next_id_;
  batch.next_worker = next_worker_;
  batch.next_schema = next_schema_;
  auto done = write(batch);
  degraded_ = !done;
  if (!done) {
    ++failures_;
    return with_context(done.error(), "history cannot be written");
  }
  publish(batch);
  rows_ += buffer_.size();
  ++flushes_;
  buffer_.clear();
  buffered_ = 0;
  if (++flushes_since_checkpoint_ >= options_.checkpoint_flushes) return checkpoint();
  return {};
}

Result<void> SqliteHistory::write(Batch& batch) {
  sqlite::Transaction transaction(writer_);
  Result<void> done = transaction.begun();
  for (std::size_t i = 0; done && i < buffer_.size(); ++i) done = write_row(buffer_[i], batch);
  return done ? transaction.commit() : done;
}

Result<void> SqliteHistory::write_row(const HistoryRow& row, Batch& batch) {
  auto head = head_for(row.worker_id, batch);
  if (!head) return head.error();
  std::int64_t schema_no = 0;
  std::string packed;
  if (row.metrics.size() > 0) {
    const auto schema = schema_for(row.metrics, batch);
    if (!schema) return schema.error();
    schema_no = (*schema)->no;
    batch.schema_last[schema_no] = batch.next_id;
    pack_values(packed, (*schema)->schema, row.metrics.values);
  }
  const std::int64_t id = batch.next_id++, at = millis(row.at);
  const Link link = (*head)->append(id, at);
  auto& s = insert_row_;
  s.bind(1, id).bind(2, (*head)->worker).bind(3, at).bind(4, link.prev).bind(5, link.anchor).bind(6, link.lead);
  link.oldest ? s.bind(7, *link.oldest) : s.bind_null(7);
  s.bind(8, std::int64_t(row.status) | (row.transition ? kTransition : 0) | (row.backlog ? kBacklog : 0));
  row.score ? s.bind(9, std::int64_t(std::llround(*row.score * kScoreScale))) : s.bind_null(9);
  s.bind(10, schema_no).bind_blob(11, packed);
  if (s.step() == Step::failed) return writer_.error();
  return {};
}

Result<ChainHead*> SqliteHistory::head_for(const std::string& worker, Batch& batch) {
  const auto [at, fresh] = batch.heads.try_emplace(worker);
  if (!fresh) return &at->second;
  if (const auto known = heads_.find(worker); known != heads_.end()) {
    at->second = known->second;
    return &at->second;
  }
  at->second.worker = batch.next_worker++;
  if (insert_worker_.bind(1, at->second.worker).bind(2, worker).step() == Step::failed) return writer_.error();
  return &at->second;
}

Result<SchemaRef> SqliteHistory::schema_for(const MetricSet& metrics, Batch& batch) {
  Schema schema = make_schema(metrics.names);
  const std::string text = schema_text(schema);
  if (const auto known = schemas_.find(text); known != schemas_.end()) return known->second;
  auto& entry = batch.schemas[text];
  if (entry) return entry;
  const std::int64_t no = batch.next_schema++;
  if (insert_schema_.bind(1, no).bind(2, text).step() == Step::failed) return writer_.error();
  entry = std::make_shared<SchemaEntry>(SchemaEntry{no, std::move(schema)});
  return entry;
}

// The transaction is durable: readers may follow the chains to the new rows.
void SqliteHistory::publish(Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, head] : batch.heads) heads_[name] = head;
  for (auto& [text, entry] : batch.schemas) {
    schemas_by_no_[entry->no] = entry;
    schemas_[text] = entry;
  }
  for (const auto& [no, last] : batch.schema_last) schema_last_[no] = last;
  next_id_ = batch.next_id;
  next_worker_ = batch.next_worker;
  next_schema_ = batch.next_schema;
}

// Writes the heads that changed since the last time, so that a start reads only the rows after it.
Result<void> SqliteHistory::checkpoint() {
  sqlite::Transaction transaction(writer_);
  if (!transaction.begun()) return transaction.begun();
  auto worker = writer_.prepare("UPDATE worker SET last=?2, anchor=?3, count=?4, newest=?5, oldest=?6 WHERE no=?1");
  auto schema = writer_.prepare("UPDATE schema SET last=?2 WHERE no=?1");
  auto meta = writer_.prepare("UPDATE meta SET value=CASE key WHEN 'next_id' THEN ?1 ELSE ?1-1 END");
  if (!worker || !schema || !meta) return writer_.error();
  for (const auto& [name, h] : heads_) {
    if (h.last <= saved_) continue;
    worker->bind(1, h.worker).bind(2, h.last).bind(3, h.anchor).bind(4, h.count).bind(5, h.newest).bind(6, h.oldest);
    if (worker->step() == Step::failed) return writer_.error();
  }
  for (const auto& [no, last] : schema_last_)
    if (last > saved_ && schema->bind(1, no).bind(2, last).step() == Step::failed) return writer_.error();
  if (meta->bind(1, next_id_).step() == Step::failed) return writer_.error();
  if (auto done = transaction.commit(); !done) return done;
  saved_ = next_id_ - 1;
  flushes_since_checkpoint_ = 0;
  return {};
}

// Id of the last row that may go, 0 for none. Only a run at the front of the log goes: what arrived first. Rows stamped
// in the future (the clock was wrong when they came) go in a run of their own, so that they cannot dam up what follows.
Result<std::int64_t> SqliteHistory::expired_until(Now now) {
  auto s = writer_.prepare("SELECT id, at FROM log ORDER BY id LIMIT ?1");
  if (!s) return s.error();
  s->bind(1, std::int64_t(options_.retain_batch));
  std::int64_t until = 0;
  WallTime start{}, newest{};
  bool future = false;
  Step step;
  for (bool first = true; (step = s->step()) == Step::row; first = false) {
    const WallTime at = from_millis(s->integer(1));
    const bool ahead = at > now.wall + 1h;
    if (first) {
      future = ahead;
      // Counted on from the last row that went, so that gaps between rows are paid for too (but never for ever).
      start = newest = deleted_to_ ? std::clamp(*deleted_to_, at - kMaxGap, at) : at;
    }
    const WallTime cutoff =
        future ? start + allowance_ : retention_cutoff(start, now.wall, options_.retention, allowance_ / 2);
    if (ahead != future || at >= cutoff) break;
    until = s->integer(0);
    newest = std::max(newest, at);
  }
  if (step == Step::failed) return writer_.error();
  s->reset();
  if (until) {
    allowance_ -= std::min(allowance_, newest - start);
    deleted_to_ = newest;
  }
  return until;
}

Result<RetainResult> SqliteHistory::retain(Now now) {
  if (last_retain_)
    allowance_ = std::min(kMaxAllowance, allowance_ + 2 * std::max(Duration{0}, now.steady - *last_retain_));
  last_retain_ = now.steady;
  const auto until = expired_until(now);
  if (!until) return until.error();
  RetainResult result;
  if (*until > 0) {
    sqlite::Transaction transaction(writer_);
    if (!transaction.begun()) return transaction.begun().error();
    auto s = writer_.prepare("DELETE FROM log WHERE id<=?1");
    if (!s || s->bind(1, *until).step() == Step::failed) return writer_.error();
    result.deleted = std::uint64_t(writer_.changes());
    // Ids must never come again while a chain may still point at them.
    auto meta = writer_.prepare("UPDATE meta SET value=?1 WHERE key='next_id'");
    if (!meta || meta->bind(1, next_id_).step() == Step::failed) return writer_.error();
    if (auto done = forget_before(*until + 1); !done) return done.error();
    if (auto done = transaction.commit(); !done) return done.error();
    deleted_ += result.deleted;
  }
  result.more = result.deleted >= options_.retain_batch;
  if (auto done = writer_.run(fmt::format("PRAGMA incremental_vacuum({})", kVacuumPages).c_str()); !done)
    return done.error();
  return result;
}

// Workers and metric shapes whose last row is gone.
Result<void> SqliteHistory::forget_before(std::int64_t id) {
  auto worker = writer_.prepare("DELETE FROM worker WHERE no=?1");
  auto schema = writer_.prepare("DELETE FROM schema WHERE no=?1");
  if (!worker || !schema) return writer_.error();
  const std::lock_guard lock(mutex_);
  for (auto it = heads_.begin(); it != heads_.end();) {
    if (it->second.last >= id) {
      ++it;
      continue;
    }
    if (worker->bind(1, it->second.worker).step() == Step::failed) return writer_.error();
    it = heads_.erase(it);
  }
  for (auto it = schemas_.begin(); it != schemas_.end();) {
    const std::int64_t no = it->second->no;
    if (schema_last_[no] >= id) {
      ++it;
      continue;
    }
    if (schema->bind(1, no).step() == Step::failed) return writer_.error();
    schemas_by_no_.erase(no);
    schema_last_.erase(no);
    it = schemas_.erase(it);
  }
  return {};
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
  s.degraded = degraded_;
  s.file_bytes = sqlite::file_bytes(file_);
  const std::lock_guard lock(mutex_);
  s.workers = heads_.size();
  return s;
}

}  // namespace paramedic::history

namespace paramedic {

Result<std::unique_ptr<History>> open_sqlite_history(const HistoryOptions& options) {
  std::error_code ignored;  // a directory that cannot be made is told by the open below
  std::filesystem::create_directories(options.data_dir, ignored);
  const std::string file = options.data_dir + "/history.db";
  auto writer = sqlite::Database::open(file, {.max_pages = options.max_pages, .incremental_vacuum = true});
  if (!writer) return writer.error();
  auto history = std::make_unique<history::SqliteHistory>(options, file, std::move(*writer));
  if (auto done = history->start(); !done) return done.error();
  return history;
}

}  // namespace paramedic
