// Planned recycle inside class Recovery: staggered, braked, never at the cost of a cure.
#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

RecoveryPolicies with(RecoveryPolicy policy) {
  RecoveryPolicies all;
  all.defaults = std::move(policy);
  return all;
}
RecoveryPolicy hourly() {
  RecoveryPolicy p;
  p.recycle_age = 1h;
  p.allow_last = true;
  return p;
}

class RecycleBench : public RecoveryBench {
 public:
  explicit RecycleBench(RecoveryPolicy policy) : RecoveryBench(with(std::move(policy))) {}
  void pool(int n) {
    for (int i = 0; i < n; ++i) {
      auto& f = worker("w" + std::to_string(i));
      f.recycle.began = clock.now().steady;
      f.idle = true;
      say(f.id);
    }
    settle();
  }
  // Until `after` its age limit, and the time for which a wish must hold.
  void pass_due(const std::string& id, Duration after = {}) {
    const RecoveryPolicy policy = hourly();
    const auto at = next_recycle_due(policy, id, facts.at(id).incarnation, facts.at(id).recycle);
    pass(*at + after + 3s - clock.now().steady);
  }
  // The agent performs the ladder at once; the successor proves itself.
  void perform(const Ladder& ladder) {
    const std::string id = ladder.worker_id, next = id + "#" + std::to_string(++lives_);
    ProgressInput p{.action_id = ladder.action_id, .worker_id = id, .step = LadderStep::start, .done = true};
    p.new_incarnation = next;
    recovery.on_progress(p, clock.now(), out);
    facts.at(id).recycle = {.began = clock.now().steady};
    lives(id, next);
    settle();
  }

 private:
  int lives_ = 100;
};

TEST(RecoveryRecycle, an_old_worker_is_drained_and_restarted_and_the_proof_is_asked) {
  RecycleBench b(hourly());
  b.pool(1);
  b.pass(47min);
  EXPECT_EQ(b.ladders(), 0);
  b.pass_due("w0");
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.last_ladder().kind, RemedyKind::drain_restart);
  EXPECT_EQ(b.action("w0").reason, Reason::recycle);
  EXPECT_TRUE(b.action("w0").counted_stop);
  EXPECT_NE(b.action("w0").text.find("(limit 1h)"), std::string::npos) << b.action("w0").text;
  b.perform(b.last_ladder());
  EXPECT_EQ(b.action("w0").state, ActionState::succeeded);
  b.pass(40min);
  EXPECT_EQ(b.ladders(), 1) << "the new life has its own age";
  EXPECT_FALSE(b.last_wish("worker/w0/exited"));
}

TEST(RecoveryRecycle, many_come_due_but_one_at_a_time_goes_and_none_is_forgotten) {
  RecoveryPolicy p = hourly();
  p.hourly_min = 40;
  RecycleBench b(p);
  b.pool(10);
  int done = 0, most_down = 0;
  for (int minute = 0; minute < 65 && done < 10; ++minute) {
    b.pass(1min);
    if (b.ladders() > done) {
      EXPECT_EQ(b.ladders(), done + 1);
      most_down = std::max(most_down, b.recovery.pool_view("p", b.clock.now()).down_now);
      b.perform(b.last_ladder());
      ++done;
    }
  }
  EXPECT_EQ(done, 10);
  EXPECT_EQ(most_down, 1);
}

TEST(RecoveryRecycle, half_of_the_hourly_budget_stays_for_cures) {
  RecoveryPolicy p = hourly();
  p.recycle_age = 10min;
  RecycleBench b(p);  // five stops per hour: two of them may be planned
  b.pool(10);
  for (int i = 0; i < 40; ++i) {
    b.pass(1min);
    if (b.ladders() > 0 && b.action(b.last_ladder().worker_id).state == ActionState::sent) b.perform(b.last_ladder());
  }
  EXPECT_EQ(b.ladders(), 2);
  b.ill("w3");
  b.settle();
  b.pass(3s);
  EXPECT_EQ(b.ladders(), 3) << "a cure is not held because of plans";
}

TEST(RecoveryRecycle, waits_for_low_load_for_recycle_wait_at_most) {
  RecycleBench b(hourly());
  b.pool(1);
  b.facts.at("w0").idle = false;
  b.say("w0");
  RecoveryPoolFacts busy{.pool = "p", .load_percent = 90};
  b.recovery.update_pool(busy, b.clock.now(), b.out);
  b.pass_due("w0");
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.held("w0"), HoldCode::waits_for_quiet);
  busy.load_percent = 20;
  b.recovery.update_pool(busy, b.clock.now(), b.out);
  b.pass(31s);
  EXPECT_EQ(b.ladders(), 1);

  RecycleBench long_wait(hourly());
  long_wait.pool(1);
  long_wait.facts.at("w0").idle = false;
  long_wait.say("w0");
  busy.load_percent = 100;
  long_wait.recovery.update_pool(busy, long_wait.clock.now(), long_wait.out);
  long_wait.pass_due("w0", 2h - 5s);
  EXPECT_EQ(long_wait.ladders(), 0);
  long_wait.pass(10s);
  EXPECT_EQ(long_wait.ladders(), 1);
}

TEST(RecoveryRecycle, a_pool_that_is_not_well_is_not_made_smaller) {
  RecycleBench b(hourly());
  b.pool(6);
  b.dies("w5");
  b.settle();
  b.pass(65min);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.held("w0"), HoldCode::waits_for_quiet);
  b.lives("w5", "w5#2");
  b.settle();
  b.pass(31s);
  EXPECT_EQ(b.ladders(), 1);
}

TEST(RecoveryRecycle, the_last_healthy_worker_stays_and_an_ill_one_is_cured_not_recycled) {
  RecoveryPolicy p = hourly();
  p.allow_last = false;
  RecycleBench b(p);
  b.pool(1);
  b.pass(70min);
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_EQ(b.held("w0"), HoldCode::last_healthy);
  b.ill("w0");
  b.settle();
  b.pass(3s);
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.action("w0").reason, Reason::hung_task);
}

TEST(RecoveryRecycle, a_plan_that_waits_does_not_stand_in_the_way_of_the_pools_own_remedy) {
  RecoveryPolicy p = hourly();
  p.allow_last = false;
  RecycleBench b(p);
  b.pool(1);
  b.pass_due("w0");
  ASSERT_EQ(b.held("w0"), HoldCode::last_healthy);
  b.recovery.update_pool({.pool = "p", .queue_stalled_since = b.clock.now().steady}, b.clock.now(), b.out);
  b.pass(303s);
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.action("w0").reason, Reason::queue_stalled);
}

TEST(RecoveryRecycle, by_tasks_and_by_forecast) {
  RecoveryPolicy p;
  p.recycle_tasks = 100;
  RecycleBench b(p);
  b.pool(2);
  b.facts.at("w0").recycle.tasks = 100;
  b.say("w0");
  b.settle();
  b.pass(3s);
  ASSERT_EQ(b.ladders(), 1);
  EXPECT_EQ(b.last_ladder().worker_id, "w0");
  b.perform(b.last_ladder());
  b.facts.at("w1").recycle.leak = LeakForecast{b.clock.now().steady + 50min, 0.95, "memory is full in 50min"};
  b.say("w1");
  b.settle();
  b.pass(11s);
  ASSERT_EQ(b.ladders(), 2);
  EXPECT_EQ(b.action("w1").text, "memory is full in 50min");
}

TEST(RecoveryRecycle, too_many_of_one_worker_wait_and_never_quarantine) {
  RecoveryPolicy p;
  p.recycle_tasks = 1;
  p.hourly_min = 100;
  RecycleBench b(p);
  b.pool(2);
  for (int i = 0; i < 10; ++i) {
    b.facts.at("w0").recycle.tasks = 5;
    b.say("w0");
    b.settle();
    b.pass(20s);
    if (b.action("w0").state == ActionState::sent) b.perform(b.last_ladder());
  }
  EXPECT_EQ(b.ladders(), 3);
  EXPECT_EQ(b.held("w0"), HoldCode::stop_budget_worker);
  EXPECT_TRUE(b.entries<QuarantineRecord>().empty());
}

TEST(RecoveryRecycle, a_refused_one_is_asked_again_within_the_budget) {
  RecycleBench b(hourly());
  b.pool(1);
  b.pass_due("w0");
  ASSERT_EQ(b.ladders(), 1);
  b.progress("w0", LadderStep::accepted, true, false, "", "not now");
  EXPECT_EQ(b.action("w0").state, ActionState::refused);
  b.pass(6min);
  EXPECT_EQ(b.ladders(), 2);
}

}  // namespace
}  // namespace paramedic
