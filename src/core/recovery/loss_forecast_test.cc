#include "core/recovery/loss_forecast.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

class LossForecastTest : public ::testing::Test {
 protected:
  LossForecastTest() {
    facts_.by_agent = facts_.tasks_known = true;
    facts_.acknowledge = Acknowledge::late;
  }
  void task(const std::string& id, double running, std::optional<double> usual = std::nullopt) {
    InFlightTask t{id, "resize"};
    t.started_at = clock_.now().wall - from_seconds(running);
    facts_.in_flight.push_back(std::move(t));
    facts_.usual_seconds.push_back(usual);
  }
  LossForecast of(RemedyKind kind) { return forecast_losses(facts_, kind, RecoveryPolicy{}, clock_.now()); }
  ManualClock clock_;
  RecoveryWorkerFacts facts_;
};

TEST_F(LossForecastTest, without_a_drain_the_acknowledgement_decides) {
  task("t1", 41);
  EXPECT_EQ(of(RemedyKind::restart).tasks[0].fate, TaskFate::redone);
  facts_.acknowledge = Acknowledge::early;
  EXPECT_EQ(of(RemedyKind::restart).tasks[0].fate, TaskFate::lost);
  facts_.acknowledge = Acknowledge::unknown;
  const LossForecast f = of(RemedyKind::restart);
  EXPECT_EQ(f.tasks[0].fate, TaskFate::unknown);
  EXPECT_NE(f.tasks[0].why.find("tasks.acknowledge"), std::string::npos);
  EXPECT_DOUBLE_EQ(*f.tasks[0].running_seconds, 41);
}

TEST_F(LossForecastTest, what_ends_within_the_drain_is_safe) {
  facts_.acknowledge = Acknowledge::early;
  task("short", 2, 20);
  task("long", 2, 60);
  task("overdue", 100, 60);
  task("new", 1);
  const LossForecast f = of(RemedyKind::drain_restart);
  ASSERT_EQ(f.tasks.size(), 4u);
  EXPECT_EQ(f.tasks[0].id, "overdue") << "the longest running first";
  EXPECT_EQ(f.tasks[0].fate, TaskFate::lost);
  EXPECT_EQ(f.tasks[1].fate, TaskFate::safe);
  EXPECT_EQ(f.tasks[1].why, "99 % of its type end within 20 s: it has the drain of 30s to do so");
  EXPECT_EQ(f.tasks[2].fate, TaskFate::lost);
  EXPECT_TRUE(f.tasks[2].why.starts_with("it may need 58 s more, the drain is 30s; ")) << f.tasks[2].why;
  EXPECT_TRUE(f.tasks[3].why.starts_with("how long it takes is not known")) << f.tasks[3].why;
  EXPECT_EQ(in_words(f),
            "4 tasks in flight, 1 safe, 3 lost: resize overdue (running 100 s, lost), resize short (running 2 s, "
            "safe), resize long (running 2 s, lost), resize new (running 1 s, lost)");
}

TEST_F(LossForecastTest, an_executor_does_not_drain) {
  facts_.by_agent = false;
  task("short", 2, 20);
  EXPECT_EQ(of(RemedyKind::drain_restart).tasks[0].fate, TaskFate::redone);
}

TEST_F(LossForecastTest, is_bounded_and_says_what_it_does_not_know) {
  for (int i = 0; i < 120; ++i) task("t" + std::to_string(i), i);
  const LossForecast f = of(RemedyKind::restart);
  EXPECT_EQ(f.tasks.size(), 100u);
  EXPECT_EQ(f.left_out, 20);
  EXPECT_TRUE(in_words(f).ends_with(" and 115 more"));
  facts_.in_flight.clear();
  EXPECT_EQ(in_words(of(RemedyKind::restart)), "no task is in flight");
  facts_.tasks_known = false;
  EXPECT_EQ(in_words(of(RemedyKind::restart)), "its tasks in flight are unknown");
}

}  // namespace
}  // namespace paramedic
