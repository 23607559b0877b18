#include <atomic>
#include <cerrno>
#include <mutex>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/data_dir.h"
#include "base/text.h"
#include "io/ledger/typed_ledger.h"
#include "io/sqlite/check.h"
#include "io/sqlite/database.h"

namespace paramedic {

namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Step;

// record: one row per (kind, key), the latest wins. Kinds that only append use their sequence number as key.
// `at` = when it began (stable over updates: pages are ordered by it), `touched` = the latest write; both in Unix
// nanoseconds.
constexpr const char* kMigrations[] = {
    "CREATE TABLE record(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER "
    "NOT NULL,"
    " touched INTEGER NOT NULL, worker TEXT NOT NULL, pool TEXT NOT NULL, open INTEGER NOT NULL, body TEXT NOT NULL,"
    " UNIQUE(kind, key));"
    "CREATE INDEX record_open ON record(kind, open, at);"
    "CREATE INDEX record_worker ON record(kind, worker, at);"
    "CREATE INDEX record_at ON record(kind, at);"
    "CREATE INDEX record_touched ON record(open, touched);",
    // 2: kinds are kept for different times, so retention looks for the oldest of each.
    "DROP INDEX record_touched;"
    "CREATE INDEX record_closed ON record(open, kind, touched);",
    // 3: notifications, silences, acknowledgements are new kinds, which an older monitor could not read back.
    "",
    // 4: and what was told of each story.
    "",
    // 5: rolling restarts and their workers, deaths with the tasks in flight.
    "",
};
static_assert(std::size(kMigrations) == kLedgerFormat);

// Less than this is free: the databases cannot even be opened (each needs an index of its write-ahead log, 32 KiB).
constexpr std::uint64_t kRoomToOpen = 1 << 20;

// Space that is given back to the file system when it is full, so that decisions still commit.
class Reserve {
 public:
  Reserve(std::string file, std::uint64_t bytes) : file_(std::move(file)), bytes_(bytes) {}
  bool wanted() const { return bytes_ > 0; }
  // False when the disk has no room for it: then nothing is held and nothing was left behind. What would be spent at
  // once is not taken.
  bool take() {
    if (!wanted() || held_) return held_;
    if (allocated() || sqlite::free_bytes(folder()) >= 2 * bytes_) held_ = allocate();
    if (!held_) ::unlink(file_.c_str());
    return held_;
  }
  bool spend() {
    held_ = false;
    return wanted() && ::unlink(file_.c_str()) == 0;
  }
  std::string folder() const { return file_.substr(0, file_.rfind('/')); }

 private:
  bool allocated() const {
    struct stat info {};
    return ::stat(file_.c_str(), &info) == 0 && std::uint64_t(info.st_blocks) * 512 >= bytes_;
  }
  bool allocate() const {
    const int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    const bool done = ::posix_fallocate(fd, 0, off_t(bytes_)) == 0;
    ::close(fd);
    return done;
  }

  std::string file_;
  std::uint64_t bytes_;
  bool held_ = false;
};

class SqliteLedger final : public TypedLedger {
 public:
  SqliteLedger(DataDir dir, LedgerOptions options, Database writer, Database reader, Reserve reserve)
      : dir_(std::move(dir)),
        options_(std::move(options)),
        writer_(std::move(writer)),
        reader_(std::move(reader)),
        reserve_(std::move(reserve)) {}

  Result<void> start();
  Result<void> commit(std::span<const LedgerEntry> entries) override;
  Result<PruneResult> prune(Now now) override;
  LedgerStats stats() const override;

 private:
  Result<void> write(std::span<const LedgerEntry> entries);
  Result<void> put(const LedgerEntry& entry);
  Result<std::uint64_t> prune_class(bool inputs, const Now& now);
  Result<void> each_body(LedgerKind kind, bool open_only, WallTime since, const EachBody& each) override;
  Result<LedgerPage<std::string>> page_of(LedgerKind kind, const LedgerQuery& query, const LedgerCursor& from) override;
  Result<std::optional<std::string>> body_of(LedgerKind kind, std::string_view key) override;

  DataDir dir_;
  LedgerOptions options_;
  Database writer_;
  Database reader_;  // guarded by reader_mutex_
  std::mutex reader_mutex_;
  Reserve reserve_;
  Statement upsert_;
  bool out_of_space_ = false;     // is why the latest write failed
  std::int64_t next_append_ = 1;  // key of the next appended entry
  RetentionFront fronts_[2];      // of the two classes of kinds
  std::atomic<std::uint64_t> commits_ = 0, entries_ = 0, failures_ = 0, pruned_ = 0;
  std::atomic<bool> degraded_ = false, spent_ = false;
};

Result<void> SqliteLedger::start() {
  auto upsert = writer_.prepare(
      "INSERT INTO record(kind, key, at, touched, worker, pool, open, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
      " ON CONFLICT(kind, key) DO UPDATE SET at=excluded.at, touched=excluded.touched, worker=excluded.worker,"
      " pool=excluded.pool, open=excluded.open, body=excluded.body");
  if (!upsert) return upsert.error();
  upsert_ = std::move(*upsert);
  const auto last = writer_.number("SELECT seq FROM sqlite_sequence WHERE name='record'");
  if (!last) return last.error();
  next_append_ = *last + 1;
  spent_ = !reserve_.take() && reserve_.wanted();
  return {};
}

Result<void> SqliteLedger::commit(std::span<const LedgerEntry> entries) {
  if (entries.empty()) return {};
  auto done = write(entries);
  // Full disk: give back the reserve and try once more.
  if (!done && out_of_space_ && reserve_.spend()) {
    spent_ = true;
    done = write(entries);
  }
  degraded_ = !done;
  if (!done) {
    ++failures_;
    return with_context(done.error(), "ledger cannot commit");
  }
  ++commits_;
  entries_ += entries.size();
  return {};
}

Result<void> SqliteLedger::write(std::span<const LedgerEntry> entries) {
  const std::int64_t first_append = next_append_;
  sqlite::Transaction transaction(writer_);
  Result<void> done = transaction.begun();
  for (std::size_t i = 0; done && i < entries.size(); ++i) done = put(entries[i]);
  if (done) done = transaction.commit();
  out_of_space_ = !done && writer_.out_of_space();  // asked before the rollback, which is a call as well
  if (!done) next_append_ = first_append;
  return done;
}

Result<void> SqliteLedger::put(const LedgerEntry& entry) {
  LedgerRow row = make_row(entry);
  if (row.key.empty()) row.key = fmt::format("#{}", next_append_++);
  upsert_.bind(1, std::int64_t(row.kind)).bind(2, row.key).bind(3, row.at).bind(4, row.touched);
  upsert_.bind(5, row.worker).bind(6, row.pool).bind(7, std::int64_t(row.open)).bind(8, row.body);
  if (upsert_.step() == Step::failed) return writer_.error();
  return {};
}

Result<void> SqliteLedger::each_body(LedgerKind kind, bool open_only, WallTime since, const EachBody& each) {
  auto statement =
      writer_.prepare("SELECT body FROM record WHERE kind=?1 AND (open=1 OR (?2=0 AND touched>=?3)) ORDER BY at, id");
  if (!statement) return statement.error();
  statement->bind(1, std::int64_t(kind)).bind(2, std::int64_t(open_only)).bind(3, nanos(since));
  Step step;
  while ((step = statement->step()) == Step::row) each(statement->text(0));
  if (step == Step::failed) return writer_.error();
  return {};
}

Result<PruneResult> SqliteLedger::prune(Now now) {
  if (reserve_.take()) spent_ = false;
  PruneResult result;
  for (const bool inputs : {false, true}) {
    const auto removed = prune_class(inputs, now);
    if (!removed) return removed.error();
    result.deleted += *removed;
  }
  pruned_ += result.deleted;
  return result;
}

Result<std::uint64_t> SqliteLedger::prune_class(bool inputs, const Now& now) {
  auto oldest_of = writer_.prepare("SELECT touched FROM record WHERE open=0 AND kind=?1 ORDER BY touched LIMIT 1");
  if (!oldest_of) return oldest_of.error();
  auto remove = writer_.prepare("DELETE FROM record WHERE open=0 AND kind=?1 AND touched<?2");
  if (!remove) return remove.error();
  std::optional<WallTime> oldest;
  std::vector<std::int64_t> kinds;
  for (std::size_t kind = 0; kind < kEnumCount<LedgerKind>; ++kind) {
    if (is_input_class(LedgerKind(kind)) != inputs) continue;
    kinds.push_back(std::int64_t(kind));
    const Step step = oldest_of->bind(1, kinds.back()).step();
    if (step == Step::failed) return writer_.error();
    if (step != Step::row) continue;
    const WallTime touched{Duration{oldest_of->integer(0)}};
    oldest_of->reset();
    if (!oldest || touched < *oldest) oldest = touched;
  }
  const WallTime cutoff = fronts_[inputs].cutoff(oldest, now, inputs ? options_.input_retention : options_.retention);
  std::uint64_t removed = 0;
  for (const std::int64_t kind : kinds) {
    if (remove->bind(1, kind).bind(2, nanos(cutoff)).step() == Step::failed) return writer_.error();
    removed += std::uint64_t(writer_.changes());
  }
  return removed;
}

Result<LedgerPage<std::string>> SqliteLedger::page_of(LedgerKind kind, const LedgerQuery& q, const LedgerCursor& from) {
  const std::lock_guard lock(reader_mutex_);
  // The worker condition is spliced in so that its index is used.
  const std::string sql = fmt::format(
      "SELECT at, id, body FROM record WHERE kind=?1 {} AND (?3='' OR pool=?3) AND (?4=0 OR open=1) AND at>=?5 AND "
      "at<?6"
      " AND (at, id)<(?7, ?8) ORDER BY at DESC, id DESC LIMIT ?9",
      q.worker_id.empty() ? "AND ?2=''" : "AND worker=?2");
  auto s = reader_.prepare(sql.c_str());
  if (!s) return s.error();
  s->bind(1, std::int64_t(kind)).bind(2, q.worker_id).bind(3, q.pool).bind(4, std::int64_t(q.open_only));
  s->bind(5, q.from ? nanos(*q.from) : std::numeric_limits<std::int64_t>::min());
  s->bind(6, q.to ? nanos(*q.to) : std::numeric_limits<std::int64_t>::max());
  s->bind(7, from.at).bind(8, from.id).bind(9, std::int64_t(q.limit) + 1);
  LedgerPage<std::string> out;
  LedgerCursor last;
  int rows = 0;
  Step step;
  while ((step = s->step()) == Step::row) {
    if (rows++ == q.limit) {
      out.next = last.text();
      break;
    }
    last = {s->integer(0), s->integer(1)};
    out.items.emplace_back(s->text(2));
  }
  if (step == Step::failed) return reader_.error();
  return out;
}

Result<std::optional<std::string>> SqliteLedger::body_of(LedgerKind kind, std::string_view key) {
  const std::lock_guard lock(reader_mutex_);
  auto s = reader_.prepare("SELECT body FROM record WHERE kind=?1 AND key=?2");
  if (!s) return s.error();
  const Step step = s->bind(1, std::int64_t(kind)).bind(2, key).step();
  if (step == Step::failed) return reader_.error();
  return step == Step::row ? std::optional(std::string(s->text(0))) : std::nullopt;
}

LedgerStats SqliteLedger::stats() const {
  LedgerStats s;
  s.commits = commits_;
  s.entries = entries_;
  s.failures = failures_;
  s.pruned = pruned_;
  s.unreadable = unreadable_;
  s.degraded = degraded_;
  s.reserve_spent = spent_;
  s.file_bytes = sqlite::file_bytes(dir_.file("ledger.db"));
  return s;
}

Result<void> check_integrity(Database& db) {
  const auto problems = sqlite::find_damage(db, "quick_check", 1);
  if (!problems) return problems.error();
  if (problems->empty()) return {};
  return make_error(Errc::corrupt, fmt::format("{}: damaged ({}); move it away to start empty, or restore a backup",
                                               db.file(), problems->front()));
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const LedgerOptions& options) {
  auto dir = DataDir::open(options.data_dir);
  if (!dir) return dir.error();
  const std::string file = dir->file("ledger.db");
  Reserve reserve(dir->file("ledger.reserve"), options.reserve_bytes);
  if (sqlite::free_bytes(reserve.folder()) < kRoomToOpen) (void)reserve.spend();
  auto writer = Database::open(file, {.max_pages = options.max_pages});
  if (!writer) return writer.error();
  if (auto done = check_integrity(*writer); !done) return done.error();
  if (auto done = sqlite::migrate(*writer, kMigrations, int(std::size(kMigrations))); !done) return done.error();
  auto reader = Database::open(file, {.read_only = true});
  if (!reader) return reader.error();
  auto ledger = std::make_unique<SqliteLedger>(std::move(*dir), options, std::move(*writer), std::move(*reader),
                                               std::move(reserve));
  if (auto done = ledger->start(); !done) return done.error();
  return ledger;
}

}  // namespace paramedic
