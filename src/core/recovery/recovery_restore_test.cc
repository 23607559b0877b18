// The monitor was restarted: what the ledger gives back holds on.
#include "core/recovery/recovery_harness.h"
#include "core/recovery/recovery_last_life.h"

namespace paramedic {
namespace {

void take_over(RecoveryBench& next, const RecoveryBench& last, Duration away = 5s) {
  next.clock = last.clock;
  next.clock.advance(away);
  next.facts = last.facts;
  LastLife life;
  life.take(last.out);
  for (const auto& [id, f] : last.facts) life.keep(f, last.clock.now().wall);
  next.recovery.restore(life.load(next.clock.now().wall), next.clock.now());
}

TEST(RecoveryRestore, a_running_ladder_survives_and_is_proven) {
  RecoveryBench a;
  a.workers(10);
  a.ill("w0");
  a.pass(2s);
  const std::string id = a.action("w0").action_id;
  RecoveryBench b;
  take_over(b, a);
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).down_now, 1);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).stops_used, 1);
  for (const auto& [w, f] : b.facts) b.say(w);
  b.says("w0", id, LadderStep::term);  // among the first words of its agent
  b.pass(10s);
  EXPECT_EQ(b.ladders(), 0) << "it is not sent again";
  b.lives("w0", "w0#2");
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
  EXPECT_EQ(b.action("w0").action_id, id);
}

// The monitor died between the entry and the order; meanwhile anything may have changed.
TEST(RecoveryRestore, an_order_that_never_left_is_taken_back_and_judged_anew) {
  for (const bool well_again : {true, false}) {
    RecoveryBench a;
    a.workers(10);
    a.ill("w0");
    a.pass(2s);
    const std::string old = a.action("w0").action_id;
    RecoveryBench b;
    take_over(b, a);
    for (const auto& [w, f] : b.facts) b.say(w);
    if (well_again) b.well("w0");
    b.settle();
    b.pass(4s);
    EXPECT_EQ(b.action("w0").state, ActionState::sent) << "its agent may tell of it still";
    EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).stops_used, 1);
    b.pass(1s);
    const auto actions = b.entries<ActionRecord>();
    ASSERT_FALSE(actions.empty());
    EXPECT_EQ(actions[0].action_id, old);
    EXPECT_EQ(actions[0].state, ActionState::abandoned);
    EXPECT_FALSE(actions[0].counted_stop);
    EXPECT_EQ(b.ladders(), well_again ? 0 : 1);
    EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).stops_used, well_again ? 0 : 1);
    EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).stops_hour, well_again ? 0 : 1);
    for (const SendLadder& sent : b.acts<SendLadder>()) EXPECT_NE(sent.ladder.action_id, old);
  }
}

TEST(RecoveryRestore, a_monitor_that_lags_waits_longer_for_the_first_words) {
  RecoveryBench a;
  a.workers(10);
  a.ill("w0");
  a.pass(2s);
  RecoveryBench b;
  take_over(b, a);
  b.recovery.set_own_lag(2s);
  for (const auto& [w, f] : b.facts) b.say(w);
  b.settle();
  b.pass(30s);
  EXPECT_EQ(b.action("w0").state, ActionState::sent);
  b.recovery.set_own_lag(0s);
  b.pass(5s);
  EXPECT_EQ(b.entries<ActionRecord>()[0].state, ActionState::abandoned);
}

TEST(RecoveryRestore, a_persons_order_that_never_left_is_sent_again_while_it_is_young) {
  for (const bool young : {true, false}) {
    RecoveryBench a;
    a.workers(10);
    a.command(Verb::restart, "w0");
    ASSERT_EQ(a.ladders(), 1);
    RecoveryBench b;
    take_over(b, a, young ? 5s : 10min);
    for (const auto& [w, f] : b.facts) b.say(w);
    b.settle();
    b.pass(5s);
    EXPECT_EQ(b.ladders(), young ? 1 : 0);
    EXPECT_EQ(b.action("w0").state, young ? ActionState::sent : ActionState::abandoned) << b.action("w0").outcome;
  }
}

TEST(RecoveryRestore, budgets_backoff_quarantine_maintenance_and_switch_survive) {
  RecoveryBench a;
  a.workers(10);
  a.dies("w1");
  a.starts("w1", "w1#1", "w1#2", 1);
  a.lives("w1", "w1#2", false);
  a.dies("w1");
  a.starts("w1", "w1#2", "w1#3", 2);
  a.lives("w1", "w1#3", false);
  a.command(Verb::quarantine, "w2");
  a.command(Verb::maintenance_on, "w3", false, "", 1h);
  a.command(Verb::freeze);
  RecoveryBench b;
  take_over(b, a);
  EXPECT_EQ(b.recovery.worker_view("w1", b.clock.now()).crashes, 2);
  EXPECT_EQ(b.recovery.worker_view("w2", b.clock.now()).state, WorkerState::quarantined);
  EXPECT_EQ(b.recovery.maintenance_of("w3", "p"), "worker/w3");
  EXPECT_TRUE(b.recovery.big_switch_held());
  b.starts("w1", "w1#2", "w1#3", 2);  // told again: counted before
  EXPECT_EQ(b.recovery.stats().starts_done, 0u);
  b.facts.at("w1").took_task = true;
  b.say("w1");
  ASSERT_TRUE(b.last_wish("worker/w1/exited"));
  EXPECT_FALSE(b.last_wish("worker/w1/exited")->on);  // the alert of the last life ends with its proof
  b.pass(1h);
  EXPECT_EQ(b.recovery.maintenance_of("w3", "p"), "");
}

// Ten healthy minutes forget crashes; the half hour of stops slides on.
TEST(RecoveryRestore, a_healthy_worker_has_no_crashes_but_its_stops_still_count) {
  RecoveryBench a;
  a.workers(10);
  a.ill("w0");
  a.pass(2s);
  a.lives("w0", "w0#2");
  a.dies("w0");
  a.starts("w0", "w0#2", "w0#3", 1);
  a.lives("w0", "w0#3");
  a.pass(11min);
  ASSERT_EQ(a.recovery.worker_view("w0", a.clock.now()).crashes, 0);
  ASSERT_EQ(a.recovery.worker_view("w0", a.clock.now()).stops_used, 1);
  RecoveryBench b;
  take_over(b, a);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 0);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).stops_used, 1);
}

void say_all(RecoveryBench& b) {
  for (const auto& [id, f] : b.facts) b.say(id);
  b.settle();
}

TEST(RecoveryRestore, a_canary_that_failed_keeps_its_pace) {
  RecoveryBench a;
  a.pool_of(10, 6);
  a.pass(5min);
  ASSERT_EQ(a.ladders(), 1);
  const ActionRecord canary = a.entries<ActionRecord>().back();
  EXPECT_EQ(canary.canary_of, std::vector<std::string>{"pool/p"});
  a.useless_restart(canary.worker_id, 2);
  ASSERT_EQ(a.action(canary.worker_id).state, ActionState::failed);
  a.pass(8min);  // 10 min after the canary's start
  RecoveryBench b;
  take_over(b, a);
  say_all(b);
  b.pass(19min);
  EXPECT_EQ(b.ladders(), 0) << "a restart of the monitor is no reason to try one more";
  b.pass(2min);
  EXPECT_EQ(b.ladders(), 1);
}

TEST(RecoveryRestore, a_canary_on_its_way_is_proven_in_the_next_life) {
  RecoveryBench a;
  a.pool_of(10, 6);
  a.pass(5min);
  ASSERT_EQ(a.ladders(), 1);
  const std::string canary = a.last_ladder().worker_id;
  RecoveryBench b;
  take_over(b, a);
  say_all(b);
  b.says(canary, a.last_ladder().action_id, LadderStep::term);
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).frozen_since, WallTime{b.clock.now().wall});
  b.pass(2min);
  EXPECT_EQ(b.ladders(), 0) << "one canary at a time";
  b.lives(canary, canary + "#2");
  b.settle();
  b.pass(30s);
  EXPECT_GE(b.ladders(), 1) << "it helped: the pool thaws";
}

TEST(RecoveryRestore, a_canary_of_a_shared_cause_keeps_its_pace) {
  const auto cause = [] {
    return std::vector<RecoveryCause>{{"cause/host/h1", "they share host h1", {"w0", "w1", "w2"}}};
  };
  RecoveryBench a;
  a.pool_of(10, 3);
  a.recovery.update_causes(cause(), a.clock.now());
  a.pass(5min);
  ASSERT_EQ(a.ladders(), 1);
  const ActionRecord canary = a.entries<ActionRecord>().back();
  EXPECT_EQ(canary.canary_of, std::vector<std::string>{"cause/host/h1"});
  a.useless_restart(canary.worker_id, 2);
  RecoveryBench b;
  take_over(b, a);
  for (const auto& [id, f] : b.facts) b.say(id);
  b.recovery.update_causes(cause(), b.clock.now());
  b.pass(27min);
  EXPECT_EQ(b.ladders(), 0);
  b.pass(2min);
  EXPECT_EQ(b.ladders(), 1);
}

TEST(RecoveryRestore, the_page_of_a_crash_loop_ends_when_its_version_is_gone_meanwhile) {
  RecoveryBench a;
  a.workers(10);
  for (int n = 1; n <= 6; ++n) {
    a.dies("w1");
    if (n < 6) a.starts("w1", "w1#" + std::to_string(n), "w1#" + std::to_string(n + 1), n);
    if (n < 6) a.lives("w1", "w1#" + std::to_string(n + 1), false);
  }
  ASSERT_TRUE(a.last_wish("pool/p/crash_loop/1")->on);
  a.facts.at("w1").version = "2";  // rolled back before the monitor hears of it
  RecoveryBench b;
  take_over(b, a);
  b.settle();
  ASSERT_TRUE(b.last_wish("pool/p/crash_loop/1"));
  EXPECT_FALSE(b.last_wish("pool/p/crash_loop/1")->on);
  EXPECT_EQ(b.last_wish("pool/p/crash_loop/1")->pool, "p");
}

TEST(RecoveryRestore, an_automatic_quarantine_and_a_crash_loop_page_survive) {
  RecoveryBench a;
  a.workers(10);
  a.ill("w0");
  a.pass(2s);
  for (int n = 2; n <= 4; ++n) a.useless_restart("w0", n);
  for (int n = 1; n <= 6; ++n) {
    a.dies("w1");
    if (n < 6) a.starts("w1", "w1#" + std::to_string(n), "w1#" + std::to_string(n + 1), n);
    if (n < 6) a.lives("w1", "w1#" + std::to_string(n + 1), false);
  }
  a.starts("w1", "w1#6", "w1#7", 6);
  a.lives("w1", "w1#7", false);
  RecoveryBench b;
  take_over(b, a);
  for (const auto& [w, f] : b.facts) b.say(w);
  b.pass(2min);
  EXPECT_EQ(b.held("w0"), HoldCode::quarantined);
  b.command(Verb::release, "w0");
  EXPECT_FALSE(b.last_wish("worker/w0/quarantined")->on);
  b.command(Verb::release, "w1");
  EXPECT_FALSE(b.last_wish("pool/p/crash_loop/1")->on);
}

}  // namespace
}  // namespace paramedic
