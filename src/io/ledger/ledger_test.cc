#include "io/ledger/ledger.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paramedic {
namespace {

namespace fs = std::filesystem;

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    char path[] = "/tmp/paramedic_ledger_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~LedgerTest() override {
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
  LedgerState load() {
    auto state = ledger_->load(clock_.now());
    EXPECT_TRUE(state);
    return state ? std::move(*state) : LedgerState{};
  }
  ActionRecord action(std::string id, ActionState state = ActionState::running, std::string worker = "w") {
    return {.action_id = std::move(id),
            .worker_id = std::move(worker),
            .pool = "p",
            .state = state,
            .requested_at = clock_.now().wall};
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

TEST_F(LedgerTest, the_latest_record_of_a_key_wins) {
  open();
  commit({action("a1"), action("a2")});
  commit({action("a1", ActionState::succeeded)});
  const auto one = ledger_->action("a1");
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->state, ActionState::succeeded);
  EXPECT_EQ(load().actions.size(), 2u) << "ended ones stay for two hours";
  clock_.advance(3h);
  const auto later = load();
  ASSERT_EQ(later.actions.size(), 1u);
  EXPECT_EQ(later.actions[0].action_id, "a2") << "one that runs is never forgotten";
}

TEST_F(LedgerTest, start_up_reads_back_what_still_matters) {
  open();
  const WallTime now = clock_.now().wall;
  commit({WorkerRecord{.worker_id = "w1"}, WorkerRecord{.worker_id = "w2", .forgotten = true},
          BudgetRecord{.worker_id = "w1", .stop = true, .at = now}, BudgetRecord{.worker_id = "w1", .at = now},
          QuarantineRecord{.worker_id = "w1", .on = true}, QuarantineRecord{.worker_id = "w2", .on = false},
          MaintenanceRecord{.id = "fleet", .on = true}, BigSwitchRecord{.held = true, .reason = "drill"},
          BackoffClearedRecord{.worker_id = "w1", .at = now}, AuditRecord{.actor = "ann", .verb = "freeze"},
          Incident{.id = "i1"}, Incident{.id = "i2", .ended_at = now}, Alert{.key = "k", .started_at = now},
          Alert{.key = "old", .state = AlertState::resolved}});
  open();
  const auto s = load();
  ASSERT_EQ(s.workers.size(), 1u);
  EXPECT_EQ(s.workers[0].worker_id, "w1");
  EXPECT_EQ(s.budgets.size(), 2u) << "equal budget records both count";
  EXPECT_EQ(s.quarantines.size(), 1u);
  EXPECT_EQ(s.maintenance.size(), 1u);
  ASSERT_TRUE(s.big_switch);
  EXPECT_EQ(s.big_switch->reason, "drill");
  EXPECT_EQ(s.backoff_cleared.size(), 1u);
  ASSERT_EQ(s.incidents.size(), 1u);
  EXPECT_EQ(s.incidents[0].id, "i1");
  ASSERT_EQ(s.alerts.size(), 1u);
  EXPECT_EQ(s.alerts[0].key, "k");
  clock_.advance(3h);
  EXPECT_TRUE(load().budgets.empty());
}

TEST_F(LedgerTest, appended_records_survive_restarts_without_overwriting_each_other) {
  for (int i = 0; i < 3; ++i) {
    open();
    commit({AuditRecord{.at = clock_.now().wall, .actor = "ann", .verb = "v" + std::to_string(i)}, action("a")});
    clock_.advance(1s);
  }
  const auto page = ledger_->audit({});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 3u);
  EXPECT_EQ(page->items[0].verb, "v2") << "newest first";
}

TEST_F(LedgerTest, each_episode_of_an_alert_is_kept_and_the_newest_counts) {
  open();
  Alert alert{.key = "worker/w/heartbeat/silent", .worker_id = "w", .started_at = clock_.now().wall};
  commit({alert});
  clock_.advance(1min);
  alert.started_at = clock_.now().wall;
  alert.title = "second";
  commit({alert});
  EXPECT_EQ(ledger_->alerts({})->items.size(), 2u);
  ASSERT_EQ(load().alerts.size(), 1u);
  EXPECT_EQ(load().alerts[0].title, "second");
}

TEST_F(LedgerTest, pages_newest_first_and_stay_stable_while_records_come_in) {
  open();
  for (int i = 0; i < 5; ++i) {
    commit({action("a" + std::to_string(i), ActionState::running, i % 2 ? "odd" : "even")});
    clock_.advance(i == 2 ? 0s : 1s);  // two share an instant
  }
  auto page = ledger_->actions({.limit = 2});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items[0].action_id, "a4");
  commit({action("new")});
  std::vector<std::string> rest;
  while (!page->next.empty()) {
    page = ledger_->actions({.cursor = page->next, .limit = 2});
    ASSERT_TRUE(page);
    for (const auto& a : page->items) rest.push_back(a.action_id);
  }
  EXPECT_EQ(rest, (std::vector<std::string>{"a2", "a1", "a0"}));
}

TEST_F(LedgerTest, filters_by_worker_pool_state_and_time) {
  open();
  const WallTime start = clock_.now().wall;
  commit({action("a1", ActionState::failed, "x")});
  clock_.advance(10s);
  auto other = action("a2", ActionState::running, "y");
  other.pool = "q";
  commit({other});
  const auto ids = [&](const LedgerQuery& q) {
    std::string out;
    const auto page = ledger_->actions(q);
    for (const auto& a : page->items) out += a.action_id;
    return out;
  };
  EXPECT_EQ(ids({.worker_id = "x"}), "a1");
  EXPECT_EQ(ids({.pool = "q"}), "a2");
  EXPECT_EQ(ids({.open_only = true}), "a2");
  EXPECT_EQ(ids({.from = start + 1s}), "a2");
  EXPECT_EQ(ids({.to = start + 1s}), "a1");
  EXPECT_EQ(ids({.worker_id = "x", .pool = "q"}), "");
  EXPECT_FALSE(ledger_->actions({.cursor = "zzz"}));
  EXPECT_FALSE(ledger_->actions({.cursor = "1-x"}));
  EXPECT_FALSE(ledger_->actions({.limit = 0}));
  EXPECT_FALSE(ledger_->actions({.limit = 100'000}));
  EXPECT_FALSE(*ledger_->incident("none"));
}

TEST_F(LedgerTest, two_monitors_cannot_share_a_directory) {
  open();
  const std::string why = refusal(options());
  EXPECT_NE(why.find(dir_), std::string::npos) << why;
  EXPECT_NE(why.find("is in use by process " + std::to_string(::getpid())), std::string::npos) << why;
  ledger_.reset();
  EXPECT_EQ(refusal(options()), "");
}

TEST_F(LedgerTest, refuses_the_file_of_a_newer_version) {
  open();
  ledger_.reset();
  sql("PRAGMA user_version=99");
  const std::string why = refusal(options());
  EXPECT_NE(why.find("ledger.db: written by a newer Paramedic (format 99"), std::string::npos) << why;
}

TEST_F(LedgerTest, refuses_a_damaged_file_with_the_remedy) {
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

TEST_F(LedgerTest, one_unreadable_record_does_not_hide_the_others) {
  open();
  commit({WorkerRecord{.worker_id = "w1"}, WorkerRecord{.worker_id = "w2"}});
  ledger_.reset();
  sql("UPDATE record SET body='{' WHERE key='w1'");
  open();
  EXPECT_EQ(load().workers.size(), 1u);
  EXPECT_EQ(ledger_->stats().unreadable, 1u);
}

TEST_F(LedgerTest, a_directory_that_cannot_be_made_or_written_is_named) {
  EXPECT_NE(refusal({.data_dir = ""}), "");
  EXPECT_NE(refusal({.data_dir = "/proc/nothing/here"}).find("/proc/nothing/here"), std::string::npos);
  std::ofstream(dir_ + "/file") << "x";
  EXPECT_NE(refusal({.data_dir = dir_ + "/file"}).find("another data_dir"), std::string::npos);
  EXPECT_EQ(refusal({.data_dir = dir_ + "/new/deeper", .reserve_bytes = 0}), "") << "missing directories are made";
}

TEST_F(LedgerTest, a_full_disk_fails_whole_batches_and_recovers) {
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

TEST_F(LedgerTest, retention_drops_what_ended_long_ago_and_survives_a_clock_jump) {
  open();
  commit({action("old", ActionState::succeeded), action("running"), WorkerRecord{.worker_id = "w"}});
  clock_.advance(24h);
  commit({action("newer", ActionState::succeeded)});
  EXPECT_EQ(ledger_->prune(clock_.now())->deleted, 0u);
  clock_.jump_wall(24h * 3650);
  clock_.advance(1h);
  EXPECT_EQ(ledger_->prune(clock_.now())->deleted, 1u) << "an hour passed: at most two hours of records go";
  EXPECT_FALSE(*ledger_->action("old"));
  EXPECT_TRUE(*ledger_->action("newer"));
  EXPECT_TRUE(*ledger_->action("running"));
  EXPECT_EQ(load().workers.size(), 1u);
}

// A child commits and is killed at once: what it acknowledged is there.
TEST_F(LedgerTest, nothing_acknowledged_is_lost_by_kill_9) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto opened = open_sqlite_ledger(options());
    for (int i = 0; opened && i < 10'000; ++i) {
      const LedgerEntry entry{clock_.now().wall, action("a" + std::to_string(i))};
      if (!(*opened)->commit(std::span(&entry, 1))) break;
      if (::write(pipe_ends[1], &i, sizeof i) < 0) break;
    }
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  int last = -1;
  while (last < 20 && ::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
  }
  ::kill(child, SIGKILL);
  while (::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
  }
  ::close(pipe_ends[0]);
  ::waitpid(child, nullptr, 0);
  ASSERT_GE(last, 20);
  open();
  for (int i = 0; i <= last; ++i) EXPECT_TRUE(*ledger_->action("a" + std::to_string(i))) << i << " of " << last;
}

TEST_F(LedgerTest, an_empty_commit_is_nothing) {
  open();
  EXPECT_TRUE(ledger_->commit({}));
  EXPECT_EQ(ledger_->stats().commits, 0u);
  EXPECT_GT(ledger_->stats().file_bytes, 0u);
}

}  // namespace
}  // namespace paramedic
