#include "core/recovery/governor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {
namespace {

const Now kNow{SteadyTime{10h}, WallTime{Duration{1'795'000'000'000'000'000}}};

struct Scene {
  RecoveryPolicy policy;
  GovernorFleet fleet{.monitor_started = SteadyTime{1h}};
  GovernorPool pool{.name = "thumbs", .size = 20, .healthy = 18};
  GovernorWorker worker{.id = "w",
                        .wanted = RemedyKind::restart,
                        .ill = true,
                        .status_known = true,
                        .can_restart = true,
                        .source_connected = true};
  BudgetWindow worker_stops, pool_stops;
  FreezeState freeze;
  HoldCode stop() {
    wire();
    const auto a = may_stop(fleet, pool, worker, kNow);
    text = a.held ? a.held->text : "";
    quarantine = a.quarantine;
    return a.held ? a.held->code : HoldCode::none;
  }
  HoldCode start() {
    wire();
    worker.wanted = RemedyKind::start;
    const auto a = may_start(fleet, pool, worker, kNow);
    text = a.held ? a.held->text : "";
    return a.held ? a.held->code : HoldCode::none;
  }
  HoldCode person(bool force) {
    wire();
    const auto a = may_operator_restart(fleet, pool, worker, force, kNow);
    text = a.held ? a.held->text : "";
    return a.held ? a.held->code : HoldCode::none;
  }
  void wire() {
    pool.policy = &policy;
    pool.stops = &pool_stops;
    pool.freeze = &freeze;
    worker.stops = &worker_stops;
  }
  std::string text;
  bool quarantine = false;
};

TEST(Governor, lets_a_wish_through_when_nothing_speaks_against_it) { EXPECT_EQ(Scene{}.stop(), HoldCode::none); }

TEST(Governor, a_fourth_stop_in_thirty_minutes_quarantines_and_says_when_the_next_is_due) {
  Scene s;
  for (const Duration ago : {29min + 20s, 20min + 0s, 10min + 0s}) s.worker_stops.add(kNow.steady - ago);
  EXPECT_EQ(s.stop(), HoldCode::stop_budget_worker);
  EXPECT_EQ(s.text, "3 of 3 stops used in 30m, next in 40 s");
  EXPECT_TRUE(s.quarantine);
  Scene later;
  for (const Duration ago : {30min + 0s, 20min + 0s, 10min + 0s}) later.worker_stops.add(kNow.steady - ago);
  EXPECT_EQ(later.stop(), HoldCode::none);  // the first one left the window exactly now
}

TEST(Governor, at_most_a_tenth_of_a_pool_is_down_through_us) {
  Scene s;
  s.pool.down = 2;
  EXPECT_EQ(s.stop(), HoldCode::down_cap);
  s.pool.down = 1;
  EXPECT_EQ(s.stop(), HoldCode::none);
  s.pool.size = 3;
  EXPECT_EQ(s.stop(), HoldCode::down_cap);
  s.pool.down = 0;
  EXPECT_EQ(s.stop(), HoldCode::none);  // at least one
}

TEST(Governor, one_stop_per_ten_seconds_and_a_fifth_of_a_pool_per_hour) {
  Scene s;
  s.pool_stops.add(kNow.steady - 6s);
  EXPECT_EQ(s.stop(), HoldCode::stop_rate_pool);
  EXPECT_NE(s.text.find("next in 4 s"), std::string::npos);
  Scene hour;
  for (int i = 1; i <= 5; ++i) hour.pool_stops.add(kNow.steady - i * 10min);
  EXPECT_EQ(hour.stop(), HoldCode::stop_budget_pool);
  hour.pool.size = 30;  // floor(20 %) = 6
  EXPECT_EQ(hour.stop(), HoldCode::none);
}

TEST(Governor, never_the_last_healthy_worker_without_allow_last) {
  Scene s;
  s.pool.healthy = 1;
  s.worker.ill = false;
  EXPECT_EQ(s.stop(), HoldCode::last_healthy);
  s.policy.allow_last = true;
  EXPECT_EQ(s.stop(), HoldCode::none);
  s.policy.allow_last = false;
  s.worker.ill = true;
  EXPECT_EQ(s.stop(), HoldCode::none);
}

TEST(Governor, distrusts_a_young_lagging_or_forgetful_monitor) {
  Scene s;
  s.fleet.monitor_started = kNow.steady - 59s;
  EXPECT_EQ(s.stop(), HoldCode::monitor_young);
  s.fleet.monitor_started = kNow.steady - 60s;
  s.fleet.own_lag = 1001ms;
  EXPECT_EQ(s.stop(), HoldCode::monitor_lag);
  s.fleet.own_lag = 1s;
  s.fleet.ledger_degraded = true;
  EXPECT_EQ(s.stop(), HoldCode::ledger_degraded);
  EXPECT_EQ(s.start(), HoldCode::none);  // starts go on
}

TEST(Governor, stops_wait_while_frozen_but_starts_do_not) {
  Scene s;
  s.freeze.phase = FreezeState::Phase::frozen;
  s.freeze.text = "broker redis-a is down";
  EXPECT_EQ(s.stop(), HoldCode::frozen);
  EXPECT_NE(s.text.find("broker redis-a is down"), std::string::npos);
  EXPECT_EQ(s.start(), HoldCode::none);
}

TEST(Governor, holds_that_concern_stops_and_starts_alike) {
  const auto check = [](auto change, HoldCode code) {
    Scene s;
    change(s);
    EXPECT_EQ(s.stop(), code);
    EXPECT_EQ(s.start(), code);
    EXPECT_EQ(s.text.empty(), code == HoldCode::none);
  };
  check([](Scene& s) { s.worker.mode = RecoveryMode::off; }, HoldCode::mode_off);
  check([](Scene& s) { s.worker.mode = RecoveryMode::shadow; }, HoldCode::mode_shadow);
  check([](Scene& s) { s.worker.mode = RecoveryMode::approve; }, HoldCode::mode_approve);
  check([](Scene& s) { s.worker.mode = RecoveryMode::approve, s.worker.approved = true; }, HoldCode::none);
  check([](Scene& s) { s.fleet.big_switch = true; }, HoldCode::big_switch);
  check([](Scene& s) { s.worker.maintenance = "pool/thumbs"; }, HoldCode::maintenance);
  check([](Scene& s) { s.worker.quarantine = {.on = true, .by_operator = true}; }, HoldCode::quarantined);
  check([](Scene& s) { s.worker.announced_stop = true; }, HoldCode::announced_stop);
  check([](Scene& s) { s.worker.can_restart = false; }, HoldCode::no_executor);
  check([](Scene& s) { s.worker.source_connected = false; }, HoldCode::source_away);
  check([](Scene& s) { s.worker.action_running = true; }, HoldCode::action_running);
}

TEST(Governor, a_stop_needs_an_agent_that_spoke_lately_a_start_does_not) {
  Scene s;
  s.worker.news_until = kNow.steady;
  EXPECT_EQ(s.stop(), HoldCode::none);
  s.worker.news_until = kNow.steady - 1ns;
  EXPECT_EQ(s.stop(), HoldCode::source_away);
  EXPECT_EQ(s.start(), HoldCode::none);
  EXPECT_EQ(s.person(false), HoldCode::none) << "a person may know better";
}

TEST(Governor, starts_wait_for_backoff_and_not_after_exit_code_zero) {
  Scene s;
  s.worker.next_start = kNow.steady + 12s;
  s.worker.crashes = 2;
  EXPECT_EQ(s.start(), HoldCode::backoff);
  EXPECT_EQ(s.text, "crash 2 in a row, next start in 12 s");
  s.worker.crash_loop = true;
  EXPECT_EQ(s.start(), HoldCode::crash_loop);
  s.worker.next_start = kNow.steady;
  EXPECT_EQ(s.start(), HoldCode::none);
  s.worker.exit = ExitInfo{.code = 0};
  EXPECT_EQ(s.start(), HoldCode::exit_code);
}

TEST(Governor, starts_ignore_down_cap_and_hourly_cap) {
  Scene s;
  s.pool.down = 20;
  for (int i = 0; i < 20; ++i) s.pool_stops.add(kNow.steady), s.worker_stops.add(kNow.steady);
  s.worker.quarantine = {.on = true};
  EXPECT_EQ(s.start(), HoldCode::none);
}

TEST(Governor, an_automatic_quarantine_is_retried_when_its_hour_is_over) {
  Scene s;
  s.worker.quarantine = {.on = true, .reason = "3 of 3 stops used", .next_retry = kNow.steady + 30min};
  EXPECT_EQ(s.stop(), HoldCode::quarantined);
  EXPECT_FALSE(s.quarantine);
  s.worker.quarantine.next_retry = kNow.steady;
  EXPECT_EQ(s.stop(), HoldCode::none);
}

TEST(Governor, a_person_skips_budget_and_freeze_but_not_the_big_switch) {
  Scene s;
  s.freeze.phase = FreezeState::Phase::frozen;
  s.pool.down = 5;
  for (int i = 0; i < 9; ++i) s.pool_stops.add(kNow.steady), s.worker_stops.add(kNow.steady);
  EXPECT_EQ(s.person(false), HoldCode::none);
  s.fleet.big_switch = true;
  EXPECT_EQ(s.person(false), HoldCode::big_switch);
  EXPECT_EQ(s.person(true), HoldCode::none);
  s.fleet.big_switch = false;
  s.worker.ill = false;
  s.pool.healthy = 1;
  EXPECT_EQ(s.person(false), HoldCode::last_healthy);
  EXPECT_EQ(s.person(true), HoldCode::none);
  s.worker.source_connected = false;
  EXPECT_EQ(s.person(true), HoldCode::source_away);
}

TEST(Freeze, names_its_cause_with_numbers) {
  const RecoveryPolicy p;
  EXPECT_EQ(freeze_cause({.size = 9, .known = 9, .ill = 4}, p), "4 of 9 known workers are ill (44.4 %, limit 40 %)");
  EXPECT_EQ(freeze_cause({.size = 10, .known = 10, .ill = 4}, p), std::nullopt);
  EXPECT_EQ(freeze_cause({.size = 4, .known = 4, .ill = 4}, p), std::nullopt);  // too small to judge
  EXPECT_EQ(freeze_cause({.size = 10, .known = 10, .ill = 4, .turned_ill = 4}, p), std::nullopt);
  RecoveryPolicy loose;
  loose.freeze_ill_percent = 90;
  EXPECT_EQ(freeze_cause({.size = 10, .known = 10, .ill = 5, .turned_ill = 5}, loose),
            "5 of 10 known workers turned ill within 1m (50 %, limit 50 %)");
  EXPECT_EQ(freeze_cause({.size = 2, .known = 1, .unknown = 1}, p), "1 of 2 workers are unknown (50 %, limit 40 %)");
  EXPECT_EQ(freeze_cause({.size = 5, .known = 3, .unknown = 2}, p), std::nullopt);  // exactly 40 %
  EXPECT_EQ(freeze_cause({.broker_down = "redis-a"}, p), "broker redis-a is down");
  EXPECT_EQ(freeze_cause({.source_blind = "http"}, p), "source http is blind");
}

TEST(Freeze, a_proven_canary_opens_a_pool_in_which_nobody_is_ill_at_once) {
  RecoveryPolicy policy;
  Freeze freeze;
  PoolHealth health{.size = 10, .known = 10, .ill = 6, .healthy = 4};
  SteadyTime now{100h};
  freeze.update(health, policy, now);
  freeze.update(health, policy, now += policy.freeze_canary_after);
  ASSERT_EQ(freeze.state().phase, FreezeState::Phase::canary);
  freeze.stop_began("act", policy, now);
  health.ill = 0;
  health.healthy = 10;
  freeze.update(health, policy, now += 10s);
  freeze.stop_ended("act", StopOutcome::cured);
  freeze.update(health, policy, now);
  EXPECT_FALSE(freeze.state().frozen()) << freeze.state().text << ": nothing would ask again";
}

TEST(Freeze, holds_until_its_condition_has_been_gone_for_a_minute) {
  const RecoveryPolicy p;
  Freeze f;
  EXPECT_FALSE(f.update({.size = 9, .known = 9}, p, kNow.steady));
  EXPECT_TRUE(f.update({.size = 9, .known = 9, .ill = 9}, p, kNow.steady + 1s));
  EXPECT_TRUE(f.state().frozen());
  EXPECT_FALSE(f.update({.size = 9, .known = 9, .ill = 8}, p, kNow.steady + 2s));
  EXPECT_EQ(f.state().since, kNow.steady + 1s);
  EXPECT_FALSE(f.update({.size = 9, .known = 9}, p, kNow.steady + 3s));
  EXPECT_FALSE(f.update({.size = 9, .known = 9, .ill = 9}, p, kNow.steady + 30s));
  EXPECT_FALSE(f.update({.size = 9, .known = 9}, p, kNow.steady + 40s)) << "the minute begins anew";
  EXPECT_EQ(f.state().until, kNow.steady + 100s);
  EXPECT_FALSE(f.update({.size = 9, .known = 9}, p, kNow.steady + 99s));
  EXPECT_TRUE(f.update({.size = 9, .known = 9}, p, kNow.steady + 100s));
  EXPECT_FALSE(f.state().frozen()) << "nobody is ill: there is nothing to thaw by stages";
}

// A canary waits for a budget while those that froze the pool get well: the pool must not stay frozen for it.
TEST(Freeze, thaws_while_its_canary_waits_once_the_cause_has_been_gone_for_a_minute) {
  const RecoveryPolicy policy;
  Freeze freeze;
  const PoolHealth ill{.size = 10, .known = 10, .ill = 6, .healthy = 4};
  const PoolHealth better{.size = 10, .known = 10, .ill = 2, .healthy = 8};
  SteadyTime now{100h};
  freeze.update(ill, policy, now);
  freeze.update(ill, policy, now += policy.freeze_canary_after);
  ASSERT_EQ(freeze.state().phase, FreezeState::Phase::canary);
  freeze.stop_began("refused", policy, now);
  freeze.stop_ended("refused", StopOutcome::nothing);
  freeze.update(better, policy, now += 1s);
  EXPECT_EQ(freeze.state().phase, FreezeState::Phase::canary) << "the share may come back at once";
  EXPECT_EQ(freeze.state().text, "what froze it is gone; it thaws after 1m; one canary restart may run");
  EXPECT_EQ(freeze.state().until, now + policy.freeze_thaw_after);
  freeze.update(ill, policy, now += 1s);
  EXPECT_EQ(freeze.state().until, std::nullopt);
  freeze.update(better, policy, now += 1s);
  freeze.update(better, policy, now += policy.freeze_thaw_after);
  EXPECT_EQ(freeze.state().phase, FreezeState::Phase::thawing);
  freeze.update(ill, policy, now += 1s);
  EXPECT_EQ(freeze.state().phase, FreezeState::Phase::frozen) << "it froze anew: five minutes of quiet are due again";
  EXPECT_EQ(freeze.state().slots, 0);
}

// The canary came due while the minute ran: the minute goes on.
TEST(Freeze, a_canary_that_comes_due_does_not_make_a_thaw_wait_anew) {
  const RecoveryPolicy policy;
  Freeze freeze;
  const PoolHealth ill{.size = 10, .known = 10, .ill = 6, .healthy = 4};
  const PoolHealth better{.size = 10, .known = 10, .ill = 2, .healthy = 8};
  const SteadyTime start{100h}, gone = start + policy.freeze_canary_after - 10s;
  freeze.update(ill, policy, start);
  freeze.update(better, policy, gone);
  freeze.update(better, policy, start + policy.freeze_canary_after);
  ASSERT_EQ(freeze.state().phase, FreezeState::Phase::canary);
  EXPECT_EQ(freeze.state().until, gone + policy.freeze_thaw_after);
  freeze.update(better, policy, gone + policy.freeze_thaw_after);
  EXPECT_EQ(freeze.state().phase, FreezeState::Phase::thawing);
}

TEST(Freeze, waits_for_a_canary_on_its_way_even_when_its_cause_is_gone) {
  const RecoveryPolicy policy;
  Freeze freeze;
  const PoolHealth ill{.size = 10, .known = 10, .ill = 6, .healthy = 4};
  SteadyTime now{100h};
  freeze.update(ill, policy, now);
  freeze.update(ill, policy, now += policy.freeze_canary_after);
  freeze.stop_began("canary", policy, now);
  const PoolHealth better{.size = 10, .known = 10, .ill = 2, .healthy = 8};
  freeze.update(better, policy, now += 1s);
  freeze.update(better, policy, now += 10min);
  EXPECT_EQ(freeze.state().phase, FreezeState::Phase::canary);
  EXPECT_EQ(freeze.state().text, "what froze it is gone; a canary restart is on its way");
  freeze.stop_ended("canary", StopOutcome::cured);
  freeze.update(better, policy, now += 1s);
  EXPECT_EQ(freeze.state().phase, FreezeState::Phase::thawing);
}

RC_GTEST_PROP(BudgetWindowProperty, next_is_the_first_instant_below_the_limit, ()) {
  BudgetWindow w;
  const auto times = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3600));
  for (const int t : times) w.add(kNow.steady - std::chrono::seconds(t));
  const int allowed = *rc::gen::inRange(1, 6);
  const Duration window = 30min;
  const SteadyTime next = w.next(kNow.steady, window, allowed);
  RC_ASSERT(next >= kNow.steady);
  RC_ASSERT(w.used(next, window) < allowed);
  if (next > kNow.steady) RC_ASSERT(w.used(next - 1ns, window) >= allowed);
}

TEST(RecoveryPolicy, reads_every_key_and_refuses_nonsense) {
  Params node = Params::map();
  node.set("mode", Params::of("approve"))
      .set("stops_per_worker", Params::of("5"))
      .set("backoff_first", Params::of("1s"));
  node.set("jitter_percent", Params::of("10")).set("verify_grace", Params::of("90s"));
  Params codes;
  codes.kind = Params::Kind::list;
  codes.items = {Params::of("0"), Params::of("143")};
  node.set("no_restart_exit_codes", codes);
  Problems problems;
  const auto p = parse_recovery_policy(&node, "recovery", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(p.mode, RecoveryMode::approve);
  EXPECT_EQ(p.stops_per_worker, 5);
  EXPECT_EQ(p.backoff.first, 1s);
  EXPECT_DOUBLE_EQ(p.backoff.jitter, 0.1);
  EXPECT_EQ(p.no_restart_exit_codes, (std::vector<int>{0, 143}));
  EXPECT_EQ(parse_recovery_policy(nullptr, "recovery", problems), RecoveryPolicy{});

  Params bad = Params::map();
  bad.set("mode", Params::of("maybe")).set("stop_per_worker", Params::of("5"));
  parse_recovery_policy(&bad, "recovery", problems);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].key, "recovery.mode");
  problems.clear();
  Params across = Params::map();
  across.set("max_drain", Params::of("1s"))
      .set("backoff_cap", Params::of("5s"))
      .set("verify_grace_model", Params::of("5s"));
  parse_recovery_policy(&across, "recovery", problems);
  EXPECT_EQ(problems.size(), 3u);
}

TEST(RecoveryPolicy, acts_by_itself_only_for_workers_of_an_agent) {
  EXPECT_EQ(RecoveryPolicy{}.mode_for(true), RecoveryMode::automatic);
  EXPECT_EQ(RecoveryPolicy{}.mode_for(false), RecoveryMode::shadow);
  EXPECT_EQ(RecoveryPolicy{}.down_allowed(99), 9);
  EXPECT_EQ(RecoveryPolicy{}.hourly_allowed(99), 19);
}

}  // namespace
}  // namespace paramedic
