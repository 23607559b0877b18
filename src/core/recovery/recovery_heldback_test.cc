// "Not now" of a disruption budget: nothing was done, so nothing counts, and it is asked again at a pace.
#include <gmock/gmock.h>

#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

using ::testing::HasSubstr;

constexpr const char* kWords = "HTTP 429: the disruption budget web needs 3 healthy pods";

class HeldBack : public ::testing::Test {
 protected:
  HeldBack() {
    bench_.workers(3);
    bench_.ill("w0");
    bench_.settle();
    bench_.pass(2s);
  }
  int stops_used(const std::string& id) { return bench_.recovery.worker_view(id, bench_.clock.now()).stops_used; }
  // Passes time until one more ladder is out.
  Duration until_asked_again() {
    const int before = bench_.ladders();
    const SteadyTime from = bench_.clock.now().steady;
    while (bench_.ladders() == before && bench_.clock.now().steady - from < 2h) bench_.pass(500ms);
    return bench_.clock.now().steady - from;
  }
  RecoveryBench bench_;
};

TEST_F(HeldBack, is_no_failure_and_counts_against_nothing) {
  ASSERT_EQ(bench_.ladders(), 1);
  EXPECT_EQ(stops_used("w0"), 1);
  EXPECT_EQ(bench_.recovery.pool_view("p", bench_.clock.now()).down_now, 1);
  const auto alerts = bench_.out.alerts.size();
  bench_.held_back("w0", kWords);
  const ActionRecord action = bench_.action("w0");
  EXPECT_EQ(action.state, ActionState::held_back);
  EXPECT_EQ(action.outcome, kWords);
  EXPECT_FALSE(action.counted_stop);
  EXPECT_EQ(stops_used("w0"), 0);
  const RecoveryPoolView pool = bench_.recovery.pool_view("p", bench_.clock.now());
  EXPECT_EQ(pool.down_now, 0);
  EXPECT_EQ(pool.stops_hour, 0);
  EXPECT_EQ(bench_.out.alerts.size(), alerts);
  EXPECT_EQ(bench_.recovery.stats().actions_failed, 0u);
  ASSERT_EQ(bench_.entries<BudgetRecord>().size(), 2u);
  EXPECT_TRUE(bench_.entries<BudgetRecord>()[1].returned);
  EXPECT_EQ(bench_.entries<BudgetRecord>()[0].action_id, bench_.entries<BudgetRecord>()[1].action_id);
}

TEST_F(HeldBack, the_worker_shows_who_holds_it_and_until_when) {
  bench_.held_back("w0", kWords, 40s);
  EXPECT_EQ(bench_.held("w0"), HoldCode::disruption_budget);
  const auto held = bench_.recovery.worker_view("w0", bench_.clock.now()).held;
  EXPECT_THAT(held->text, HasSubstr(kWords));
  EXPECT_THAT(held->text, HasSubstr("asked again in"));
  EXPECT_EQ(held->wanted, RemedyKind::restart);
  ASSERT_TRUE(held->until);
  EXPECT_GE(*held->until - bench_.clock.now().wall, 40s);
  EXPECT_LE(*held->until - bench_.clock.now().wall, 50s);
  EXPECT_EQ(bench_.recovery.stats().held.at("stop/disruption_budget"), 1u);
  EXPECT_FALSE(bench_.recovery.worker_view("w0", bench_.clock.now()).state) << "it is not restarting";
}

TEST_F(HeldBack, is_asked_again_after_the_time_that_was_asked_for) {
  bench_.held_back("w0", kWords, 40s);
  const Duration waited = until_asked_again();
  EXPECT_GE(waited, 40s);
  EXPECT_LE(waited, 51s);
  bench_.lives("w0", "w0#2");
  bench_.settle();
  EXPECT_EQ(bench_.action("w0").state, ActionState::succeeded);
  EXPECT_EQ(stops_used("w0"), 1) << "the one that was done";
}

TEST_F(HeldBack, without_such_a_time_the_waits_grow_to_five_minutes_and_never_quarantine) {
  Duration longest{};
  for (int i = 0; i < 10; ++i) {
    bench_.held_back("w0", kWords);
    const Duration waited = until_asked_again();
    EXPECT_GE(waited, i == 0 ? 10s : std::min<Duration>(longest, 240s)) << i;
    EXPECT_LE(waited, 376s);
    longest = std::max(longest, waited);
  }
  EXPECT_GE(longest, 300s);
  EXPECT_NE(bench_.held("w0"), HoldCode::quarantined);
  EXPECT_EQ(stops_used("w0"), 1) << "the one that is under way";
}

TEST_F(HeldBack, the_pool_is_asked_at_that_pace_and_the_next_worker_is_not_starved) {
  bench_.ill("w1");
  bench_.held_back("w0", kWords, 30s);
  bench_.pass(5s);
  EXPECT_EQ(bench_.held("w1"), HoldCode::disruption_budget);
  EXPECT_THAT(bench_.recovery.worker_view("w1", bench_.clock.now()).held->text, HasSubstr("said of worker w0"));
  bench_.pass(25s);
  EXPECT_EQ(bench_.ladders(), 2);
  EXPECT_EQ(bench_.last_ladder().worker_id, bench_.held("w0") == HoldCode::none ? "w0" : "w1");
  bench_.held_back(bench_.last_ladder().worker_id, kWords, 30s);
  (void)until_asked_again();
  EXPECT_NE(bench_.acts<SendLadder>()[1].ladder.worker_id, bench_.last_ladder().worker_id);
}

TEST_F(HeldBack, a_restored_monitor_agrees) {
  bench_.held_back("w0", kWords);
  LedgerState state;
  state.workers.push_back({.worker_id = "w0", .pool = "p", .host = "h-w0", .incarnation = "w0#1"});
  state.budgets = bench_.entries<BudgetRecord>();
  state.actions = {bench_.entries<ActionRecord>().back()};  // the last record of an action wins
  Recovery next({}, bench_.clock.now());
  next.restore(state, bench_.clock.now());
  EXPECT_EQ(next.worker_view("w0", bench_.clock.now()).stops_used, 0);
  EXPECT_EQ(next.pool_view("p", bench_.clock.now()).stops_hour, 0);
  EXPECT_EQ(next.pool_view("p", bench_.clock.now()).down_now, 0);
}

TEST_F(HeldBack, a_stop_of_the_last_life_is_taken_back_too) {
  LedgerState state;
  state.workers.push_back({.worker_id = "w0", .pool = "p", .host = "h-w0", .incarnation = "w0#1"});
  state.budgets = bench_.entries<BudgetRecord>();
  state.actions = bench_.entries<ActionRecord>();
  bench_.clock.advance(5s);
  Recovery next({}, bench_.clock.now());
  next.restore(state, bench_.clock.now());
  EXPECT_EQ(next.worker_view("w0", bench_.clock.now()).stops_used, 1);
  ProgressInput p;
  p.action_id = bench_.last_ladder().action_id;
  p.worker_id = "w0";
  p.done = p.held_back = true;
  p.ok = false;
  next.on_progress(p, bench_.clock.now(), bench_.out);
  EXPECT_EQ(next.worker_view("w0", bench_.clock.now()).stops_used, 0);
  EXPECT_EQ(next.pool_view("p", bench_.clock.now()).stops_hour, 0);
}

TEST_F(HeldBack, an_operators_restart_ends_with_the_words) {
  bench_.held_back("w0", kWords);
  bench_.well("w0");
  bench_.settle();
  const CommandResult result = bench_.command(Verb::restart, "w1");
  EXPECT_TRUE(result.running);
  bench_.held_back("w1", kWords);
  EXPECT_EQ(bench_.action("w1").state, ActionState::held_back);
  EXPECT_EQ(bench_.action("w1").outcome, kWords);
  EXPECT_EQ(bench_.entries<BudgetRecord>().size(), 2u) << "an operator's is not counted, so nothing is taken back";
}

TEST(HeldBackStart, waits_and_is_no_crash) {
  RecoveryBench bench;
  auto& facts = bench.worker("w");
  facts.by_agent = false;
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::automatic;
  bench.recovery.set_policies(policies, bench.clock.now(), bench.out);
  bench.say("w");
  bench.dies("w");
  bench.settle();
  ASSERT_EQ(bench.ladders(), 1);
  bench.held_back("w", kWords);
  EXPECT_EQ(bench.held("w"), HoldCode::disruption_budget);
  EXPECT_EQ(bench.recovery.worker_view("w", bench.clock.now()).crashes, 1);
  bench.pass(13s);
  EXPECT_EQ(bench.ladders(), 2);
}

TEST(HeldBackApproval, stays_for_the_wish_and_ends_with_it) {
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::approve;
  RecoveryBench bench(policies);
  bench.workers(2);
  bench.ill("w0");
  bench.settle();
  bench.pass(3s);
  (void)bench.command(Verb::approve, "w0");
  bench.settle();
  ASSERT_EQ(bench.ladders(), 1);
  bench.held_back("w0", kWords);
  bench.pass(13s);
  ASSERT_EQ(bench.ladders(), 2) << "approved already";
  bench.held_back("w0", kWords);
  bench.well("w0");
  bench.settle();
  bench.ill("w0");
  bench.pass(2min);
  EXPECT_EQ(bench.ladders(), 2);
  EXPECT_EQ(bench.held("w0"), HoldCode::mode_approve);
}

TEST(HeldBackCanary, says_nothing_of_the_pool) {
  RecoveryBench bench;
  bench.pool_of(10, 6);
  bench.pass(6min);
  ASSERT_EQ(bench.ladders(), 1);
  bench.held_back(bench.last_ladder().worker_id, kWords);
  EXPECT_FALSE(bench.last_wish("pool/p/canary_failed"));
  bench.pass(30s);
  EXPECT_EQ(bench.ladders(), 2) << "the canary has not been";
}

}  // namespace
}  // namespace paramedic
