#include "io/sqlite/database.h"

#include <cerrno>
#include <limits>

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace paramedic::sqlite {

namespace {

bool means_no_space(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

// Why there is no room: ENOSPC, EDQUOT, EFBIG; 0 = that is not what went wrong. SQLite's own word for it is only
// ENOSPC's; else the files know. The write-ahead log first: most is written there.
int no_space(sqlite3* db) {
  const int code = sqlite3_extended_errcode(db) & 0xFF;
  if (code == SQLITE_FULL) return ENOSPC;
  if (code != SQLITE_IOERR) return 0;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    int error_number = 0;
    if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || !file || !file->pMethods) continue;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error_number);
    if (means_no_space(error_number)) return error_number;
  }
  return 0;
}

// SQLite's result, in our words and with what a person can do about it.
Error translate(int code, int no_space, const char* text, const std::string& file) {
  const auto make = [&](Errc errc, std::string_view remedy) {
    return make_error(errc, fmt::format("{}: {}; {}", file, text, remedy));
  };
  if (no_space == EFBIG) return make(Errc::unavailable, "raise the limit on file sizes (LimitFSIZE=, ulimit -f)");
  if (no_space == EDQUOT) return make(Errc::unavailable, "free some space: the disk quota of this user is used up");
  if (no_space != 0) return make(Errc::unavailable, "free some space on this file system");
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make(Errc::unavailable, "another process holds the file; close it");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return make(Errc::forbidden, "give this user the right to write the file and its directory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make(Errc::corrupt,
                  "the file is damaged or of another program: move it away to start empty, or restore a backup");
    case SQLITE_IOERR:
      return make(Errc::io, "check the disk and the space left on it");
    case SQLITE_TOOBIG:
      return make(Errc::too_large, "a value is over SQLite's limit");
    default:
      return make(Errc::internal, "this should not happen; please report it");
  }
}

Result<void> set_up(Database& db, const OpenOptions& options) {
  if (options.read_only) return db.run("PRAGMA query_only=ON");
  if (options.page_size > 0)
    if (auto done = db.run(fmt::format("PRAGMA page_size={}", options.page_size).c_str()); !done) return done;
  if (options.incremental_vacuum)
    if (auto done = db.run("PRAGMA auto_vacuum=INCREMENTAL"); !done) return done;
  if (auto done = db.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF"); !done)
    return done;
  if (options.max_pages == 0) return {};
  return db.run(fmt::format("PRAGMA max_page_count={}", options.max_pages).c_str());
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement& Statement::bind(int at, std::string_view text) {
  sqlite3_bind_text(stmt_, at, text.data() ? text.data() : "", int(text.size()), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind(int at, std::int64_t number) {
  sqlite3_bind_int64(stmt_, at, number);
  return *this;
}
Statement& Statement::bind_blob(int at, std::string_view bytes) {
  sqlite3_bind_blob(stmt_, at, bytes.data() ? bytes.data() : "", int(bytes.size()), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind_null(int at) {
  sqlite3_bind_null(stmt_, at);
  return *this;
}

Step Statement::step() {
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return Step::row;
  sqlite3_reset(stmt_);
  return code == SQLITE_DONE ? Step::done : Step::failed;
}
void Statement::reset() { sqlite3_reset(stmt_); }

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  return bytes ? std::string_view(bytes, std::size_t(sqlite3_column_bytes(stmt_, column))) : std::string_view();
}
std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
  return bytes ? std::string_view(bytes, std::size_t(sqlite3_column_bytes(stmt_, column))) : std::string_view();
}
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(stmt_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

Database::~Database() { sqlite3_close_v2(db_); }

Result<Database> Database::open(const std::string& file, const OpenOptions& options) {
  sqlite3* raw = nullptr;
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  if (!raw) return make_error(Errc::internal, "no memory for a database handle");
  Database db(raw, file);
  if (code != SQLITE_OK) return db.error();
  sqlite3_busy_timeout(raw, 5000);
  if (auto done = set_up(db, options); !done) return done.error();
  return db;
}

Result<void> Database::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) return error();
  return Statement(raw);
}

Result<std::int64_t> Database::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const Step step = statement->step();
  if (step == Step::failed) return error();
  return step == Step::row ? statement->integer(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }
bool Database::in_transaction() const { return db_ && !sqlite3_get_autocommit(db_); }
Error Database::error() const {
  return translate(sqlite3_extended_errcode(db_), no_space(db_), sqlite3_errmsg(db_), file_);
}
bool Database::out_of_space() const { return no_space(db_) != 0; }

Transaction::~Transaction() {
  if (db_.in_transaction()) (void)db_.run("ROLLBACK");
}
Result<void> Transaction::commit() { return db_.run("COMMIT"); }

Result<void> migrate(Database& db, const char* const* steps, int count) {
  const auto version = db.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > count)
    return make_error(
        Errc::invalid_argument,
        fmt::format(
            "{}: written by a newer Paramedic (format {}, this one knows {}); run that version or move the file away",
            db.file(), *version, count));
  for (int i = int(*version); i < count; ++i) {
    Transaction transaction(db);
    if (!transaction.begun()) return transaction.begun();
    if (auto done = db.run(steps[i]); !done) return done;
    if (auto done = db.run(fmt::format("PRAGMA user_version={}", i + 1).c_str()); !done) return done;
    if (auto done = transaction.commit(); !done) return done;
  }
  return {};
}

std::uint64_t file_bytes(const std::string& file) {
  std::uint64_t total = 0;
  for (const auto* tail : {"", "-wal"}) {
    struct stat info {};
    if (::stat((file + tail).c_str(), &info) == 0) total += std::uint64_t(info.st_size);
  }
  return total;
}

std::uint64_t free_bytes(const std::string& path) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return std::numeric_limits<std::uint64_t>::max();
  return std::uint64_t(disk.f_bavail) * disk.f_frsize;
}

}  // namespace paramedic::sqlite
