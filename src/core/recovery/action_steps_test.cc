#include "core/recovery/action_steps.h"

#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

std::vector<std::string> words_of(const ActionRecord& a) {
  std::vector<std::string> out;
  for (const ActionStep& step : a.steps) out.emplace_back(to_string(step.step));
  return out;
}

TEST(ActionSteps, each_step_stands_once_and_its_words_may_come_later) {
  ActionRecord a;
  EXPECT_TRUE(note_step(a, ActionMoment::sent, WallTime{1s}));
  EXPECT_FALSE(note_step(a, ActionMoment::sent, WallTime{2s}));
  EXPECT_TRUE(note_step(a, ActionMoment::sent, WallTime{3s}, "to agent/h1"));
  EXPECT_FALSE(note_step(a, ActionMoment::sent, WallTime{4s}, "to somebody else"));
  ASSERT_EQ(a.steps.size(), 1u);
  EXPECT_EQ(a.steps[0].at, WallTime{1s});
  EXPECT_EQ(a.steps[0].message, "to agent/h1");
  note_step(a, ActionMoment::kill, WallTime{5s}, std::string(5000, 'x'));
  EXPECT_EQ(a.steps[1].message.size(), kMaxStepMessage);
}

TEST(ActionSteps, a_restart_tells_every_step_with_its_time) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w3");
  b.pass(2s);
  const WallTime sent = b.clock.now().wall;
  for (const auto step : {LadderStep::accepted, LadderStep::diagnostics, LadderStep::term}) {
    b.pass(1s);
    b.progress("w3", step, false, true, "", step == LadderStep::diagnostics ? std::string(1000, 'd') : "");
  }
  b.dies("w3");
  b.pass(1s);
  b.progress("w3", LadderStep::start, true, true, "w3#2", "started");
  b.lives("w3", "w3#2");
  const ActionRecord a = b.action("w3");
  EXPECT_EQ(words_of(a), (std::vector<std::string>{"requested", "sent", "accepted", "diagnostics", "term", "start",
                                                   "verify", "ended"}));
  EXPECT_EQ(a.steps[1].at, sent);
  EXPECT_EQ(a.steps[1].message, "to agent/h-w3");
  EXPECT_EQ(a.steps[5].at - sent, 4s);
  EXPECT_EQ(a.steps.back().message, "succeeded: it takes tasks");
  EXPECT_EQ(words_of(b.entries<ActionRecord>().back()), words_of(a)) << "as the ledger has it";
  // The record keeps the beginning of what diagnostics found, the incident all of it.
  EXPECT_LE(a.steps[3].message.size(), kMaxStepMessage);
  const bool told = std::any_of(b.out.notes.begin(), b.out.notes.end(), [](const IncidentNote& n) {
    return n.kind == TimelineKind::diagnosed && n.text == std::string(1000, 'd');
  });
  EXPECT_TRUE(told);
}

TEST(ActionSteps, an_approval_names_who_gave_it) {
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::approve;
  RecoveryBench b(policies);
  b.workers(10);
  b.ill("w0");
  b.pass(3s);
  b.command(Verb::approve, "w0");
  b.settle();
  EXPECT_EQ(words_of(b.action("w0")), (std::vector<std::string>{"requested", "approved", "sent"}));
  EXPECT_EQ(b.action("w0").steps[1].message, "by ann");
}

TEST(ActionSteps, a_start_by_the_agent_itself_is_told_too) {
  RecoveryBench b;
  b.workers(3);
  b.dies("w0");
  b.settle();
  b.starts("w0", "w0#1", "w0#2", 1);
  EXPECT_EQ(words_of(b.action("w0")), (std::vector<std::string>{"requested", "start", "verify"}));
  b.lives("w0", "w0#2");
  EXPECT_EQ(b.action("w0").steps.back().step, ActionMoment::ended);
}

}  // namespace
}  // namespace paramedic
