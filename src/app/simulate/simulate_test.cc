// A small fleet for six hours: the promises of docs/simulate.md hold in it.
#include "app/simulate/simulate.h"

#include <gtest/gtest.h>

namespace paramedic::simulate {
namespace {

// Six hours in which fifty workers fall ill as often as they do in days.
Scenario small(std::uint64_t seed) {
  Scenario s;
  s.workers = 50;
  s.pools = 5;
  s.days = 0.25;
  s.seed = seed;
  s.crashes = 4;
  s.hangs = 3;
  s.lost_connections = 1;
  s.stalls = 8;
  return s;
}

TEST(Simulate, a_small_fleet_keeps_every_promise) {
  const SimulationResult r = simulate(small(1));
  EXPECT_GT(r.alone.crashes, 20);
  EXPECT_GT(r.alone.hangs, 15);
  EXPECT_GT(r.shared.crashes, 0);
  EXPECT_GE(r.stops.of_needed, 20);
  EXPECT_GE(r.starts, r.alone.crashes);
  EXPECT_EQ(r.stops.in_outage, 0);
  EXPECT_EQ(r.stops.in_lag, 0);
  EXPECT_EQ(r.stops.of_well, 0);
  EXPECT_EQ(r.share.times_exceeded, 0);
  EXPECT_GT(r.share.down, 0);
  EXPECT_EQ(r.crashes_not_recovered, 0);
  EXPECT_EQ(r.others_not_recovered, 0);
  EXPECT_EQ(r.left_open, 0);
  EXPECT_GT(r.notifications, 0);
  EXPECT_GT(r.incidents, 0);
}

// Killed each quarter of an hour, every other time with an order that it has written down and not sent.
TEST(Simulate, a_monitor_that_is_restarted_again_and_again_keeps_every_promise) {
  Scenario s = small(3);
  s.restarts = random_restarts(24, s.seed);
  const SimulationResult r = simulate(s);
  EXPECT_GT(r.monitor_restarts, 15);
  EXPECT_GE(r.stops.of_needed, 20);
  EXPECT_EQ(r.stops.in_outage, 0);
  EXPECT_EQ(r.stops.in_lag, 0);
  EXPECT_EQ(r.stops.of_well, 0);
  EXPECT_EQ(r.share.times_exceeded, 0);
  EXPECT_EQ(r.crashes_not_recovered, 0);
  EXPECT_EQ(r.others_not_recovered, 0);
  EXPECT_EQ(r.left_open, 0) << r.open_at_end.at(0);
  EXPECT_EQ(r, simulate(s)) << "the same run again";
}

TEST(Simulate, the_same_seed_gives_the_same_run) {
  Scenario s = small(7);
  s.days = 0.1;
  const SimulationResult a = simulate(s);
  EXPECT_EQ(a, simulate(s));
  s.seed = 8;
  EXPECT_NE(a.decisions, simulate(s).decisions);
}

// Nothing happens in it.
Scenario quiet() {
  Scenario s = small(1);
  s.days = 0.05;
  s.crashes = s.hangs = s.lost_connections = s.stalls = 0;
  s.outages.clear();
  s.deploys.clear();
  s.lags.clear();
  return s;
}

TEST(Simulate, a_fleet_in_which_nothing_happens_is_left_alone) {
  const SimulationResult r = simulate(quiet());
  EXPECT_EQ(r.stops.done, 0);
  EXPECT_EQ(r.starts, 0);
  EXPECT_EQ(r.incidents, 0);
  EXPECT_EQ(r.notifications, 0);
}

TEST(Simulate, an_announced_deploy_is_no_illness) {
  Scenario s = quiet();
  s.deploys = {{.at = 0.3, .version = "1.1"}};
  const SimulationResult r = simulate(s);
  EXPECT_EQ(r.stops.done, 0);
  EXPECT_EQ(r.starts, 0);
  EXPECT_EQ(r.notifications, 0);
}

}  // namespace
}  // namespace paramedic::simulate
