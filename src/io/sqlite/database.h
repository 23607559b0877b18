// A thin owner of SQLite handles, shared by ledger and history; the only header that names them. One thread at a time
// per Database and its statements. No exceptions: every error is an Error that names the file and the remedy.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace paramedic::sqlite {

enum class Step { row, done, failed };

// A prepared statement. Parameters count from 1, columns from 0, as in SQLite. Bound bytes must live until step() is
// done.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* s) : stmt_(s) {}
  Statement(Statement&& o) noexcept : stmt_(std::exchange(o.stmt_, nullptr)) {}
  Statement& operator=(Statement&& o) noexcept {
    std::swap(stmt_, o.stmt_);
    return *this;
  }
  ~Statement();

  Statement& bind(int at, std::string_view text);
  Statement& bind(int at, std::int64_t number);
  Statement& bind_blob(int at, std::string_view bytes);
  Statement& bind_null(int at);
  // After done and failed the statement is reset and may be bound anew; after row call reset() when no more are wanted.
  Step step();
  void reset();
  // Valid until the next step or reset.
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  std::int64_t integer(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* stmt_ = nullptr;
};

struct OpenOptions {
  bool read_only = false;
  std::uint64_t max_pages = 0;      // 0 = unlimited
  bool incremental_vacuum = false;  // set before the first table, or it never holds
  int page_size = 0;                // of a new file; 0 = SQLite's own (4096)
};

class Database {
 public:
  // Creates the file when missing. WAL, synchronous=FULL, busy timeout 5 s.
  static Result<Database> open(const std::string& file, const OpenOptions& options = OpenOptions());
  Database() = default;
  Database(Database&& o) noexcept : db_(std::exchange(o.db_, nullptr)), file_(std::move(o.file_)) {}
  Database& operator=(Database&& o) noexcept {
    std::swap(db_, o.db_);
    std::swap(file_, o.file_);
    return *this;
  }
  ~Database();

  Result<void> run(const char* sql);
  Result<Statement> prepare(const char* sql);
  // First column of the first row; 0 when there is none.
  Result<std::int64_t> number(const char* sql);
  std::int64_t changes() const;  // rows of the latest INSERT, UPDATE or DELETE
  bool in_transaction() const;
  // What the latest failed call means.
  Error error() const;
  // The latest failed call found no room: disk full, quota or limit on file sizes reached.
  bool out_of_space() const;
  const std::string& file() const { return file_; }

 private:
  Database(sqlite3* db, std::string file) : db_(db), file_(std::move(file)) {}
  sqlite3* db_ = nullptr;
  std::string file_;
};

// All or nothing: rolls back in its destructor unless commit() succeeded.
class Transaction {
 public:
  explicit Transaction(Database& db) : db_(db), begun_(db.run("BEGIN IMMEDIATE")) {}
  Transaction(const Transaction&) = delete;
  ~Transaction();
  const Result<void>& begun() const { return begun_; }
  Result<void> commit();

 private:
  Database& db_;
  Result<void> begun_;
};

// Brings the file to version `count` by running steps[old] … steps[count-1], each in one transaction, using
// user_version. Errors: invalid_argument when a newer Paramedic wrote the file.
Result<void> migrate(Database& db, const char* const* steps, int count);

// Bytes of the file and its write-ahead log on disk.
std::uint64_t file_bytes(const std::string& file);

// What this user may still write on the file system that holds `path`; the greatest number when it does not tell.
std::uint64_t free_bytes(const std::string& path);

}  // namespace paramedic::sqlite
