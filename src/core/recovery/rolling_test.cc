#include "core/recovery/rolling.h"

#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

// ---- the rules

RollingTarget target(std::string id = "w", std::string incarnation = "1") {
  RollingTarget t;
  t.worker_id = std::move(id);
  t.incarnation = std::move(incarnation);
  return t;
}
RollingWorker well() {
  RollingWorker w;
  w.known = w.seen = w.healthy = w.can_restart = w.source_connected = true;
  w.incarnation = "1";
  return w;
}
RollingPool open_pool() {
  RollingPool p;
  p.name = "p";
  p.size = p.healthy = 10;
  return p;
}
RollingTurn turn(const RollingWorker& w, const RollingPool& p = open_pool()) { return judge_turn(target(), w, p).turn; }

TEST(RollingRules, a_living_worker_goes_a_new_life_is_done_the_unfit_are_left_out) {
  EXPECT_EQ(turn(well()), RollingTurn::go);
  const auto with = [](auto change) {
    RollingWorker w = well();
    change(w);
    const RollingJudgement j = judge_turn(target(), w, open_pool());
    EXPECT_EQ(j.text.empty(), j.turn == RollingTurn::go);
    return j.turn;
  };
  EXPECT_EQ(with([](auto& w) { w.incarnation = "2"; }), RollingTurn::done);
  EXPECT_EQ(with([](auto& w) { w.incarnation = "2", w.busy = true; }), RollingTurn::wait) << "not proven yet";
  EXPECT_EQ(with([](auto& w) { w.busy = true; }), RollingTurn::wait);
  EXPECT_EQ(with([](auto& w) { w.known = false; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.seen = false; }), RollingTurn::away);
  EXPECT_EQ(with([](auto& w) { w.dead = true; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.inactive = true; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.quarantined = true; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.own_maintenance = true; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.pool_maintenance = "pool/p"; }), RollingTurn::wait);
  EXPECT_EQ(with([](auto& w) { w.announced_stop = true; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.can_restart = false; }), RollingTurn::skip);
  EXPECT_EQ(with([](auto& w) { w.source_connected = false; }), RollingTurn::away);
}

TEST(RollingRules, the_pool_keeps_its_brakes) {
  RollingPool p = open_pool();
  p.frozen = "broker redis is down";
  EXPECT_EQ(judge_turn(target(), well(), p).text, "stops of pool p are frozen: broker redis is down");
  p = open_pool();
  p.down = 1;
  EXPECT_EQ(judge_turn(target(), well(), p).text, "1 of 1 workers that may be down at once in pool p are");
  p = open_pool();
  p.healthy = 1;
  EXPECT_EQ(turn(well(), p), RollingTurn::wait);
  RollingWorker ill = well();
  ill.healthy = false;
  EXPECT_EQ(turn(ill, p), RollingTurn::go);
  p.size = 1;
  EXPECT_EQ(turn(well(), p), RollingTurn::skip) << "it would wait for ever";
  p.allow_last = true;
  EXPECT_EQ(turn(well(), p), RollingTurn::go);
}

TEST(RollingRules, the_monitor_itself_must_be_fit_to_stop_anybody) {
  ManualClock clock;
  GovernorFleet fleet;
  fleet.monitor_started = clock.now().steady;
  EXPECT_EQ(rolling_hold(fleet, {}, clock.now()), "the monitor is young: no stop in its first 1m");
  clock.advance(61s);
  EXPECT_FALSE(rolling_hold(fleet, {}, clock.now()));
  fleet.own_lag = 2s;
  EXPECT_TRUE(rolling_hold(fleet, {}, clock.now()));
  fleet.own_lag = 0s;
  fleet.ledger_degraded = true;
  EXPECT_TRUE(rolling_hold(fleet, {}, clock.now()));
  fleet.ledger_degraded = false;
  fleet.big_switch = true;
  EXPECT_TRUE(rolling_hold(fleet, {}, clock.now()));
}

TEST(RollingRules, a_share_is_of_all_workers_of_the_order_and_at_least_one) {
  EXPECT_EQ(rolling_at_once({}, 40), 1);
  EXPECT_EQ(rolling_at_once({.at_once = 3}, 40), 3);
  EXPECT_EQ(rolling_at_once({.at_once_percent = 10}, 40), 4);
  EXPECT_EQ(rolling_at_once({.at_once_percent = 10}, 9), 1);
}

TEST(RollingRules, ill_ones_first_then_the_oldest) {
  const auto t = rolling_targets("r",
                                 {{"young", "p", "1", false, WallTime{9s}},
                                  {"old", "p", "1", false, WallTime{1s}},
                                  {"ill", "p", "1", true, WallTime{8s}}},
                                 WallTime{10s});
  ASSERT_EQ(t.size(), 3u);
  EXPECT_EQ(t[0].worker_id, "ill");
  EXPECT_EQ(t[1].worker_id, "old");
  EXPECT_EQ(t[2].turn, 3);
}

TEST(RollingRules, one_order_per_pool_and_sixteen_in_all) {
  RollingRecord of_p, of_all;
  of_p.id = "roll-1";
  of_p.wish.pool = "p";
  EXPECT_FALSE(rolling_conflict({&of_p}, "q"));
  EXPECT_TRUE(rolling_conflict({&of_p}, "p"));
  EXPECT_TRUE(rolling_conflict({&of_p}, ""));
  EXPECT_TRUE(rolling_conflict({&of_all}, "p"));
  EXPECT_TRUE(rolling_conflict(std::vector<const RollingRecord*>(kMaxOpenRollings, &of_p), "q"));
}

// ---- the order as a whole

class RollingBench : public RecoveryBench {
 public:
  using RecoveryBench::RecoveryBench;
  CommandResult order(Verb verb, RollingWish wish = {}, const std::string& id = "", const std::string& key = "") {
    CommandInput c;
    c.command_id = "r" + std::to_string(++orders_);
    c.verb = verb;
    c.actor = "ann";
    c.target = id;
    c.idempotency_key = key;
    if (verb == Verb::rolling_start) {
      c.pool = wish.pool;
      c.rolling = std::move(wish);
    }
    EXPECT_TRUE(recovery.on_command(c, clock.now(), out));
    const CommandResult answer = acts<Answer>().back().result;
    settle();
    return answer;
  }
  std::string begin(RollingWish wish = {.pool = "p"}) {
    const CommandResult r = order(Verb::rolling_start, std::move(wish));
    EXPECT_TRUE(r.success) << r.message;
    return r.id;
  }
  RollingRecord record(const std::string& id) {
    for (const RollingRecord& r : recovery.rollings())
      if (r.id == id) return r;
    return {};
  }
  // The agent does what the latest ladder asks for, and the successor works.
  void obey(bool proves = true) {
    const Ladder l = last_ladder();
    progress(l.worker_id, LadderStep::accepted);
    const std::string next = l.worker_id + "#" + std::to_string(++lives_);
    progress(l.worker_id, LadderStep::start, true, true, next);
    lives(l.worker_id, next, proves);
    settle();
  }

 private:
  int orders_ = 0, lives_ = 1;
};

TEST(Rolling, restarts_each_worker_once_and_the_next_only_after_the_proof) {
  RollingBench b;
  b.workers(4);
  const std::string id = b.begin();
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(b.ladders(), i + 1);
    EXPECT_EQ(b.last_ladder().worker_id, "w" + std::to_string(i));
    EXPECT_EQ(b.last_ladder().kind, RemedyKind::drain_restart);
    EXPECT_EQ(b.action("w" + std::to_string(i)).rolling_id, id);
    b.pass(5s);
    EXPECT_EQ(b.ladders(), i + 1) << "not before the proof";
    EXPECT_EQ(b.record(id).now.size(), 1u);
    b.obey();
  }
  const RollingRecord r = b.record(id);
  EXPECT_EQ(r.state, RollingState::finished);
  EXPECT_EQ(r.done, 4);
  EXPECT_EQ(r.text, "4 of 4 done");
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).stops_used, 0) << "not counted";
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).stops_hour, 0);
  EXPECT_EQ(b.entries<BudgetRecord>().size(), 0u);
  EXPECT_EQ(b.entries<AuditRecord>().size(), 1u);
}

TEST(Rolling, counts_as_down_together_with_automatic_stops) {
  RollingBench b;
  b.workers(10);
  const std::string id = b.begin({.pool = "p", .at_once = 5});
  EXPECT_EQ(b.ladders(), 1) << "the cap of ten workers is one";
  EXPECT_NE(b.record(id).held.find("1 of 1 workers"), std::string::npos) << b.record(id).held;
  b.ill("w7");
  b.pass(20s);
  EXPECT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.held("w7"), HoldCode::down_cap);
  b.obey();
  EXPECT_EQ(b.ladders(), 2) << "one of both goes";
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).down_now, 1);
}

TEST(Rolling, an_ill_worker_has_the_next_turn_and_one_that_was_started_anew_is_done) {
  RollingBench b;
  b.workers(4);
  const std::string id = b.begin();
  b.dies("w1");
  b.starts("w1", "w1#1", "w1#9", 1);
  b.lives("w1", "w1#9");
  b.ill("w3", RemedyKind::none);
  b.obey();  // w0
  b.obey();
  b.obey();
  EXPECT_EQ(b.ladders(), 3);
  EXPECT_EQ(b.record(id).done, 4);
  EXPECT_EQ(b.record(id).state, RollingState::finished);
}

TEST(Rolling, a_failed_proof_pauses_and_people_are_told) {
  RollingBench b;
  b.workers(4);
  const std::string id = b.begin();
  b.pass(20min);  // the agent never answers
  EXPECT_EQ(b.ladders(), 1);
  RollingRecord r = b.record(id);
  EXPECT_EQ(r.state, RollingState::paused);
  EXPECT_EQ(r.failed, 1);
  EXPECT_EQ(r.changed_by, "paramedic");
  EXPECT_NE(r.text.find("w0"), std::string::npos);
  ASSERT_EQ(r.notes.size(), 1u);
  ASSERT_TRUE(b.last_wish("pool/p/rolling_paused"));
  EXPECT_TRUE(b.last_wish("pool/p/rolling_paused")->on);
  EXPECT_TRUE(b.order(Verb::rolling_resume, {}, id).success);
  EXPECT_FALSE(b.last_wish("pool/p/rolling_paused")->on);
  ASSERT_EQ(b.ladders(), 2);
  EXPECT_EQ(b.last_ladder().worker_id, "w1") << "nobody is restarted twice";
}

TEST(Rolling, what_an_executor_holds_back_waits_and_is_asked_again) {
  RollingBench b;
  b.workers(2);
  const std::string id = b.begin();
  b.held_back("w0", "the disruption budget allows none", 30s);
  EXPECT_EQ(b.action("w0").state, ActionState::held_back);
  b.pass(25s);
  EXPECT_EQ(b.ladders(), 1) << "nor is another of its pool asked before";
  EXPECT_EQ(b.record(id).state, RollingState::running);
  EXPECT_EQ(b.record(id).failed, 0);
  EXPECT_NE(b.record(id).held.find("the disruption budget allows none"), std::string::npos) << b.record(id).held;
  for (int i = 2; i <= 3; ++i) {
    b.pass(20s);
    ASSERT_EQ(b.ladders(), i);
    b.obey();
  }
  EXPECT_EQ(b.record(id).state, RollingState::finished);
  EXPECT_EQ(b.record(id).done, 2);
}

TEST(Rolling, goes_on_after_failures_when_asked_to) {
  RollingBench b;
  b.workers(3);
  const std::string id = b.begin({.pool = "p", .pause_on_failure = false});
  for (int i = 0; i < 3; ++i)
    b.progress("w" + std::to_string(i), LadderStep::accepted, true, false, "", "no"), b.settle();
  EXPECT_EQ(b.record(id).state, RollingState::finished);
  EXPECT_EQ(b.record(id).failed, 3);
}

TEST(Rolling, pause_resume_abort_by_a_person) {
  RollingBench b;
  b.workers(5);
  const std::string id = b.begin();
  EXPECT_TRUE(b.order(Verb::rolling_pause, {}, id).success);
  EXPECT_EQ(b.order(Verb::rolling_pause, {}, id).error->code, Errc::conflict);
  b.obey();
  b.pass(1h);
  EXPECT_EQ(b.ladders(), 1) << "what began ends, nothing more";
  EXPECT_EQ(b.record(id).done, 1);
  EXPECT_FALSE(b.last_wish("pool/p/rolling_paused")->on) << "a person knows";
  b.order(Verb::rolling_resume, {}, id);
  EXPECT_EQ(b.ladders(), 2);
  EXPECT_TRUE(b.order(Verb::rolling_abort, {}, id).success);
  b.obey();
  b.pass(1h);
  EXPECT_EQ(b.ladders(), 2);
  EXPECT_EQ(b.record(id).state, RollingState::aborted);
  EXPECT_EQ(b.order(Verb::rolling_resume, {}, id).error->code, Errc::conflict);
  EXPECT_EQ(b.order(Verb::rolling_resume, {}, "roll-0").error->code, Errc::not_found);
  EXPECT_FALSE(b.begin().empty()) << "the pool is free again";
}

TEST(Rolling, a_second_order_is_refused_and_a_repeated_one_answered_alike) {
  RollingBench b;
  b.workers(5);
  const CommandResult first = b.order(Verb::rolling_start, {.pool = "p"}, "", "key-1");
  EXPECT_EQ(b.order(Verb::rolling_start, {.pool = "p"}, "", "key-1").id, first.id);
  EXPECT_EQ(b.order(Verb::rolling_start, {.pool = "p"}).error->code, Errc::conflict);
  EXPECT_EQ(b.order(Verb::rolling_start, {}).error->code, Errc::conflict);
  EXPECT_EQ(b.order(Verb::rolling_start, {.pool = "nobody"}).error->code, Errc::not_found);
  EXPECT_EQ(b.order(Verb::rolling_start, {.pool = "p", .version = "9"}).error->code, Errc::conflict);
  EXPECT_EQ(b.ladders(), 1);
}

TEST(Rolling, waits_under_the_big_switch_a_freeze_and_own_lag_and_says_why) {
  RollingBench b;
  b.workers(10);
  b.command(Verb::freeze);
  const std::string id = b.begin();
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_NE(b.record(id).held.find("frozen by an operator"), std::string::npos);
  b.recovery.set_own_lag(3s);
  b.command(Verb::thaw);
  b.pass(2s);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_NE(b.record(id).held.find("lags"), std::string::npos);
  b.recovery.update_pool({.pool = "p", .broker_down = "redis"}, b.clock.now(), b.out);
  b.recovery.set_own_lag(0s);
  b.pass(2s);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_NE(b.record(id).held.find("frozen"), std::string::npos);
  b.recovery.update_pool({.pool = "p"}, b.clock.now(), b.out);
  b.pass(2min);
  EXPECT_EQ(b.ladders(), 1);
}

TEST(Rolling, quarantined_ones_are_left_out_and_an_agent_that_stays_away_does_not_hold_it_for_ever) {
  RollingBench b;
  b.workers(4);
  b.command(Verb::quarantine, "w0");
  const std::string id = b.begin();
  EXPECT_EQ(b.last_ladder().worker_id, "w1");
  b.facts.at("w2").source_connected = false;
  b.facts.at("w2").status = Status::healthy;
  b.say("w2");
  b.obey();
  b.obey();  // w3
  EXPECT_EQ(b.record(id).state, RollingState::running);
  EXPECT_NE(b.record(id).held.find("w2: its agent is away"), std::string::npos) << b.record(id).held;
  b.pass(6min);
  const RollingRecord r = b.record(id);
  EXPECT_EQ(r.state, RollingState::finished);
  EXPECT_EQ(r.text, "2 of 4 done, 2 skipped");
}

TEST(Rolling, of_the_fleet_and_of_one_host) {
  RollingBench b;
  b.worker("a", "p");
  b.worker("b", "p");
  b.worker("c", "q");
  b.worker("d", "q");
  b.settle();
  const std::string host = b.begin({.host = "h-c"});
  EXPECT_EQ(b.record(host).total, 1);
  EXPECT_EQ(b.last_ladder().worker_id, "c");
  b.obey();
  const std::string all = b.begin({.at_once = 9});
  EXPECT_EQ(b.record(all).total, 4);
  EXPECT_EQ(b.record(all).now.size(), 2u) << "one of each pool";
}

// ---- after a restart of the monitor

LedgerState ledger_after(RollingBench& b) {
  LedgerState s;
  std::map<std::string, ActionRecord> actions;
  for (const auto& a : b.entries<ActionRecord>()) actions[a.action_id] = a;
  for (auto& [id, a] : actions) s.actions.push_back(a);
  std::map<std::string, RollingRecord> rollings;
  for (const auto& r : b.entries<RollingRecord>()) rollings[r.id] = r;
  for (auto& [id, r] : rollings) s.rollings.push_back(r);
  std::map<std::string, RollingTarget> targets;
  for (const auto& t : b.entries<RollingTarget>()) targets[t.rolling_id + "/" + t.worker_id] = t;
  for (auto& [id, t] : targets)
    if (t.state == RollingTargetState::waiting || t.state == RollingTargetState::running)
      s.rolling_targets.push_back(t);
  for (auto& [id, f] : b.facts)
    s.workers.push_back({f.id, f.pool, f.host, f.source, f.version, f.incarnation, f.state, f.status});
  return s;
}

TEST(Rolling, goes_on_after_a_restart_of_the_monitor_without_restarting_anyone_twice) {
  RollingBench a;
  a.workers(4);
  const std::string id = a.begin();
  a.obey();
  EXPECT_EQ(a.last_ladder().worker_id, "w1");
  RollingBench b({}, false);
  b.clock = a.clock;
  b.facts = a.facts;
  b.recovery.restore(ledger_after(a), b.clock.now());
  for (const auto& [w, f] : b.facts) b.say(w);
  b.pass(5s);
  ASSERT_EQ(b.ladders(), 1) << "a person's order, and its agent does not know it: sent again, by the same id";
  EXPECT_EQ(b.last_ladder().action_id, a.last_ladder().action_id);
  b.obey();
  EXPECT_EQ(b.last_ladder().worker_id, "w2");
  b.obey();
  b.obey();
  EXPECT_EQ(b.record(id).state, RollingState::finished);
  EXPECT_EQ(b.record(id).done, 4);
}

TEST(Rolling, pauses_when_it_cannot_know_what_became_of_a_restart) {
  RollingBench a;
  a.workers(4);
  const std::string id = a.begin();
  LedgerState s = ledger_after(a);
  s.actions.clear();
  RollingBench b;
  b.facts = a.facts;
  b.recovery.restore(s, b.clock.now());
  for (const auto& [w, f] : b.facts) b.say(w);
  b.settle();
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.record(id).state, RollingState::paused);
  EXPECT_NE(b.record(id).text.find("w0"), std::string::npos) << b.record(id).text;
  EXPECT_TRUE(b.last_wish("pool/p/rolling_paused")->on);
  b.lives("w0", "w0#2");  // it had been restarted
  b.pass(2min);
  b.order(Verb::rolling_resume, {}, id);
  EXPECT_EQ(b.last_ladder().worker_id, "w1");
  EXPECT_EQ(b.record(id).done, 1);
}

}  // namespace
}  // namespace paramedic
