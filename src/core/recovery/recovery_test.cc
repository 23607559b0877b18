#include "core/recovery/recovery.h"

#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

TEST(RemedyWish, the_strongest_critical_cause_wins_and_a_warning_asks_for_nothing) {
  Finding resources{.check = "resources", .status = FindingStatus::critical};
  Cause memory{.reason = Reason::memory_high, .status = FindingStatus::critical, .remedy = RemedyKind::drain_restart};
  Cause cpu{.reason = Reason::cpu_high, .status = FindingStatus::critical};
  resources.causes = {cpu, memory};
  Finding beat{.check = "heartbeat", .status = FindingStatus::warning};
  beat.causes = {Cause{.reason = Reason::late, .status = FindingStatus::warning, .remedy = RemedyKind::restart}};
  std::vector<Finding> all{resources, beat};
  EXPECT_EQ(strongest_wish(all).kind, RemedyKind::drain_restart);
  EXPECT_EQ(strongest_wish(all).reason, Reason::memory_high);
  all[1].causes[0].status = FindingStatus::critical;
  EXPECT_EQ(strongest_wish(all).kind, RemedyKind::restart);
  EXPECT_EQ(strongest_wish({}).kind, RemedyKind::none);
}

// ---- stops --------------------------------------------------------------------------------------------------------

TEST(Recovery, restarts_an_ill_worker_and_proves_the_cure) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w3");
  b.settle();
  EXPECT_EQ(b.ladders(), 0);  // a shared cause may show itself within 2 s
  b.pass(2s);
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.last_ladder().expected_incarnation, "w3#1");
  EXPECT_EQ(b.last_ladder().drain, 0s);
  EXPECT_EQ(b.last_ladder().term_grace, 30s);
  EXPECT_EQ(b.action("w3").state, ActionState::sent);
  EXPECT_EQ(b.recovery.worker_view("w3", b.clock.now()).state, WorkerState::restarting);
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).down_now, 1);
  b.progress("w3", LadderStep::term);
  EXPECT_EQ(b.action("w3").state, ActionState::running);
  b.dies("w3");  // expected: no crash
  b.progress("w3", LadderStep::start, true, true, "w3#2");
  EXPECT_EQ(b.action("w3").state, ActionState::verifying);
  b.pass(5s);
  b.lives("w3", "w3#2");
  EXPECT_EQ(b.action("w3").state, ActionState::succeeded);
  EXPECT_EQ(b.action("w3").new_incarnation, "w3#2");
  EXPECT_EQ(b.recovery.worker_view("w3", b.clock.now()).crashes, 0);
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).down_now, 0);
  EXPECT_EQ(b.recovery.stats().stops_done, 1u);
  EXPECT_EQ(b.recovery.stats().actions_succeeded, 1u);
  EXPECT_EQ(b.entries<BudgetRecord>().size(), 1u);
  EXPECT_TRUE(b.out.alerts.empty());
  ASSERT_FALSE(b.out.notes.empty());
  EXPECT_EQ(b.out.notes.front().holds_open, true);
  EXPECT_EQ(b.out.notes.back().holds_open, false);
}

TEST(Recovery, on_a_line_that_may_be_dead_a_stop_waits_for_the_agents_next_word) {
  RecoveryBench b;
  b.workers(4);
  auto& f = b.facts.at("w3");
  f.news_until = b.clock.now().steady + 1s;
  b.ill("w3", RemedyKind::restart, Reason::silent);
  b.pass(10s);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.held("w3"), HoldCode::source_away);
  EXPECT_EQ(b.recovery.worker_view("w3", b.clock.now()).stops_used, 0);
  // It speaks, and the worker is silent all the same.
  f.news_until = b.clock.now().steady + 7s;
  b.say("w3");
  b.settle();
  EXPECT_EQ(b.ladders(), 1);
}

TEST(Recovery, memory_is_drained_first) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0", RemedyKind::drain_restart, Reason::memory_high);
  b.pass(2s);
  EXPECT_EQ(b.last_ladder().drain, 30s);
  EXPECT_EQ(b.last_ladder().max_drain, 5min);
}

TEST(Recovery, a_wish_that_passes_within_two_seconds_does_nothing) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(1s);
  b.well("w0");
  b.pass(1min);
  EXPECT_EQ(b.ladders(), 0);
}

TEST(Recovery, one_stop_per_ten_seconds_and_one_down_at_once_in_a_small_pool) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.ill("w1");
  b.pass(3s);
  EXPECT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.held("w1"), HoldCode::down_cap);
  b.lives("w0", "w0#2");
  b.settle();
  EXPECT_EQ(b.held("w1"), HoldCode::stop_rate_pool);
  b.pass(10s);
  EXPECT_EQ(b.ladders(), 2);
}

TEST(Recovery, one_shared_cause_is_no_reason_to_restart_anybody) {
  RecoveryBench b;
  b.pool_of(10, 5);
  b.pass(299s);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.held("w0"), HoldCode::frozen);
  EXPECT_TRUE(b.recovery.pool_view("p", b.clock.now()).frozen);
}

TEST(Recovery, a_broker_outage_freezes_and_its_recovery_clears_the_budgets) {
  RecoveryBench b;
  b.workers(10);
  b.recovery.update_pool({.pool = "p", .broker_down = "redis-a"}, b.clock.now(), b.out);
  b.ill("w0");
  b.pass(1h);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).frozen, "broker redis-a is down");
  b.recovery.update_pool({.pool = "p"}, b.clock.now(), b.out);
  b.settle();
  b.pass(59s);
  EXPECT_EQ(b.ladders(), 0);
  b.pass(1s);
  EXPECT_EQ(b.ladders(), 1);
}

// A restart that cures, 20 s after its ladder.
void cure(RecoveryBench& b, const std::string& id) {
  b.pass(20s);
  b.progress(id, LadderStep::start, true, true, id + "#2");
  b.lives(id, id + "#2");
  b.settle();
}

TEST(Recovery, when_the_cause_is_gone_a_pool_thaws_by_one_two_four) {
  RecoveryBench b;
  b.pool_of(60, 30);  // six may be down at once
  b.pass(10s);
  EXPECT_EQ(b.held("w0"), HoldCode::frozen);
  for (int i = 10; i < 30; ++i) b.well("w" + std::to_string(i));
  b.settle();
  b.pass(59s);
  EXPECT_EQ(b.ladders(), 0);
  b.pass(1s);
  ASSERT_EQ(b.ladders(), 1);
  b.pass(20s);
  EXPECT_EQ(b.ladders(), 1) << "the first stage is one, until it is proven";
  cure(b, b.last_ladder().worker_id);
  b.pass(15s);
  EXPECT_EQ(b.ladders(), 3);
  b.pass(15s);
  EXPECT_EQ(b.ladders(), 3) << "two in the second";
  for (const auto& act : b.acts<SendLadder>()) {
    const std::string id = act.ladder.worker_id;
    if (b.facts.at(id).status == Status::healthy) continue;
    b.lives(id, id + "#2");
    b.settle();
  }
  b.pass(45s);
  EXPECT_EQ(b.ladders(), 7) << "four in the third, the last under the cap of six";
  EXPECT_TRUE(b.recovery.pool_view("p", b.clock.now()).frozen);
  for (const auto& act : b.acts<SendLadder>()) {
    const std::string id = act.ladder.worker_id;
    if (b.facts.at(id).status == Status::healthy) continue;
    b.lives(id, id + "#2");
    b.settle();
  }
  b.settle();
  EXPECT_FALSE(b.recovery.pool_view("p", b.clock.now()).frozen);
}

TEST(Recovery, a_failed_stop_of_the_thaw_freezes_again) {
  RecoveryBench b;
  b.pool_of(10, 5);
  b.pass(5s);
  for (int i = 1; i < 4; ++i) b.well("w" + std::to_string(i));
  b.settle();
  b.pass(60s);
  ASSERT_EQ(b.ladders(), 1);
  b.progress(b.last_ladder().worker_id, LadderStep::kill, true, false, "", "cannot be killed");
  b.settle();
  b.pass(59s);
  EXPECT_EQ(b.ladders(), 1);
  EXPECT_TRUE(b.recovery.pool_view("p", b.clock.now()).frozen);
  b.pass(5s);
  EXPECT_EQ(b.ladders(), 2) << "a minute later the first stage again";
}

TEST(Recovery, a_canary_that_cures_thaws_a_pool_of_which_most_are_ill) {
  RecoveryBench b;
  b.pool_of(10, 5);
  b.pass(299s);
  EXPECT_EQ(b.ladders(), 0);
  b.pass(3s);
  ASSERT_EQ(b.ladders(), 1) << "after five minutes with broker, source and lag fine";
  b.pass(15s);
  EXPECT_EQ(b.ladders(), 1);
  for (int cured = 1; cured < 5; ++cured) {
    cure(b, b.last_ladder().worker_id);
    b.pass(11s);
    EXPECT_EQ(b.ladders(), std::min(cured + 1, 5)) << "one at a time: the cap of ten workers";
  }
  cure(b, b.last_ladder().worker_id);
  EXPECT_FALSE(b.recovery.pool_view("p", b.clock.now()).frozen);
  EXPECT_FALSE(b.last_wish("pool/p/canary_failed"));
}

TEST(Recovery, after_a_canary_more_ill_workers_than_before_freeze_again) {
  RecoveryBench b;
  b.pool_of(10, 6);
  b.pass(302s);
  ASSERT_EQ(b.ladders(), 1);
  cure(b, b.last_ladder().worker_id);
  EXPECT_EQ(b.ladders(), 2) << "the first stage";
  for (int i = 6; i < 9; ++i) b.ill("w" + std::to_string(i));
  b.settle();
  b.pass(60s);
  EXPECT_EQ(b.ladders(), 2);
  EXPECT_EQ(b.held("w7"), HoldCode::frozen);
}

TEST(Recovery, after_a_canary_many_unknown_workers_freeze_all_the_same) {
  RecoveryBench b;
  b.pool_of(10, 5);
  b.pass(302s);
  cure(b, b.last_ladder().worker_id);
  const int before = b.ladders();
  for (int i = 5; i < 10; ++i) {
    b.facts.at("w" + std::to_string(i)).status = Status::unknown;
    b.say("w" + std::to_string(i));
  }
  b.pass(60s);
  EXPECT_LE(b.ladders(), before);
  const auto frozen = b.recovery.pool_view("p", b.clock.now()).frozen;
  ASSERT_TRUE(frozen);
  EXPECT_NE(frozen->find("unknown"), std::string::npos) << *frozen;
}

TEST(Recovery, a_canary_that_fails_is_told_and_the_next_comes_half_an_hour_after_its_start) {
  RecoveryBench b;
  b.pool_of(10, 8);
  b.pass(302s);
  ASSERT_EQ(b.ladders(), 1);
  b.pass(20s);
  b.progress(b.last_ladder().worker_id, LadderStep::kill, true, false, "", "cannot be killed");
  b.settle();
  const auto told = b.last_wish("pool/p/canary_failed");
  ASSERT_TRUE(told && told->on);
  EXPECT_EQ(told->severity, Severity::critical);
  b.pass(30min - 30s);
  EXPECT_EQ(b.ladders(), 1);
  b.pass(15s);
  ASSERT_EQ(b.ladders(), 2);
  cure(b, b.last_ladder().worker_id);
  EXPECT_FALSE(b.last_wish("pool/p/canary_failed")->on);
}

TEST(Recovery, no_canary_while_the_broker_is_down_its_source_blind_or_the_monitor_late) {
  RecoveryBench b;
  b.workers(10);
  b.recovery.update_pool({.pool = "p", .broker_down = "redis-a"}, b.clock.now(), b.out);
  for (int i = 0; i < 8; ++i) b.ill("w" + std::to_string(i));
  b.settle();
  b.pass(20min);
  b.recovery.update_pool({.pool = "p", .source_blind = "http"}, b.clock.now(), b.out);
  b.pass(20min);
  b.recovery.set_own_lag(3s);
  b.recovery.update_pool({.pool = "p"}, b.clock.now(), b.out);
  b.pass(20min);
  EXPECT_EQ(b.ladders(), 0);
  b.recovery.set_own_lag({});
  b.settle();
  b.pass(302s);
  EXPECT_EQ(b.ladders(), 1);
}

// Plays a restart whose new incarnation is as ill as the old one: it reports and takes nothing.
TEST(Recovery, the_fourth_stop_quarantines_pages_and_is_retried_each_hour) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(2s);
  for (int n = 2; n <= 4; ++n) {
    ASSERT_EQ(b.ladders(), n - 1);
    b.useless_restart("w0", n);
    b.settle();
  }
  EXPECT_EQ(b.ladders(), 3);
  EXPECT_EQ(b.held("w0"), HoldCode::quarantined);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).state, WorkerState::quarantined);
  ASSERT_TRUE(b.last_wish("worker/w0/quarantined"));
  EXPECT_EQ(b.last_wish("worker/w0/quarantined")->severity, Severity::critical);
  EXPECT_EQ(b.last_wish("worker/w0/verification_failed")->severity, Severity::critical);
  b.pass(44min);
  EXPECT_EQ(b.ladders(), 3);
  b.pass(32min);  // 1 h ± 25 %
  EXPECT_EQ(b.ladders(), 4);
  b.lives("w0", "w0#5");
  b.settle();
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).state, std::nullopt);
  EXPECT_FALSE(b.last_wish("worker/w0/quarantined")->on);
  EXPECT_FALSE(b.last_wish("worker/w0/verification_failed")->on);
}

TEST(Recovery, an_action_without_outcome_frees_its_slot_as_failed) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(2s);
  b.pass(10s + 30s + 60s + 120s + 60s - 1s);  // diagnostics, TERM, the successor's report, its proof, no_outcome
  EXPECT_EQ(b.action("w0").state, ActionState::sent);
  b.pass(1s);
  ASSERT_GE(b.entries<ActionRecord>().size(), 2u);
  EXPECT_EQ(b.entries<ActionRecord>()[1].state, ActionState::failed);
  EXPECT_EQ(b.entries<ActionRecord>()[1].outcome, "no outcome in time");
}

TEST(Recovery, only_a_stop_that_ended_somebody_is_done) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(2s);
  b.progress("w0", LadderStep::accepted, true, false, "", "another incarnation runs");
  b.well("w0");
  b.ill("w1");
  b.pass(10s);
  b.held_back("w1", "disruption budget");
  b.well("w1");
  EXPECT_EQ(b.recovery.stats().stops_ordered, 2u);
  EXPECT_EQ(b.recovery.stats().stops_done, 0u);
  b.ill("w2");
  b.pass(12s);
  ASSERT_EQ(b.ladders(), 3);
  b.useless_restart("w2", 2);
  EXPECT_EQ(b.recovery.stats().stops_done, 1u) << "it did not help, but it was done";
}

TEST(Recovery, a_refusal_ends_the_action_and_a_ladder_that_left_it_down_counts_as_a_crash) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(2s);
  b.progress("w0", LadderStep::accepted, true, false, "", "another incarnation lives");
  EXPECT_EQ(b.action("w0").state, ActionState::refused);
  b.ill("w1");
  b.pass(13s);
  const int before = b.ladders();
  ASSERT_GE(before, 2);
  const std::string id = b.last_ladder().worker_id;
  b.progress(id, LadderStep::kill);
  b.dies(id);
  b.progress(id, LadderStep::start, true, false, "", "exec: no such file");
  b.settle();
  EXPECT_EQ(b.recovery.worker_view(id, b.clock.now()).crashes, 1);
  EXPECT_EQ(b.last_wish("worker/" + id + "/exited")->severity, Severity::info);
  EXPECT_FALSE(b.last_lease(id)->hold);
}

TEST(Recovery, the_only_worker_of_a_pool_is_restarted_when_its_queue_stalls_for_five_minutes) {
  RecoveryBench b;
  b.workers(1);
  b.recovery.update_pool({.pool = "p", .queue_stalled_since = b.clock.now().steady}, b.clock.now(), b.out);
  b.pass(299s);
  EXPECT_EQ(b.ladders(), 0);
  b.pass(4s);
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.action("w0").reason, Reason::queue_stalled);
  RecoveryBench two;
  two.workers(2);
  two.recovery.update_pool({.pool = "p", .queue_stalled_since = two.clock.now().steady}, two.clock.now(), two.out);
  two.pass(1h);
  EXPECT_EQ(two.ladders(), 0);
}

TEST(Recovery, a_young_lagging_or_forgetful_monitor_stops_nobody) {
  RecoveryBench b({}, false);
  b.workers(10);
  b.ill("w0");
  b.pass(59s);
  EXPECT_EQ(b.held("w0"), HoldCode::monitor_young);
  b.recovery.set_own_lag(3s);
  b.pass(2s);
  EXPECT_EQ(b.held("w0"), HoldCode::monitor_lag);
  b.recovery.set_ledger_degraded(true);
  b.recovery.set_own_lag(0s);
  b.settle();
  EXPECT_EQ(b.held("w0"), HoldCode::ledger_degraded);
  EXPECT_EQ(b.ladders(), 0);
  b.recovery.set_ledger_degraded(false);
  b.settle();
  EXPECT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.recovery.stats().held.at("stop/monitor_young"), 1u);
}

// ---- verification -------------------------------------------------------------------------------------------------

TEST(Recovery, a_new_incarnation_that_never_reports_fails_the_cure) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(2s);
  b.dies("w0");
  b.progress("w0", LadderStep::start, true, true, "w0#2");
  b.pass(59s);
  EXPECT_EQ(b.action("w0").state, ActionState::verifying);
  b.pass(1s);
  EXPECT_EQ(b.action("w0").state, ActionState::failed);
  EXPECT_EQ(b.last_wish("worker/w0/verification_failed")->severity, Severity::critical);
  b.lives("w0", "w0#2");  // late, but proven: the alert ends
  EXPECT_FALSE(b.last_wish("worker/w0/verification_failed")->on);
}

TEST(Recovery, a_model_has_five_minutes_to_load) {
  RecoveryBench b;
  b.workers(10);
  b.facts.at("w0").has_model = true;
  b.ill("w0");
  b.pass(2s);
  b.progress("w0", LadderStep::start, true, true, "w0#2");
  b.pass(299s);
  EXPECT_EQ(b.action("w0").state, ActionState::verifying);
  b.pass(2s);
  EXPECT_EQ(b.action("w0").state, ActionState::failed);
}

TEST(Recovery, idle_with_an_empty_queue_a_smoke_check_or_a_quiet_minute_are_proof_too) {
  const auto prove = [](auto evidence) {
    RecoveryBench b;
    b.workers(10);
    b.ill("w0");
    b.pass(2s);
    b.progress("w0", LadderStep::start, true, true, "w0#2");
    auto& f = b.facts.at("w0");
    f.incarnation = "w0#2";
    f.status = Status::healthy;
    f.wish = {};
    evidence(f);
    b.say("w0");
    const bool at_once = b.action("w0").state == ActionState::succeeded;
    b.pass(60s);
    const bool after_a_minute = b.action("w0").state == ActionState::succeeded;
    b.pass(70s);
    return std::tuple(at_once, after_a_minute, b.action("w0").state);
  };
  EXPECT_TRUE(std::get<0>(prove([](auto& f) { f.idle_with_empty_queue = true; })));
  EXPECT_TRUE(std::get<0>(prove([](auto& f) { f.smoke_ok = true; })));
  EXPECT_EQ(prove([](auto&) {}), std::tuple(false, true, ActionState::succeeded));
  // Work is there and it takes none.
  EXPECT_EQ(prove([](auto& f) { f.took_task = false, f.idle_with_empty_queue = false; }),
            std::tuple(false, false, ActionState::failed));
  // It took none, but nobody knows of any work.
  EXPECT_EQ(prove([](auto& f) { f.took_task = false; }), std::tuple(false, false, ActionState::succeeded));
  // Critical all the time.
  EXPECT_EQ(std::get<2>(prove([](auto& f) { f.status = Status::critical; })), ActionState::failed);
}

TEST(Recovery, an_absent_agent_pauses_the_proof) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.pass(2s);
  b.progress("w0", LadderStep::start, true, true, "w0#2");
  b.facts.at("w0").source_connected = false;
  b.facts.at("w0").incarnation = "w0#2";
  b.facts.at("w0").status = Status::unknown;
  b.facts.at("w0").wish = {};
  b.facts.at("w0").heard = false;
  b.say("w0");
  b.pass(100s);
  EXPECT_EQ(b.action("w0").state, ActionState::verifying);
  b.facts.at("w0").source_connected = true;
  b.say("w0");
  b.pass(10s);
  b.lives("w0", "w0#2");
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
}

TEST(Recovery, an_incarnation_scoped_successor_in_the_same_pool_and_host_is_the_proof) {
  RecoveryBench b;
  b.workers(10);
  auto& old = b.worker("celery@h.1");
  old.id_scope = IdScope::incarnation;
  old.host = "h";
  b.say("celery@h.1");
  b.ill("celery@h.1");
  b.pass(2s);
  ASSERT_EQ(b.ladders(), 1);
  RecoveryWorkerFacts next = old;
  next.id = next.incarnation = "celery@h.2";
  next.status = Status::healthy;
  next.wish = {};
  next.took_task = true;
  b.recovery.update_worker(next, b.clock.now(), b.out);
  b.recovery.remove_worker("celery@h.1", b.clock.now(), b.out);
  b.settle();
  EXPECT_EQ(b.action("celery@h.2").state, ActionState::succeeded);
  EXPECT_EQ(b.action("celery@h.2").worker_id, "celery@h.1");
  EXPECT_EQ(b.recovery.worker_view("celery@h.2", b.clock.now()).stops_used, 1);  // the budget is the host's
}

TEST(Recovery, an_incarnation_scoped_successor_has_its_grace_to_report_and_to_load_its_model) {
  RecoveryBench b;
  b.workers(10);
  auto& old = b.worker("celery@h.1");
  old.id_scope = IdScope::incarnation;
  old.host = "h";
  old.has_model = true;
  b.say("celery@h.1");
  b.ill("celery@h.1");
  b.pass(2s);
  RecoveryWorkerFacts next = old;
  next.id = next.incarnation = "celery@h.2";
  next.status = Status::unknown;
  next.wish = {};
  next.heard = false;
  b.facts["celery@h.2"] = next;
  b.say("celery@h.2");
  b.settle();
  EXPECT_EQ(b.action("celery@h.2").state, ActionState::verifying) << b.action("celery@h.2").outcome;
  b.facts["celery@h.2"].heard = true;
  b.facts["celery@h.2"].took_task = false;
  b.facts["celery@h.2"].idle_with_empty_queue = false;
  b.facts["celery@h.2"].status = Status::healthy;
  b.say("celery@h.2");
  b.pass(400s);  // 300 s for the model and 120 s to take a task
  EXPECT_EQ(b.action("celery@h.2").state, ActionState::verifying) << b.action("celery@h.2").outcome;
  b.pass(30s);
  EXPECT_EQ(b.action("celery@h.2").outcome, "it took no task within 2m");
}

// ---- starts -------------------------------------------------------------------------------------------------------

TEST(Recovery, a_crash_is_info_and_its_cure_closes_it) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0");
  b.settle();
  auto wish = b.last_wish("worker/w0/exited");
  ASSERT_TRUE(wish);
  EXPECT_EQ(wish->severity, Severity::info);
  EXPECT_TRUE(wish->hard_evidence);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).state, WorkerState::restarting);
  b.starts("w0", "w0#1", "w0#2", 1);
  EXPECT_EQ(b.action("w0").state, ActionState::verifying);
  b.dies("w0");  // a late report of the old one: no second crash
  b.pass(1s);
  b.lives("w0", "w0#2");
  EXPECT_FALSE(b.last_wish("worker/w0/exited")->on);
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 1);
  EXPECT_EQ(b.recovery.stats().starts_done, 1u);
}

TEST(Recovery, last_words_that_a_start_brings_are_noted_once_after_the_alert_of_the_death) {
  RecoveryBench b;
  b.workers(10);
  auto start = b.agent_start("w0", "w0#1", "w0#2", 1);
  start.last_words = "KeyError: user";
  for (int told = 0; told < 2; ++told) {
    b.recovery.on_agent_start(start, b.clock.now(), b.out);
    b.settle();
  }
  EXPECT_TRUE(b.last_wish("worker/w0/exited"));
  std::vector<std::string> diagnosed;
  for (const IncidentNote& note : b.out.notes)
    if (note.kind == TimelineKind::diagnosed) diagnosed.push_back(note.text);
  EXPECT_EQ(diagnosed, std::vector<std::string>{"its last words:\nKeyError: user"});
}

TEST(Recovery, a_start_is_counted_once_by_its_action_id) {
  RecoveryBench b;
  b.workers(10);
  for (int i = 0; i < 3; ++i) b.starts("w0", "w0#1", "w0#2", 1);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 1);
  EXPECT_EQ(b.entries<BudgetRecord>().size(), 1u);
  EXPECT_EQ(b.recovery.stats().starts_done, 1u);
}

TEST(Recovery, starts_told_after_the_reports_of_their_successors_change_no_present) {
  RecoveryBench b;
  b.workers(10);
  b.lives("w0", "w0#3", false);  // the agent was away; its report is faster than its journal
  b.starts("w0", "w0#1", "w0#2", 1);
  EXPECT_EQ(b.entries<ActionRecord>().back().state, ActionState::failed);
  b.starts("w0", "w0#2", "w0#3", 2);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 2);
  EXPECT_EQ(b.action("w0").state, ActionState::verifying);
  b.lives("w0", "w0#3");
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
  b.settle();
  EXPECT_EQ(b.last_lease("w0")->incarnation, "w0#3");
}

TEST(Recovery, a_crash_that_nothing_starts_becomes_critical_after_its_grace) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0");
  b.pass(59s);
  EXPECT_EQ(b.last_wish("worker/w0/exited")->severity, Severity::info);
  b.pass(1s);
  EXPECT_EQ(b.last_wish("worker/w0/exited")->severity, Severity::critical);
}

TEST(Recovery, crashing_again_before_the_proof_is_critical_and_waits_longer) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0");
  b.starts("w0", "w0#1", "w0#2", 1);
  b.lives("w0", "w0#2", false);
  b.dies("w0");
  b.settle();
  EXPECT_EQ(b.last_wish("worker/w0/exited")->severity, Severity::critical);
  EXPECT_EQ(b.held("w0"), HoldCode::backoff);
  const auto lease = b.last_lease("w0");
  EXPECT_EQ(lease->incarnation, "w0#2");
  EXPECT_EQ(lease->crashes, 1);
  EXPECT_GE(lease->next_start_in, 10s);
  EXPECT_LE(lease->next_start_in, 12500ms);
}

TEST(Recovery, minutes_in_which_nothing_is_known_of_a_worker_are_no_healthy_ones) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0");
  b.starts("w0", "w0#1", "w0#2", 1);
  b.lives("w0", "w0#2");
  b.facts.at("w0").status = Status::unknown;
  b.say("w0");  // the last word for an hour
  b.pass(1h);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 1);
  b.well("w0");
  b.pass(10min - 1s);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 1);
  b.pass(1s);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 0);
}

TEST(Recovery, six_crashes_are_one_page_per_pool_and_version) {
  RecoveryBench b;
  b.workers(10);
  for (int round = 1; round <= 6; ++round) {
    for (const std::string id : {"w0", "w1"}) {
      b.dies(id);
      const std::string at = id + "#" + std::to_string(round), next = id + "#" + std::to_string(round + 1);
      if (round < 6) b.starts(id, at, next, round);
      if (round < 6) b.lives(id, next, false);
    }
  }
  b.settle();
  int pages = 0;
  for (const auto& w : b.out.alerts) pages += w.key == "pool/p/crash_loop/1" && w.on ? 1 : 0;
  EXPECT_EQ(pages, 1);
  EXPECT_EQ(b.held("w0"), HoldCode::crash_loop);
  EXPECT_GE(b.last_lease("w0")->next_start_in, 300s);
  b.facts.at("w0").version = b.facts.at("w1").version = "2";
  b.lives("w0", "w0#7");
  b.lives("w1", "w1#7");
  EXPECT_FALSE(b.last_wish("pool/p/crash_loop/1")->on);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 0);  // a new version begins anew
}

TEST(Recovery, exit_code_zero_and_announced_ends_are_no_crash) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0", ExitInfo{.code = 0});
  b.facts.at("w1").announced_stop = true;
  b.dies("w1");
  b.pass(1h);
  EXPECT_TRUE(b.out.alerts.empty());
  EXPECT_TRUE(b.last_lease("w0")->hold);
  EXPECT_TRUE(b.last_lease("w1")->hold);
  EXPECT_EQ(b.recovery.stats().starts_wanted, 0u);
}

TEST(Recovery, many_deaths_at_once_add_jitter) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0");
  b.dies("w1");
  b.settle();
  EXPECT_FALSE(b.last_lease("w0")->adds_jitter);
  EXPECT_TRUE(b.last_lease("w1")->adds_jitter);  // two of ten are more than 10 %
}

TEST(Recovery, leases_are_renewed_every_twenty_seconds_and_at_each_change) {
  RecoveryBench b;
  b.workers(1);
  b.out.clear();
  b.pass(60s);
  EXPECT_EQ(b.acts<SendLease>().size(), 3u);
  b.command(Verb::freeze);
  b.settle();
  EXPECT_TRUE(b.last_lease("w0")->hold);
  b.command(Verb::thaw);
  b.settle();
  EXPECT_FALSE(b.last_lease("w0")->hold);
}

TEST(Recovery, an_executor_without_leases_is_told_to_start) {
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::automatic;
  RecoveryBench b(policies);
  b.workers(10);
  b.facts.at("w0").by_agent = false;
  b.say("w0");
  b.dies("w0");
  b.settle();
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.last_ladder().kind, RemedyKind::start);
  EXPECT_EQ(b.last_ladder().action_id, make_action_id("w0", "w0#1", 1));
  b.progress("w0", LadderStep::start, true, false, "", "exec failed");
  b.pass(13s);
  EXPECT_EQ(b.ladders(), 2);  // after its backoff
  b.progress("w0", LadderStep::accepted, true, false, "", "busy");
  b.pass(9s);
  EXPECT_EQ(b.ladders(), 2);  // a refusal is not tried again at once
  b.pass(5s);
  EXPECT_EQ(b.ladders(), 3);
}

TEST(Recovery, non_agent_workers_are_only_shadowed) {
  RecoveryBench b;
  b.workers(10);
  b.facts.at("w0").by_agent = false;
  b.ill("w0");
  b.pass(1min);
  EXPECT_EQ(b.held("w0"), HoldCode::mode_shadow);
  EXPECT_EQ(b.ladders(), 0);
}

// ---- operators ----------------------------------------------------------------------------------------------------

TEST(Recovery, a_person_restarts_without_budget_and_hears_what_it_costs) {
  RecoveryBench b;
  b.workers(10);
  b.facts.at("w0").tasks_known = true;
  b.facts.at("w0").in_flight = {{.id = "t1", .type = "resize", .started_at = b.clock.now().wall - 41s}};
  b.say("w0");
  b.command_dry("w0");
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_TRUE(b.entries<AuditRecord>().empty());
  const auto r = b.command(Verb::restart, "w0", false, "", std::nullopt, "key-1");
  EXPECT_TRUE(r.success && r.running);
  EXPECT_NE(r.message.find("1 task in flight, 1 lost or done again: resize t1 (running 41 s, lost or done again)"),
            std::string::npos)
      << r.message;
  EXPECT_EQ(b.last_ladder().kind, RemedyKind::drain_restart);
  EXPECT_EQ(b.action("w0").actor, "ann");
  EXPECT_TRUE(b.entries<BudgetRecord>().empty());
  EXPECT_EQ(b.entries<AuditRecord>().size(), 1u);
  EXPECT_EQ(b.command(Verb::restart, "w0", false, "", std::nullopt, "key-1").action_id, r.action_id);
  EXPECT_EQ(b.ladders(), 1);
  const auto second = b.command(Verb::restart, "w0");
  EXPECT_EQ(second.error->code, Errc::conflict);
  EXPECT_EQ(second.action_id, r.action_id);
}

TEST(Recovery, a_person_needs_force_for_the_last_healthy_worker_and_under_the_big_switch) {
  RecoveryBench b;
  b.workers(1);
  EXPECT_EQ(b.command(Verb::restart, "w0").error->code, Errc::conflict);
  EXPECT_TRUE(b.command(Verb::restart, "w0", true).success);
  RecoveryBench c;
  c.workers(3);
  c.command(Verb::freeze);
  EXPECT_EQ(c.command(Verb::restart, "w0").error->code, Errc::conflict);
  EXPECT_TRUE(c.command(Verb::restart, "w0", true).success);
  EXPECT_EQ(c.command(Verb::restart, "nobody").error->code, Errc::not_found);
  c.facts.at("w1").source_connected = false;
  c.say("w1");
  EXPECT_EQ(c.command(Verb::restart, "w1", true).error->code, Errc::unavailable);
  EXPECT_EQ(c.command(Verb::drain, "w1").error->code, Errc::unavailable);
}

TEST(Recovery, a_person_starts_a_stopped_worker) {
  RecoveryBench b;
  b.workers(3);
  b.dies("w0", ExitInfo{.code = 0});
  EXPECT_TRUE(b.command(Verb::restart, "w0").success);
  EXPECT_EQ(b.last_ladder().kind, RemedyKind::start);
  b.lives("w0", "w0#2");
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
}

TEST(Recovery, the_big_switch_holds_starts_and_stops) {
  RecoveryBench b;
  b.workers(10);
  b.command(Verb::freeze);
  EXPECT_TRUE(b.recovery.big_switch_held());
  b.ill("w0");
  b.dies("w1");
  b.pass(10min);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.held("w0"), HoldCode::big_switch);
  EXPECT_EQ(b.held("w1"), HoldCode::big_switch);
  EXPECT_TRUE(b.last_lease("w1")->hold);
  EXPECT_EQ(b.command(Verb::freeze, "w0").error->code, Errc::invalid_argument);
  b.command(Verb::thaw);
  b.settle();
  EXPECT_EQ(b.ladders(), 1);
  EXPECT_FALSE(b.last_lease("w1")->hold);
}

TEST(Recovery, maintenance_holds_for_its_time) {
  RecoveryBench b;
  b.workers(10);
  EXPECT_TRUE(b.command(Verb::maintenance_on, "", false, "p", 10min).success);
  EXPECT_EQ(b.recovery.maintenance_of("w0", "p"), "pool/p");
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).state, WorkerState::maintenance);
  b.ill("w0");
  b.pass(9min);
  EXPECT_EQ(b.held("w0"), HoldCode::maintenance);
  b.pass(1min);
  EXPECT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.command(Verb::maintenance_off, "", false, "p").error->code, Errc::not_found);
  EXPECT_EQ(b.command(Verb::maintenance_on, "nobody").error->code, Errc::not_found);
  EXPECT_TRUE(b.command(Verb::maintenance_on, "w1").success);
  EXPECT_EQ(b.recovery.maintenance().size(), 1u);
  EXPECT_TRUE(b.command(Verb::maintenance_off, "w1").success);
}

TEST(Recovery, an_operators_quarantine_brakes_starts_until_released) {
  RecoveryBench b;
  b.workers(10);
  EXPECT_TRUE(b.command(Verb::quarantine, "w0").success);
  b.dies("w0");
  b.pass(2h);
  EXPECT_EQ(b.held("w0"), HoldCode::quarantined);
  EXPECT_TRUE(b.last_lease("w0")->hold);
  EXPECT_TRUE(b.command(Verb::release, "w0").success);
  b.settle();
  EXPECT_FALSE(b.last_lease("w0")->hold);
  EXPECT_EQ(b.last_lease("w0")->crashes, 0);
}

TEST(Recovery, approve_mode_waits_for_a_word) {
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::approve;
  RecoveryBench b(policies);
  b.workers(10);
  EXPECT_EQ(b.command(Verb::approve, "w0").error->code, Errc::conflict);
  b.ill("w0");
  b.pass(1h);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.action("w0").state, ActionState::waiting_approval);
  const std::string id = b.action("w0").action_id;
  EXPECT_EQ(b.command(Verb::approve, "w0").action_id, id);
  b.settle();
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.last_ladder().action_id, id);
  b.dies("w1");
  b.settle();
  EXPECT_TRUE(b.last_lease("w1")->hold);
  b.command(Verb::approve, "w1");
  b.settle();
  EXPECT_FALSE(b.last_lease("w1")->hold);
  b.ill("w2");
  b.pass(3s);
  b.well("w2");
  EXPECT_NE(b.action("w2").state, ActionState::waiting_approval);
}

TEST(Recovery, drain_and_resume_go_to_the_agent) {
  RecoveryBench b;
  b.workers(2);
  EXPECT_TRUE(b.command(Verb::drain, "w0").success);
  EXPECT_TRUE(b.command(Verb::resume, "w0").success);
  const auto sent = b.acts<SendWorkerCommand>();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].verb, Verb::drain);
  EXPECT_EQ(sent[1].incarnation, "w0#1");
  b.facts.at("w1").can_restart = false;
  b.say("w1");
  EXPECT_EQ(b.command(Verb::drain, "w1").error->code, Errc::conflict);
  b.facts.at("w1").can_restart = true;
  b.facts.at("w1").by_agent = false;  // its pool has an executor
  b.say("w1");
  EXPECT_EQ(b.command(Verb::drain, "w1").error->code, Errc::conflict);
  EXPECT_EQ(b.acts<SendWorkerCommand>().size(), 2u);
  b.dies("w0");
  EXPECT_EQ(b.command(Verb::drain, "w0").error->code, Errc::conflict);
  CommandInput forget;
  forget.verb = Verb::forget;
  EXPECT_FALSE(b.recovery.on_command(forget, b.clock.now(), b.out));
}

TEST(Recovery, what_the_old_incarnation_tells_proves_no_restart_by_an_executor) {
  RecoveryBench b;
  b.workers(2);
  b.facts.at("w0").by_agent = false;
  b.lives("w0", "w0#1");  // it works, and is restarted all the same
  ASSERT_TRUE(b.command(Verb::restart, "w0").success);
  b.progress("w0", LadderStep::start, true);  // by something that does not know the successor
  b.settle();
  b.say("w0");
  EXPECT_EQ(b.action("w0").state, ActionState::verifying);
  b.lives("w0", "w0#2");
  b.settle();
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
  EXPECT_EQ(b.action("w0").new_incarnation, "w0#2");

  ASSERT_TRUE(b.command(Verb::restart, "w1").success);
  b.progress("w1", LadderStep::start, true);
  b.pass(59s);
  EXPECT_EQ(b.action("w1").state, ActionState::verifying);
  b.pass(2s);
  EXPECT_EQ(b.action("w1").state, ActionState::failed);
  EXPECT_EQ(b.action("w1").outcome, "the new incarnation did not report within 1m");
}

// ---- configuration, shutdown ---------------------------------------------------------------------------------------

TEST(Recovery, a_changed_configuration_clears_what_it_touches) {
  RecoveryBench b;
  b.workers(10);
  b.dies("w0");
  b.starts("w0", "w0#1", "w0#2", 1);
  RecoveryPolicies policies;
  b.recovery.set_policies(policies, b.clock.now(), b.out);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 1);
  policies.defaults.stops_per_worker = 5;
  b.recovery.set_policies(policies, b.clock.now(), b.out);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).crashes, 0);
  EXPECT_EQ(b.recovery.worker_view("w0", b.clock.now()).stops_allowed, 5);
}

TEST(Recovery, forgets_a_worker_with_all_that_it_held) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.dies("w1");
  b.pass(2s);
  b.recovery.remove_worker("w0", b.clock.now(), b.out);
  b.recovery.remove_worker("w1", b.clock.now(), b.out);
  b.recovery.remove_worker("nobody", b.clock.now(), b.out);
  b.settle();
  EXPECT_EQ(b.entries<ActionRecord>().back().state, ActionState::abandoned);
  EXPECT_EQ(b.last_wish("worker/w1/exited")->closed_as, "gone");
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).down_now, 0);
  b.pass(1h);
}

TEST(Recovery, a_worker_can_move_to_another_pool) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.facts.at("w0").pool = "q";
  b.say("w0");
  b.pass(3s);
  EXPECT_EQ(b.recovery.pool_view("q", b.clock.now()).down_now, 1);
  EXPECT_EQ(b.recovery.pool_view("p", b.clock.now()).down_now, 0);
}

TEST(Recovery, acts_no_more_after_shutdown) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0");
  b.recovery.shut_down();
  b.out.clear();
  b.pass(1h);
  EXPECT_TRUE(b.out.acts.empty());
  EXPECT_EQ(b.command(Verb::restart, "w0").error->code, Errc::unavailable);
}

}  // namespace
}  // namespace paramedic
