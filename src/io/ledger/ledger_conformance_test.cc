// What every store of the ledger must do. A new store is one more backend in ledger_backends.h.
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/ledger/ledger_backends.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

class LedgerConformance : public ::testing::TestWithParam<const char*> {
 protected:
  LedgerConformance() : backend_(make_ledger_backend(GetParam())) {
    char path[] = "/tmp/paramedic_ledger_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~LedgerConformance() override {
    ledger_.reset();
    fs::remove_all(dir_);
  }
  void open() {
    ledger_.reset();
    auto opened = backend_->open(dir_);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = std::move(*opened);
  }
  std::string refusal() {
    auto opened = backend_->open(dir_);
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

  std::unique_ptr<LedgerBackend> backend_;
  std::string dir_;
  ManualClock clock_;
  std::unique_ptr<Ledger> ledger_;
};

INSTANTIATE_TEST_SUITE_P(Stores, LedgerConformance, ::testing::Values("sqlite", "redis", "redis_cluster"),
                         [](const auto& store) { return std::string(store.param); });

TEST_P(LedgerConformance, the_latest_record_of_a_key_wins) {
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

TEST_P(LedgerConformance, start_up_reads_back_what_still_matters) {
  open();
  const WallTime now = clock_.now().wall;
  commit({WorkerRecord{.worker_id = "w1"}, WorkerRecord{.worker_id = "w2", .forgotten = true},
          BudgetRecord{.worker_id = "w1", .stop = true, .at = now}, BudgetRecord{.worker_id = "w1", .at = now},
          QuarantineRecord{.worker_id = "w1", .on = true}, QuarantineRecord{.worker_id = "w2", .on = false},
          MaintenanceRecord{.id = "fleet", .on = true}, BigSwitchRecord{.held = true, .reason = "drill"},
          BackoffClearedRecord{.worker_id = "w1", .at = now},
          BackoffClearedRecord{.worker_id = "w1", .crashes_only = true, .at = now},
          AuditRecord{.actor = "ann", .verb = "freeze"}, Incident{.id = "i1"}, Incident{.id = "i2", .ended_at = now},
          Alert{.key = "k", .started_at = now}, Alert{.key = "old", .state = AlertState::resolved}});
  open();
  const auto s = load();
  ASSERT_EQ(s.workers.size(), 1u);
  EXPECT_EQ(s.workers[0].worker_id, "w1");
  EXPECT_EQ(s.budgets.size(), 2u) << "equal budget records both count";
  EXPECT_EQ(s.quarantines.size(), 1u);
  EXPECT_EQ(s.maintenance.size(), 1u);
  ASSERT_TRUE(s.big_switch);
  EXPECT_EQ(s.big_switch->reason, "drill");
  EXPECT_EQ(s.backoff_cleared.size(), 2u) << "what clears crashes only must not hide what cleared all";
  ASSERT_EQ(s.incidents.size(), 1u);
  EXPECT_EQ(s.incidents[0].id, "i1");
  ASSERT_EQ(s.alerts.size(), 1u);
  EXPECT_EQ(s.alerts[0].key, "k");
  clock_.advance(3h);
  EXPECT_TRUE(load().budgets.empty());
}

TEST_P(LedgerConformance, the_outbox_silences_and_acknowledgements_come_back) {
  open();
  const WallTime now = clock_.now().wall;
  NotificationRecord waiting, done;
  waiting.notification = {.id = "n1", .group_key = "g", .channel = "pager", .title = "Worker w: silent", .at = now};
  waiting.notification.alerts = {Alert{.key = "k", .worker_id = "w", .pool = "p"}};
  waiting.notification.worker_count = 1;
  done.notification = {.id = "n2", .channel = "mail", .at = now};
  done.state = DeliveryState::delivered;
  Silence silence{.id = "s1", .matchers = {{"pool", MatchOp::equal, "p"}}, .ends_at = now + 1h, .author = "ann"};
  commit({waiting, done, silence, Silence{.id = "s2", .ended_at = now}, Acknowledgement{.incident_id = "i1", .at = now},
          Acknowledgement{.incident_id = "i2", .on = false}});
  waiting.state = DeliveryState::tried;
  waiting.attempts = 1;
  commit({waiting});
  open();
  const auto s = load();
  ASSERT_EQ(s.notifications.size(), 2u) << "ended ones stay for two hours: a late outcome must find its message";
  ASSERT_EQ(s.silences.size(), 1u);
  EXPECT_EQ(s.silences[0].matchers, silence.matchers);
  ASSERT_EQ(s.acknowledgements.size(), 1u);
  EXPECT_EQ(s.acknowledgements[0].incident_id, "i1");
  clock_.advance(3h);
  ASSERT_EQ(load().notifications.size(), 1u) << "one under way is never forgotten";
  EXPECT_EQ(load().notifications[0].attempts, 1);
  EXPECT_EQ(ledger_->notifications({})->items.size(), 2u);
  EXPECT_EQ(ledger_->notifications({.worker_id = "w", .open_only = true})->items.size(), 1u);
  EXPECT_EQ(ledger_->silences({.open_only = true})->items.size(), 1u);
  EXPECT_EQ(ledger_->acknowledgements({})->items.size(), 2u);
}

TEST_P(LedgerConformance, appended_records_survive_restarts_without_overwriting_each_other) {
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

TEST_P(LedgerConformance, each_episode_of_an_alert_is_kept_and_the_newest_counts) {
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

TEST_P(LedgerConformance, pages_newest_first_and_stay_stable_while_records_come_in) {
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

TEST_P(LedgerConformance, filters_by_worker_pool_state_and_time) {
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

TEST_P(LedgerConformance, two_monitors_cannot_share_a_directory) {
  open();
  const std::string why = refusal();
  EXPECT_NE(why.find(dir_), std::string::npos) << why;
  EXPECT_NE(why.find("is in use by process " + std::to_string(::getpid())), std::string::npos) << why;
  ledger_.reset();
  EXPECT_EQ(refusal(), "");
}

TEST_P(LedgerConformance, one_unreadable_record_does_not_hide_the_others) {
  open();
  commit({WorkerRecord{.worker_id = "w1"}, WorkerRecord{.worker_id = "w2"}});
  ledger_.reset();
  backend_->damage_worker_record(dir_, "w1");
  open();
  EXPECT_EQ(load().workers.size(), 1u);
  EXPECT_EQ(ledger_->stats().unreadable, 1u);
}

TEST_P(LedgerConformance, retention_drops_what_ended_long_ago_and_survives_a_clock_jump) {
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

TEST_P(LedgerConformance, nothing_acknowledged_is_lost_by_kill_9) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto opened = backend_->open(dir_);
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

TEST_P(LedgerConformance, an_empty_commit_is_nothing) {
  open();
  EXPECT_TRUE(ledger_->commit({}));
  EXPECT_EQ(ledger_->stats().commits, 0u);
}

TEST_P(LedgerConformance, an_update_moves_a_record_in_every_order_it_is_found_by) {
  open();
  auto first = action("a", ActionState::running, "old");
  commit({first, action("b", ActionState::running, "old")});
  clock_.advance(1s);
  auto moved = action("a", ActionState::succeeded, "new");  // begun later, elsewhere, and over
  moved.pool = "q";
  commit({moved});
  EXPECT_EQ(ledger_->actions({.worker_id = "old"})->items.size(), 1u);
  EXPECT_EQ(ledger_->actions({.worker_id = "new"})->items.size(), 1u);
  EXPECT_EQ(ledger_->actions({.open_only = true})->items.size(), 1u);
  EXPECT_EQ(ledger_->actions({.pool = "q"})->items.size(), 1u);
  ASSERT_EQ(ledger_->actions({})->items.size(), 2u);
  EXPECT_EQ(ledger_->actions({})->items[0].action_id, "a") << "the newest first";
}

TEST_P(LedgerConformance, odd_texts_are_only_texts) {
  open();
  const std::string odd = "a\0b {}*:\n\r\n$1 'x' \xF0\x9F\x92\x8A"s;  // with its zero byte
  commit({AuditRecord{.at = clock_.now().wall, .actor = odd, .verb = "v", .target = odd, .reason = odd}});
  const auto page = ledger_->audit({});
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].reason, odd);
  EXPECT_EQ(ledger_->audit({.worker_id = odd})->items.size(), 1u);
  EXPECT_TRUE(ledger_->audit({.worker_id = "a"})->items.empty());
}

TEST_P(LedgerConformance, inputs_of_all_kinds_are_found_by_time_and_leave_after_seven_days) {
  open();
  const WallTime start = clock_.now().wall;
  const auto put = [&](InputRecord record) {
    record.at = clock_.advance(1s).wall;
    commit({std::move(record)});
  };
  put({.source = "agent/h", .worker_id = "w", .pool = "p", .what = RecordedExit{{.signal = 9}, {{.id = "t"}}}});
  put({.source = "agent/h", .host = "h", .what = RecordedSource{SourceState::connected, SourceState::silent}});
  put({.what = RecordedBroker{"redis-a", true}});
  put({.worker_id = "w", .what = RecordedCommand{.verb = Verb::drain, .actor = "ann"}});
  const auto kinds = [&](const LedgerQuery& query) {
    std::string out;
    const auto page = ledger_->inputs(query);
    EXPECT_TRUE(page);
    for (const auto& record : page->items) out += std::string(to_string(record.kind())) + " ";
    return out;
  };
  EXPECT_EQ(kinds({}), "command broker source exit ");
  EXPECT_EQ(kinds({.from = start + 2s, .to = start + 4s}), "broker source ");
  EXPECT_EQ(kinds({.worker_id = "w"}), "command exit ");
  EXPECT_EQ(kinds({.pool = "p"}), "exit ");
  EXPECT_EQ(std::get<RecordedExit>(ledger_->inputs({.pool = "p"})->items[0].what).in_flight[0].id, "t");
  commit({AuditRecord{.at = clock_.now().wall, .verb = "kept longer"}});
  EXPECT_EQ(ledger_->prune(clock_.now())->deleted, 0u);
  clock_.advance(24h * 8);
  EXPECT_EQ(ledger_->prune(clock_.now())->deleted, 4u);
  EXPECT_EQ(kinds({}), "");
  EXPECT_EQ(ledger_->audit({})->items.size(), 1u);
}

TEST_P(LedgerConformance, a_large_commit_is_one) {
  open();
  std::vector<LedgerBody> many;
  for (int i = 0; i < 3000; ++i) many.push_back(action("a" + std::to_string(i), ActionState::running, "w"));
  commit(std::move(many));
  EXPECT_EQ(load().actions.size(), 3000u);
  EXPECT_EQ(ledger_->stats().commits, 1u);
  std::string cursor;
  std::size_t seen = 0;
  int pages = 0;
  do {
    const auto page = ledger_->actions({.pool = "p", .cursor = cursor, .limit = 700});
    ASSERT_TRUE(page);
    seen += page->items.size();
    cursor = page->next;
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen, 3000u);
  EXPECT_EQ(pages, 5);
}

}  // namespace
}  // namespace paramedic
