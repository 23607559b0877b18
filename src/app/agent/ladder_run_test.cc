#include "app/agent/ladder_run.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic::agent {
namespace {

using Kind = LadderAct::Kind;

class LadderRunTest : public ::testing::Test {
 protected:
  LadderRunTest() {
    ladder_.action_id = "act-1";
    ladder_.worker_id = "w";
    ladder_.drain = 30s;
    ladder_.max_drain = 100s;
    ladder_.term_grace = 10s;
    facts_.alive = facts_.group_alive = true;
    facts_.can_drain = true;
  }
  void begin(LadderStep at = LadderStep::accepted) { run_.emplace(ladder_, now_, at); }
  // The acts as words: "accepted diagnose drain! …"
  std::string advance(Duration d = {}) {
    now_ += d;
    std::string words;
    for (const auto& act : run_->advance(facts_, now_)) {
      if (!words.empty()) words += ' ';
      switch (act.kind) {
        case Kind::progress:
          words += to_string(act.step);
          break;
        case Kind::diagnose:
          words += "diagnose!";
          break;
        case Kind::drain:
          words += "drain!";
          break;
        case Kind::term:
          words += "term!";
          break;
        case Kind::kill:
          words += "kill!";
          break;
        case Kind::start:
          words += "start!";
          break;
      }
    }
    return words;
  }
  void die(bool whole_group = true) {
    facts_.alive = false;
    facts_.group_alive = !whole_group;
  }
  Ladder ladder_;
  LadderFacts facts_;
  SteadyTime now_{1h};
  std::optional<LadderRun> run_;
};

TEST_F(LadderRunTest, goes_through_all_steps_when_nothing_helps) {
  begin();
  EXPECT_EQ(advance(), "accepted diagnose! drain drain!");
  EXPECT_EQ(run_->deadline(), now_ + 30s);
  EXPECT_EQ(advance(29s), "");
  EXPECT_EQ(advance(1s), "term term!");
  EXPECT_EQ(advance(9s), "");
  EXPECT_EQ(advance(1s), "kill kill!");
  EXPECT_EQ(advance(50ms), "");
  EXPECT_EQ(advance(50ms), "kill!") << "KILL is repeated";
  die();
  EXPECT_EQ(advance(), "start!");
  EXPECT_TRUE(run_->over());
  EXPECT_FALSE(run_->deadline());
  EXPECT_EQ(advance(1h), "");
}

TEST_F(LadderRunTest, waits_for_the_diagnostics_hook_but_not_for_ever) {
  ladder_.diagnostics = 10s;
  facts_.can_diagnose = true;
  begin();
  EXPECT_EQ(advance(), "accepted diagnose!");
  facts_.diagnosing = true;
  EXPECT_EQ(advance(9s), "");
  facts_.diagnosing = false;
  EXPECT_EQ(advance(), "drain drain!");

  begin();
  EXPECT_EQ(advance(), "accepted diagnose!");
  facts_.diagnosing = true;
  EXPECT_EQ(advance(10s), "") << "the hook has its own limit";
  EXPECT_EQ(run_->deadline(), now_ + 1s);
  EXPECT_EQ(advance(1s), "drain drain!");
}

TEST_F(LadderRunTest, a_hook_that_did_not_begin_costs_no_time_and_without_time_none_is_asked) {
  ladder_.diagnostics = 10s;
  facts_.can_diagnose = true;
  begin();
  EXPECT_EQ(advance(), "accepted diagnose!");
  EXPECT_EQ(advance(), "drain drain!");
  ladder_.diagnostics = 0s;
  begin();
  EXPECT_EQ(advance(), "accepted diagnose! drain drain!");
}

TEST_F(LadderRunTest, a_process_that_ends_under_its_hook_is_started) {
  ladder_.diagnostics = 10s;
  facts_.can_diagnose = true;
  begin();
  EXPECT_EQ(advance(), "accepted diagnose!");
  facts_.diagnosing = true;
  die();
  EXPECT_EQ(advance(), "start!");
}

TEST_F(LadderRunTest, drain_is_skipped_without_signal_or_time) {
  facts_.can_drain = false;
  begin();
  EXPECT_EQ(advance(), "accepted diagnose! term term!");
  facts_.can_drain = true;
  ladder_.drain = 0s;
  begin();
  EXPECT_EQ(advance(), "accepted diagnose! term term!");
}

TEST_F(LadderRunTest, drain_ends_when_nothing_is_in_flight) {
  facts_.in_flight = 2;
  begin();
  advance();
  facts_.in_flight = 0;
  EXPECT_EQ(advance(1s), "term term!");
}

TEST_F(LadderRunTest, drain_lasts_longer_while_tasks_progress_but_not_for_ever) {
  facts_.in_flight = 5;
  begin();
  advance();
  for (int i = 0; i < 3; ++i) {
    ++facts_.task_progress;
    EXPECT_EQ(advance(25s), "") << i;
  }
  ++facts_.task_progress;
  EXPECT_EQ(advance(24s), "");  // 99 s
  EXPECT_EQ(advance(1s), "term term!");
}

TEST_F(LadderRunTest, a_worker_that_ends_while_draining_is_started_at_once) {
  begin();
  advance();
  die();
  EXPECT_EQ(advance(1s), "start!");
}

TEST_F(LadderRunTest, what_is_left_of_the_group_is_killed_before_the_start) {
  begin();
  advance();
  die(false);
  EXPECT_EQ(advance(1s), "kill kill!");
  EXPECT_EQ(advance(100ms), "kill!");
  facts_.group_alive = false;
  EXPECT_EQ(advance(), "start!");
}

TEST_F(LadderRunTest, a_dead_worker_is_started_after_the_delay) {
  die();
  ladder_.kind = RemedyKind::start;
  ladder_.start_delay = 5s;
  begin();
  EXPECT_EQ(advance(), "accepted");
  EXPECT_EQ(run_->deadline(), now_ + 5s);
  EXPECT_EQ(advance(5s), "start!");
}

TEST_F(LadderRunTest, a_resumed_run_does_not_repeat_what_was_done) {
  begin(LadderStep::term);
  EXPECT_EQ(advance(), "term term!");
  begin(LadderStep::kill);
  EXPECT_EQ(advance(), "kill kill!");
  die();
  begin(LadderStep::start);
  EXPECT_EQ(advance(), "start!");
}

// Whatever happens when: a run that is asked often enough starts exactly once, never while something of the group
// lives.
RC_GTEST_PROP(LadderRun, always_ends_with_one_start_of_a_dead_group, (std::vector<std::uint8_t> events)) {
  Ladder ladder;
  ladder.drain = 3s;
  ladder.max_drain = 9s;
  ladder.term_grace = 3s;
  LadderFacts facts;
  facts.alive = facts.group_alive = true;
  facts.can_drain = true;
  facts.in_flight = 3;
  SteadyTime now{1h};
  LadderRun run(ladder, now);
  int starts = 0;
  const auto perform = [&](std::vector<LadderAct> acts) {
    for (const auto& act : acts) {
      if (act.kind != Kind::start) continue;
      RC_ASSERT(!facts.group_alive);
      ++starts;
    }
  };
  for (const auto event : events) {
    switch (event % 5) {
      case 0:
        ++facts.task_progress;
        break;
      case 1:
        facts.in_flight = event % 3;
        break;
      case 2:
        facts.alive = false;
        break;
      case 3:
        facts.alive = facts.group_alive = false;
        break;
      default:
        now += 700ms;
        break;
    }
    perform(run.advance(facts, now));
  }
  for (int i = 0; i < 100; ++i) perform(run.advance(facts, now += 1s));
  facts.alive = facts.group_alive = false;
  perform(run.advance(facts, now));
  RC_ASSERT(starts == 1);
}

}  // namespace
}  // namespace paramedic::agent
