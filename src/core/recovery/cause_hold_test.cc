#include "core/recovery/cause_hold.h"

#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

RecoveryCause cause_of(std::vector<std::string> workers, const std::string& key = "cause/host/h3") {
  return {key, "3 of 4 workers that share host h3 are ill, elsewhere 0 of 16", std::move(workers)};
}

class CauseHoldTest : public ::testing::Test {
 protected:
  CauseHoldTest() { bench_.pool_of(20, 0); }
  void turn_ill(std::initializer_list<std::string> ids) {
    for (const auto& id : ids) bench_.ill(id);
    tell(ids);
    bench_.settle();
  }
  void tell(std::vector<std::string> ids) {
    bench_.recovery.update_causes({cause_of(std::move(ids))}, bench_.clock.now());
  }
  void end() { bench_.recovery.update_causes({}, bench_.clock.now()); }
  // The latest ladder runs, and its worker lives on as `incarnation`.
  void finish(bool cured) {
    const std::string id = bench_.last_ladder().worker_id;
    bench_.progress(id, LadderStep::start, true, true, id + "#" + std::to_string(++lives_));
    if (cured) return bench_.lives(id, id + "#" + std::to_string(lives_));
    bench_.lives(id, id + "#" + std::to_string(lives_), false);
    bench_.ill(id);
  }
  RecoveryBench bench_;
  int lives_ = 1;
};

TEST_F(CauseHoldTest, workers_that_one_cause_explains_are_not_stopped) {
  turn_ill({"w0", "w1", "w2"});
  bench_.pass(4min);
  EXPECT_EQ(bench_.ladders(), 0);
  for (const auto* id : {"w0", "w1", "w2"}) EXPECT_EQ(bench_.held(id), HoldCode::shared_cause);
  const auto held = bench_.recovery.worker_view("w0", bench_.clock.now()).held;
  EXPECT_EQ(held->text,
            "one cause is likely: 3 of 4 workers that share host h3 are ill, elsewhere 0 of 16; one canary restart in "
            "5 min");
  bench_.ill("w9");  // another one, of another cause
  bench_.pass(3s);
  EXPECT_EQ(bench_.last_ladder().worker_id, "w9");
}

TEST_F(CauseHoldTest, it_ends_with_the_cause) {
  turn_ill({"w0", "w1", "w2"});
  bench_.pass(1min);
  end();
  bench_.settle();
  EXPECT_EQ(bench_.ladders(), 1);
}

TEST_F(CauseHoldTest, one_worker_shares_its_cause_with_nobody) {
  bench_.ill("w0");
  tell({"w0", "w1", "w2"});  // the others have warnings only
  bench_.pass(3s);
  EXPECT_EQ(bench_.ladders(), 1);
}

TEST_F(CauseHoldTest, a_crash_is_started_all_the_same) {
  bench_.ill("w0");
  bench_.ill("w1");
  bench_.dies("w2");
  tell({"w0", "w1", "w2"});
  bench_.pass(3s);
  EXPECT_EQ(bench_.held("w0"), HoldCode::shared_cause);
  EXPECT_EQ(bench_.held("w2"), HoldCode::none);
  EXPECT_FALSE(bench_.last_lease("w2")->hold);
}

TEST_F(CauseHoldTest, a_canary_that_is_proven_lifts_it) {
  turn_ill({"w0", "w1", "w2"});
  bench_.pass(5min + 1s);
  ASSERT_EQ(bench_.ladders(), 1);
  bench_.pass(30s);
  EXPECT_EQ(bench_.ladders(), 1) << "one only";
  finish(true);
  bench_.pass(1s);
  EXPECT_EQ(bench_.ladders(), 2);
}

TEST_F(CauseHoldTest, a_canary_that_fails_leaves_it_for_half_an_hour) {
  turn_ill({"w0", "w1", "w2"});
  bench_.pass(5min + 1s);
  ASSERT_EQ(bench_.ladders(), 1);
  finish(false);
  bench_.pass(20min);
  EXPECT_EQ(bench_.ladders(), 1);
  const auto held = bench_.recovery.worker_view("w1", bench_.clock.now()).held;
  ASSERT_TRUE(held);
  EXPECT_NE(held->text.find("a canary restart did not help; one canary restart in"), std::string::npos) << held->text;
  bench_.pass(11min);
  EXPECT_EQ(bench_.ladders(), 2);
}

TEST_F(CauseHoldTest, a_restart_that_fails_after_the_canary_holds_again) {
  turn_ill({"w0", "w1", "w2"});
  bench_.pass(5min + 1s);
  finish(true);
  bench_.pass(11s);
  ASSERT_EQ(bench_.ladders(), 2);
  bench_.progress(bench_.last_ladder().worker_id, LadderStep::term, true, false);
  bench_.pass(15min);
  EXPECT_EQ(bench_.ladders(), 2);
  EXPECT_EQ(bench_.held("w2"), HoldCode::shared_cause);
}

TEST_F(CauseHoldTest, an_operator_is_not_held) {
  turn_ill({"w0", "w1", "w2"});
  EXPECT_TRUE(bench_.command(Verb::restart, "w1").success);
  EXPECT_EQ(bench_.ladders(), 1);
}

TEST(CauseHolds, a_cause_that_spreads_after_its_canary_holds_again) {
  CauseHolds holds;
  const RecoveryPolicy policy;
  SteadyTime now{1h};
  RecoveryCause cause = cause_of({"a", "b", "c"});
  cause.grave = 3;
  EXPECT_EQ(holds.update({cause}, now), (std::set<std::string>{"a", "b", "c"}));
  EXPECT_EQ(holds.of("a", policy, now)->until, now + 5min);
  EXPECT_FALSE(holds.of("z", policy, now));
  now += 5min;
  EXPECT_FALSE(holds.of("a", policy, now));
  holds.stop_began("a", "act-1", policy, now);
  EXPECT_FALSE(holds.of("b", policy, now)->until);
  EXPECT_EQ(holds.stop_ended("act-1", StopOutcome::cured).size(), 3u);
  EXPECT_FALSE(holds.of("b", policy, now));
  cause.grave = 4;
  cause.workers.push_back("d");
  holds.update({cause}, now);
  EXPECT_EQ(holds.of("b", policy, now)->until, now + 30min);
  // Gone and back: its next canary is not sooner for it.
  holds.update({}, now);
  EXPECT_FALSE(holds.of("b", policy, now));
  holds.update({cause}, now);
  EXPECT_EQ(holds.of("b", policy, now)->until, now + 30min);
  holds.update({}, now + 31min);
  EXPECT_FALSE(holds.any());
}

TEST(CauseHolds, a_refused_canary_says_nothing) {
  CauseHolds holds;
  const RecoveryPolicy policy;
  SteadyTime now{1h};
  RecoveryCause cause = cause_of({"a", "b", "c"});
  cause.grave = 3;
  holds.update({cause}, now);
  now += 5min;
  holds.stop_began("a", "act-1", policy, now);
  holds.stop_ended("act-1", StopOutcome::nothing);
  EXPECT_FALSE(holds.of("a", policy, now));
}

}  // namespace
}  // namespace paramedic
