// Mode approve: who is told, what yes and no do, and what survives a restart of the monitor.
#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

RecoveryPolicies approving() {
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::approve;
  return policies;
}

struct Approval : ::testing::Test {
  Approval() { b.workers(10); }
  void asks(const std::string& id = "w0") {
    b.ill(id);
    b.pass(3s);
    ASSERT_EQ(b.action(id).state, ActionState::waiting_approval);
  }
  std::optional<AlertWish> told(const std::string& id = "w0") {
    return b.last_wish("worker/" + id + "/approval_wanted");
  }
  int times_told() {
    return int(std::count_if(b.out.alerts.begin(), b.out.alerts.end(),
                             [](const AlertWish& w) { return w.on && w.reason == Reason::approval_wanted; }));
  }
  CommandResult say(Verb verb, const std::string& id, const std::string& action = "") {
    CommandInput c;
    c.command_id = "x";
    c.verb = verb;
    c.worker_id = id;
    c.actor = "ann";
    c.reason = "looked at it";
    c.target = action;
    b.recovery.on_command(c, b.clock.now(), b.out);
    const CommandResult r = b.acts<Answer>().back().result;
    b.settle();
    return r;
  }
  RecoveryBench b{approving()};
};

TEST_F(Approval, is_asked_for_once_with_the_action_and_what_it_costs) {
  b.facts.at("w0").tasks_known = true;
  b.facts.at("w0").in_flight = {{"t-1", "resize"}};
  asks();
  b.pass(2h);
  EXPECT_EQ(times_told(), 1);
  ASSERT_TRUE(told());
  EXPECT_EQ(told()->severity, Severity::warning);
  EXPECT_NE(told()->message.find("resize t-1"), std::string::npos) << told()->message;
  EXPECT_EQ(told()->annotations, (Labels{{"action_id", b.action("w0").action_id}}));
  EXPECT_EQ(b.ladders(), 0);
}

TEST_F(Approval, ends_with_a_yes_and_the_restart_begins) {
  asks();
  const std::string id = b.action("w0").action_id;
  EXPECT_EQ(say(Verb::approve, "w0", "another").error->code, Errc::conflict);
  EXPECT_TRUE(say(Verb::approve, "w0", id).success);
  EXPECT_FALSE(told()->on);
  EXPECT_EQ(told()->closed_as, "approved");
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.last_ladder().action_id, id);
  EXPECT_EQ(say(Verb::approve, "w0", id).error->code, Errc::conflict) << "it waits no longer";
  EXPECT_EQ(b.entries<AuditRecord>().back().target, "worker/w0");
}

TEST_F(Approval, a_no_holds_for_an_hour) {
  asks();
  EXPECT_TRUE(say(Verb::reject, "w0").success);
  EXPECT_EQ(told()->closed_as, "rejected");
  EXPECT_EQ(b.action("w0").state, ActionState::abandoned);
  EXPECT_EQ(b.action("w0").outcome, "rejected by ann: looked at it");
  EXPECT_EQ(b.held("w0"), HoldCode::mode_approve);
  b.pass(59min);
  EXPECT_EQ(times_told(), 1);
  b.pass(2min);
  EXPECT_EQ(times_told(), 2) << "asked again";
  EXPECT_EQ(b.action("w0").state, ActionState::waiting_approval);
  EXPECT_EQ(b.ladders(), 0);
}

TEST_F(Approval, a_no_ends_with_the_wish) {
  asks();
  say(Verb::reject, "w0");
  b.well("w0");
  asks();
  EXPECT_EQ(times_told(), 2);
}

TEST_F(Approval, is_withdrawn_when_the_wish_ends_or_changes) {
  asks();
  const std::string first = b.action("w0").action_id;
  b.ill("w0", RemedyKind::drain_restart, Reason::memory_high);
  b.pass(3s);
  EXPECT_NE(b.action("w0").action_id, first);
  EXPECT_EQ(times_told(), 2) << "another question";
  b.well("w0");
  EXPECT_FALSE(told()->on);
  EXPECT_EQ(told()->closed_as, "withdrawn");
  EXPECT_EQ(say(Verb::reject, "w0").error->code, Errc::conflict);
}

TEST_F(Approval, of_a_start_is_asked_for_and_given_too) {
  b.dies("w1");
  b.pass(1s);
  ASSERT_TRUE(told("w1"));
  EXPECT_TRUE(b.last_lease("w1")->hold);
  say(Verb::reject, "w1");
  b.pass(1min);
  EXPECT_TRUE(b.last_lease("w1")->hold);
  b.pass(1h);
  EXPECT_EQ(times_told(), 2);
  say(Verb::approve, "w1");
  EXPECT_FALSE(b.last_lease("w1")->hold);
}

TEST_F(Approval, yes_and_no_survive_a_restart_of_the_monitor) {
  asks("w0");
  asks("w1");
  say(Verb::reject, "w1");
  LedgerState s;
  std::map<std::string, ActionRecord> actions;
  for (const auto& a : b.entries<ActionRecord>()) actions[a.action_id] = a;
  for (auto& [id, a] : actions) s.actions.push_back(a);
  for (auto& [id, f] : b.facts)
    s.workers.push_back({f.id, f.pool, f.host, f.source, f.version, f.incarnation, f.state, f.status});
  RecoveryBench next(approving());
  next.clock = b.clock;
  next.facts = b.facts;
  next.recovery.restore(s, next.clock.now());
  for (const auto& [id, f] : next.facts) next.say(id);
  next.pass(5min);
  EXPECT_EQ(next.action("w0").state, ActionState::waiting_approval);
  EXPECT_EQ(next.held("w1"), HoldCode::mode_approve);
  EXPECT_EQ(next.action("w1").state, ActionState::abandoned) << "the no is kept";
  next.well("w0");
  EXPECT_EQ(next.action("w0").state, ActionState::abandoned);
}

TEST_F(Approval, that_nobody_wants_any_more_after_a_restart_is_withdrawn) {
  asks();
  LedgerState s;
  s.actions.push_back(b.action("w0"));
  const auto& f = b.facts.at("w0");
  s.workers.push_back({f.id, f.pool, f.host, f.source, f.version, f.incarnation, f.state, f.status});
  RecoveryBench next(approving());
  next.facts = b.facts;
  next.recovery.restore(s, next.clock.now());
  next.well("w0");
  EXPECT_EQ(next.action("w0").state, ActionState::abandoned);
}

}  // namespace
}  // namespace paramedic
