// What only the SQLite store has; the rest stands in ledger_conformance_test.cc.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/ledger/ledger.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;

class SqliteLedgerTest : public ::testing::Test {
 protected:
  SqliteLedgerTest() {
    char path[] = "/tmp/paramedic_ledger_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~SqliteLedgerTest() override {
    ledger_.reset();
    fs::permissions(dir_, fs::perms::owner_all);
    fs::remove_all(dir_);
  }
  LedgerOptions options() const { return {.data_dir = dir_, .reserve_bytes = 64 * 1024}; }
  void open() {
    ledger_.reset();
    auto opened = open_sqlite_ledger(options());
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = std::move(*opened);
  }
  std::string refusal(const LedgerOptions& o) {
    auto opened = open_sqlite_ledger(o);
    return opened ? "" : opened.error().message;
  }
  void commit(std::vector<LedgerBody> bodies) {
    std::vector<LedgerEntry> entries;
    for (auto& body : bodies) entries.push_back({clock_.now().wall, std::move(body)});
    const auto done = ledger_->commit(entries);
    ASSERT_TRUE(done) << done.error().message;
  }
  ActionRecord action(std::string id, ActionState state = ActionState::running, std::string worker = "w") {
    return {.action_id = std::move(id),
            .worker_id = std::move(worker),
            .pool = "p",
            .state = state,
            .requested_at = clock_.now().wall};
  }
  int format() {
    sqlite3* db = nullptr;
    sqlite3_stmt* read = nullptr;
    EXPECT_EQ(sqlite3_open((dir_ + "/ledger.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &read, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(read), SQLITE_ROW);
    const int version = sqlite3_column_int(read, 0);
    sqlite3_finalize(read);
    sqlite3_close(db);
    return version;
  }
  // Raw SQL on the file, as damage or another version would do it.
  void sql(const char* text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((dir_ + "/ledger.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  std::string dir_;
  ManualClock clock_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(SqliteLedgerTest, refuses_the_file_of_a_newer_version) {
  open();
  ledger_.reset();
  sql("PRAGMA user_version=99");
  const std::string why = refusal(options());
  EXPECT_NE(why.find("ledger.db: written by a newer Paramedic (format 99"), std::string::npos) << why;
}

TEST_F(SqliteLedgerTest, refuses_a_damaged_file_with_the_remedy) {
  open();
  for (int i = 0; i < 200; ++i) commit({action("a" + std::to_string(i))});
  ledger_.reset();
  {
    std::fstream file(dir_ + "/ledger.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    const std::string noise(20'000, '\x5A');
    file.write(noise.data(), std::streamsize(noise.size()));
  }
  EXPECT_NE(refusal(options()).find("restore a backup"), std::string::npos);
  std::ofstream(dir_ + "/ledger.db", std::ios::trunc) << "this is not a database, it is a text about one";
  const auto opened = open_sqlite_ledger(options());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

TEST_F(SqliteLedgerTest, a_directory_that_cannot_be_made_or_written_is_named) {
  EXPECT_NE(refusal({.data_dir = ""}), "");
  EXPECT_NE(refusal({.data_dir = "/proc/nothing/here"}).find("/proc/nothing/here"), std::string::npos);
  std::ofstream(dir_ + "/file") << "x";
  EXPECT_NE(refusal({.data_dir = dir_ + "/file"}).find("another data_dir"), std::string::npos);
  EXPECT_EQ(refusal({.data_dir = dir_ + "/new/deeper", .reserve_bytes = 0}), "") << "missing directories are made";
}

TEST_F(SqliteLedgerTest, a_full_disk_fails_whole_batches_and_recovers) {
  auto o = options();
  o.max_pages = 40;
  auto opened = open_sqlite_ledger(o);
  ASSERT_TRUE(opened);
  ledger_ = std::move(*opened);
  EXPECT_TRUE(fs::exists(dir_ + "/ledger.reserve"));
  const std::vector<LedgerEntry> big(400,
                                     LedgerEntry{clock_.now().wall, AuditRecord{.reason = std::string(1000, 'x')}});
  const auto done = ledger_->commit(big);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_NE(done.error().message.find("free some space"), std::string::npos) << done.error().message;
  EXPECT_TRUE(ledger_->stats().degraded);
  EXPECT_TRUE(ledger_->stats().reserve_spent) << "the reserve was given back for a second try";
  EXPECT_FALSE(fs::exists(dir_ + "/ledger.reserve"));
  EXPECT_TRUE(ledger_->audit({})->items.empty()) << "nothing of a failed batch stays";
  commit({action("a1")});
  EXPECT_FALSE(ledger_->stats().degraded);
  ASSERT_TRUE(ledger_->prune(clock_.now()));
  EXPECT_FALSE(ledger_->stats().reserve_spent) << "taken again when there is room";
}

// A child commits and is killed at once: what it acknowledged is there.

// The file as version 1 of the format left it: its schema and records must never be changed here.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE record(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,
  touched INTEGER NOT NULL, worker TEXT NOT NULL, pool TEXT NOT NULL, open INTEGER NOT NULL, body TEXT NOT NULL,
  UNIQUE(kind, key));
CREATE INDEX record_open ON record(kind, open, at);
CREATE INDEX record_worker ON record(kind, worker, at);
CREATE INDEX record_at ON record(kind, at);
CREATE INDEX record_touched ON record(open, touched);
INSERT INTO record VALUES(1,1,'w-1',1795000000000000000,1795000000000000000,'w-1','p',1,
  '{"worker_id":"w-1","pool":"p","state":"running","status":"healthy","since":"2026-11-18T11:06:40.000Z","forgotten":false}');
INSERT INTO record VALUES(2,2,'#2',1795000000000000000,1795000000000000000,'w-1','p',0,
  '{"action_id":"a1","worker_id":"w-1","pool":"p","stop":true,"crash":false,"at":"2026-11-18T11:06:40.000Z"}');
INSERT INTO record VALUES(3,7,'#3',1795000000000000000,1795000000000000000,'w-1','',0,
  '{"at":"2026-11-18T11:06:40.000Z","actor":"ann","verb":"restart","target":"w-1","reason":"","result":"done"}');
INSERT INTO record VALUES(4,9,'k@1795000000000000000',1795000000000000000,1795000000000000000,'w-1','p',1,
  '{"key":"k","state":"firing","severity":"critical","reason":"silent","started_at":"2026-11-18T11:06:40.000Z"}');
PRAGMA user_version=1;
)sql";

TEST_F(SqliteLedgerTest, a_file_of_version_1_is_read_written_and_pruned) {
  sql(kVersion1);
  open();
  const auto state = ledger_->load(clock_.now());
  ASSERT_TRUE(state);
  ASSERT_EQ(state->workers.size(), 1u);
  EXPECT_EQ(state->workers[0].pool, "p");
  ASSERT_EQ(state->budgets.size(), 1u);
  EXPECT_TRUE(state->budgets[0].stop);
  ASSERT_EQ(state->alerts.size(), 1u);
  EXPECT_EQ(state->alerts[0].severity, Severity::critical);
  EXPECT_EQ(ledger_->stats().unreadable, 0u);
  commit({AuditRecord{.at = clock_.now().wall, .verb = "new"}, InputRecord{.what = RecordedBroker{"b", true}}});
  ASSERT_EQ(ledger_->audit({})->items.size(), 2u) << "the new one overwrites no old one";
  EXPECT_EQ(ledger_->inputs({})->items.size(), 1u);
  EXPECT_TRUE(ledger_->prune(clock_.now()));
  clock_.advance(24h * 100);
  EXPECT_EQ(ledger_->prune(clock_.now())->deleted, 4u);
  ledger_.reset();
  EXPECT_EQ(format(), 5);
  open();
  EXPECT_EQ(ledger_->load(clock_.now())->workers.size(), 1u);
}

// Counted, not timed: retention of each kind finds its oldest record by an index.
TEST_F(SqliteLedgerTest, retention_reads_no_more_than_it_removes) {
  open();
  ledger_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir_ + "/ledger.db").c_str(), &db), SQLITE_OK);
  sqlite3_stmt* plan = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db,
                               "EXPLAIN QUERY PLAN SELECT touched FROM record WHERE open=0 AND kind=?1 ORDER BY touched"
                               " LIMIT 1",
                               -1, &plan, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(plan), SQLITE_ROW);
  const std::string detail = reinterpret_cast<const char*>(sqlite3_column_text(plan, 3));
  EXPECT_NE(detail.find("COVERING INDEX record_closed (open=? AND kind=?)"), std::string::npos) << detail;
  EXPECT_EQ(sqlite3_step(plan), SQLITE_DONE) << "and no sorting";
  sqlite3_finalize(plan);
  sqlite3_close(db);
}

}  // namespace
}  // namespace paramedic
