#include "io/history/sqlite_chunk_store.h"

#include <filesystem>

#include <fmt/format.h>

#include "io/history/columnar_history.h"
#include "io/history/rollup.h"

namespace paramedic::history {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Step;

namespace {

constexpr std::int64_t kVacuumPages = 4096;  // given back per pass: a short write lock
constexpr std::size_t kMaxIdleReaders = 8;

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
    // 3: what the analysis has learned.
    "CREATE TABLE state(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, data BLOB NOT NULL);",
};

const char* table_name(NameTable table) {
  return table == NameTable::worker   ? "worker"
         : table == NameTable::schema ? "schema"
         : table == NameTable::metric ? "metric"
                                      : "task_type";
}

ChunkHead head_of(const Statement& s) {
  return {.id = s.integer(0), .kind = Kind(s.integer(1)), .t0 = s.integer(2), .t1 = s.integer(3), .rows = s.integer(4)};
}

}  // namespace

// ---- start ----

Result<void> SqliteChunkStore::start() {
  if (auto done = sqlite::migrate(writer_, kMigrations, int(std::size(kMigrations))); !done) return done;
  // A log that once grew gives its disk back.
  if (auto done = writer_.run("PRAGMA journal_size_limit=16777216"); !done) return done;
  const std::pair<Statement*, const char*> statements[] = {
      {&insert_log_, "INSERT INTO log VALUES(?1, ?2)"},
      {&insert_chunk_, "INSERT INTO chunk(worker, kind, t0, t1, rows, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
      {&insert_worker_, "INSERT INTO worker VALUES(?1, ?2, 0)"},
      {&insert_schema_, "INSERT INTO schema VALUES(?1, ?2)"},
      {&insert_metric_, "INSERT INTO metric VALUES(?1, ?2)"},
      {&insert_task_type_, "INSERT INTO task_type VALUES(?1, ?2)"},
      {&set_folded_, "UPDATE worker SET folded=?2 WHERE no=?1"},
      {&delete_chunk_, "DELETE FROM chunk WHERE id=?1"},
      {&put_state_, "INSERT INTO state(name, at, data) VALUES(?1, ?2, ?3) ON CONFLICT(name) DO UPDATE SET at=?2, data=?3"},
      {&delete_state_, "DELETE FROM state WHERE name=?1"},
  };
  for (const auto& [to, sql] : statements) {
    auto statement = writer_.prepare(sql);
    if (!statement) return statement.error();
    *to = std::move(*statement);
  }
  return {};
}

Result<void> SqliteChunkStore::each_row(const char* sql, const std::function<Result<void>(Statement&)>& take) {
  auto s = writer_.prepare(sql);
  if (!s) return s.error();
  Step step;
  while ((step = s->step()) == Step::row)
    if (auto done = take(*s); !done) return done;
  if (step == Step::failed) return writer_.error();
  return {};
}

Result<void> SqliteChunkStore::names(NameTable table, const EachName& each) {
  return each_row(fmt::format("SELECT * FROM {}", table_name(table)).c_str(),
                  [&](Statement& s) { return each(s.integer(0), s.text(1)); });
}

Result<void> SqliteChunkStore::folded(const EachNumber& each) {
  return each_row("SELECT no, folded FROM worker", [&](Statement& s) -> Result<void> {
    each(s.integer(0), s.integer(1));
    return {};
  });
}

Result<void> SqliteChunkStore::log(const EachLog& each) {
  return each_row("SELECT id, rows FROM log ORDER BY id", [&](Statement& s) -> Result<void> {
    each(s.integer(0), s.blob(1));
    return {};
  });
}

Result<std::optional<std::int64_t>> SqliteChunkStore::meta(std::string_view key) {
  auto s = writer_.prepare("SELECT value FROM meta WHERE key=?1");
  if (!s) return s.error();
  const Step step = s->bind(1, key).step();
  if (step == Step::failed) return writer_.error();
  return step == Step::row ? std::optional(s->integer(0)) : std::nullopt;
}

Result<void> SqliteChunkStore::bounds(std::optional<std::int64_t> worker, const EachBound& each) {
  const std::string which = worker ? fmt::format("WHERE worker={}", *worker) : "";
  return each_row(
      fmt::format("SELECT worker, kind, min(t0), max(t1) FROM chunk {} GROUP BY worker, kind", which).c_str(),
      [&](Statement& s) -> Result<void> {
        each(s.integer(0), Kind(s.integer(1)), s.integer(2), s.integer(3));
        return {};
      });
}

Result<std::vector<ChunkHead>> SqliteChunkStore::heads(std::int64_t worker, std::int64_t from, std::int64_t to) {
  std::vector<ChunkHead> out;
  auto done =
      each_row(fmt::format("SELECT id, kind, t0, t1, rows FROM chunk WHERE worker={} AND t0>={} AND t0<{} ORDER BY t0",
                           worker, from, to)
                   .c_str(),
               [&](Statement& s) -> Result<void> {
                 out.push_back(head_of(s));
                 return {};
               });
  if (!done) return done.error();
  return out;
}

Result<void> SqliteChunkStore::raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to,
                                          const EachChunk& each) {
  return each_row(fmt::format("SELECT id, kind, t0, t1, rows, data FROM chunk WHERE worker={} AND t0>={} AND t0<{} AND "
                              "kind<=1 ORDER BY id",
                              worker, from, to)
                      .c_str(),
                  [&](Statement& s) { return each(head_of(s), s.blob(5)); });
}

Result<void> SqliteChunkStore::states(const EachState& each) {
  return each_row("SELECT name, at, data FROM state", [&](Statement& s) -> Result<void> {
    each(s.text(0), s.integer(1), s.blob(2));
    return {};
  });
}

// ---- writing ----

Result<void> SqliteChunkStore::done(Statement& bound) {
  if (bound.step() == Step::failed) return writer_.error();
  return {};
}

Result<void> SqliteChunkStore::room() {
  if (sqlite::free_bytes(file_) >= leave_free_bytes_) return {};
  return make_error(Errc::unavailable,
                    fmt::format("{}: less than {} MiB are free on this file system, which are left to the ledger; free "
                                "some space",
                                file_, leave_free_bytes_ >> 20));
}

void SqliteChunkStore::rollback() {
  if (writer_.in_transaction()) (void)writer_.run("ROLLBACK");
}

Result<void> SqliteChunkStore::put_name(NameTable table, std::int64_t no, std::string_view text) {
  auto& s = table == NameTable::worker   ? insert_worker_
            : table == NameTable::schema ? insert_schema_
            : table == NameTable::metric ? insert_metric_
                                         : insert_task_type_;
  return done(s.bind(1, no).bind(2, text));
}

Result<void> SqliteChunkStore::erase_name(NameTable table, std::int64_t no, std::string_view) {
  return writer_.run(fmt::format("DELETE FROM {} WHERE no={}", table_name(table), no).c_str());
}

Result<void> SqliteChunkStore::set_folded(std::int64_t worker, std::int64_t log) {
  return done(set_folded_.bind(1, worker).bind(2, log));
}

Result<void> SqliteChunkStore::put_log(std::int64_t id, std::string_view bytes) {
  return done(insert_log_.bind(1, id).bind_blob(2, bytes));
}

Result<void> SqliteChunkStore::erase_log(std::int64_t before) {
  return writer_.run(fmt::format("DELETE FROM log WHERE id<{}", before).c_str());
}

Result<void> SqliteChunkStore::put_chunk(std::int64_t worker, ChunkHead head, std::string_view data) {
  auto& s = insert_chunk_;
  s.bind(1, worker).bind(2, std::int64_t(head.kind)).bind(3, head.t0).bind(4, head.t1).bind(5, head.rows);
  return done(s.bind_blob(6, data));
}

Result<void> SqliteChunkStore::erase_chunk(std::int64_t, const ChunkHead& head) {
  return done(delete_chunk_.bind(1, head.id));
}

Result<void> SqliteChunkStore::set_kind(std::int64_t, const ChunkHead& head, Kind kind) {
  return writer_.run(fmt::format("UPDATE chunk SET kind={} WHERE id={}", std::int64_t(kind), head.id).c_str());
}

Result<void> SqliteChunkStore::put_state(std::string_view name, std::int64_t at, std::string_view bytes) {
  return done(put_state_.bind(1, name).bind(2, at).bind_blob(3, bytes));
}

Result<void> SqliteChunkStore::erase_state(std::string_view name) { return done(delete_state_.bind(1, name)); }

Result<void> SqliteChunkStore::set_meta(std::string_view key, std::int64_t value) {
  auto s = writer_.prepare("INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2");
  if (!s) return s.error();
  return done(s->bind(1, key).bind(2, value));
}

// Without the states: dropping rows frees nothing of theirs, and a cap below them would drop all.
Result<std::uint64_t> SqliteChunkStore::bytes_in_use() {
  const auto used = writer_.number(
      "SELECT (page_count - freelist_count) * page_size - (SELECT coalesce(sum(length(data)), 0) FROM state) "
      "FROM pragma_page_count, pragma_freelist_count, pragma_page_size");
  if (!used) return used.error();
  return std::uint64_t(std::max<std::int64_t>(0, *used));
}

Result<void> SqliteChunkStore::give_back_space() {
  const auto free = writer_.number("PRAGMA freelist_count");
  if (!free) return free.error();
  if (*free == 0) return {};
  if (auto done = writer_.run(fmt::format("PRAGMA incremental_vacuum({})", kVacuumPages).c_str()); !done) return done;
  // Only a checkpoint makes the file itself shorter. One that a reader stands in the way of is no error.
  (void)writer_.run("PRAGMA wal_checkpoint(PASSIVE)");
  return {};
}

// ---- readers ----

class SqliteChunkStore::View final : public Snapshot {
 public:
  View(SqliteChunkStore& store, std::unique_ptr<Reader> reader) : store_(store), reader_(std::move(reader)) {}
  Result<void> chunks(std::int64_t worker, Kind first, Kind last, std::int64_t from, std::int64_t to,
                      const EachChunk& each) override {
    auto& s = reader_->get;
    // No chunk crosses midnight, so none that begins before this day reaches into it.
    s.bind(1, worker).bind(2, floor_to(from, kDay)).bind(3, to).bind(4, from);
    s.bind(5, std::int64_t(first)).bind(6, std::int64_t(last));
    Step step;
    while ((step = s.step()) == Step::row)
      if (auto done = each(head_of(s), s.blob(5)); !done) return done;
    if (step == Step::failed) return reader_->db.error();
    s.reset();
    return {};
  }
  // A connection that met an error is dropped instead.
  Result<void> end() override {
    if (auto ended = reader_->db.run("COMMIT"); !ended) return ended;
    store_.give_back(std::move(reader_));
    return {};
  }

 private:
  SqliteChunkStore& store_;
  std::unique_ptr<Reader> reader_;
};

Result<std::unique_ptr<ChunkStore::Snapshot>> SqliteChunkStore::snapshot() {
  auto reader = take_reader();
  if (!reader) {
    auto opened = open_reader();
    if (!opened) return opened.error();
    reader = std::move(*opened);
  }
  if (auto begun = reader->db.run("BEGIN"); !begun) return begun.error();
  return std::unique_ptr<Snapshot>(std::make_unique<View>(*this, std::move(reader)));
}

std::unique_ptr<SqliteChunkStore::Reader> SqliteChunkStore::take_reader() {
  const std::lock_guard lock(mutex_);
  if (idle_readers_.empty()) return nullptr;
  auto reader = std::move(idle_readers_.back());
  idle_readers_.pop_back();
  return reader;
}

void SqliteChunkStore::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(mutex_);
  if (idle_readers_.size() < kMaxIdleReaders) idle_readers_.push_back(std::move(reader));
}

Result<std::unique_ptr<SqliteChunkStore::Reader>> SqliteChunkStore::open_reader() {
  auto db = Database::open(file_, {.read_only = true});
  if (!db) return db.error();
  auto get = db->prepare(
      "SELECT id, kind, t0, t1, rows, data FROM chunk WHERE worker=?1 AND t0>=?2 AND t0<=?3 AND t1>=?4 AND kind "
      "BETWEEN ?5 AND ?6 ORDER BY id");
  if (!get) return get.error();
  auto reader = std::make_unique<Reader>();
  reader->db = std::move(*db);
  reader->get = std::move(*get);
  return reader;
}

// ---- format 1 ----

Result<std::int64_t> SqliteChunkStore::old_rows(std::size_t batch, const std::function<void(const OldRow&)>& each) {
  const auto exists = writer_.number("SELECT count(*) FROM sqlite_master WHERE name='log_v1'");
  if (!exists) return exists.error();
  if (*exists == 0) return std::int64_t{0};
  std::int64_t last = 0;
  auto done = each_row(
      fmt::format("SELECT id, worker, at, state, score, schema, vals FROM log_v1 ORDER BY id LIMIT {}", batch).c_str(),
      [&](Statement& s) -> Result<void> {
        last = s.integer(0);
        each({.worker = s.integer(1),
              .at = s.integer(2),
              .state = s.integer(3),
              .schema = s.integer(5),
              .score = s.is_null(4) ? std::nullopt : std::optional(s.integer(4)),
              .values = s.blob(6)});
        return {};
      });
  if (!done) return done.error();
  return last;
}

Result<void> SqliteChunkStore::erase_old_rows(std::int64_t last) {
  return writer_.run(fmt::format("DELETE FROM log_v1 WHERE id<={}", last).c_str());
}

Result<void> SqliteChunkStore::end_old_rows() { return writer_.run("DROP TABLE IF EXISTS log_v1"); }

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
  auto store = std::make_unique<history::SqliteChunkStore>(file, std::move(*writer), options.leave_free_bytes);
  if (auto done = store->start(); !done) return done.error();
  auto history = std::make_unique<history::ColumnarHistory>(options, std::move(store));
  if (auto done = history->start(); !done) return done.error();
  return history;
}

}  // namespace paramedic
