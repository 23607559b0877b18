#include "app/replay/restart_map.h"

#include <gtest/gtest.h>

#include "app/replay/tally.h"

namespace paramedic::replay {
namespace {

struct RestartMapTest : testing::Test {
  void decide(const std::string& id, ActionState state, const std::string& actor = "paramedic") {
    ActionRecord a;
    a.action_id = id;
    a.worker_id = "w-1";
    a.state = state;
    a.actor = actor;
    Effects effects;
    effects.ledger.push_back({WallTime{}, a});
    map.take(effects);
  }
  ProgressInput told(const std::string& id, bool done = false) {
    ProgressInput p{.source = "agent/h1", .action_id = id, .worker_id = "w-1"};
    p.done = done;
    return p;
  }
  // Under which id the word reaches the engine; empty = under none that it knows.
  std::string reaches(const std::string& id, bool done = false) {
    ProgressInput p = told(id, done);
    return map.translate(p) ? p.action_id : "";
  }
  RestartMap map;
};

TEST_F(RestartMapTest, the_same_id_is_the_same_restart) {
  decide("a", ActionState::sent);
  EXPECT_FALSE(map.wants_order(told("a")));
  EXPECT_EQ(reaches("a"), "a");
  decide("a", ActionState::succeeded);
  EXPECT_TRUE(map.take_unheard().empty());
}

TEST_F(RestartMapTest, an_open_order_of_the_worker_takes_the_words_of_a_recorded_one) {
  decide("new", ActionState::sent);
  EXPECT_FALSE(map.wants_order(told("old")));
  EXPECT_EQ(reaches("old"), "new");
  EXPECT_EQ(reaches("old", true), "new");
  EXPECT_EQ(reaches("another"), "");  // the order is taken
  decide("new", ActionState::failed);
  EXPECT_TRUE(map.take_unheard().empty());
  EXPECT_EQ(reaches("old"), "");
}

TEST_F(RestartMapTest, a_recorded_restart_that_nobody_ordered_is_brought_in) {
  EXPECT_TRUE(map.wants_order(told("old")));
  EXPECT_FALSE(map.wants_order(told("old", true)));  // it is over already
  decide("brought", ActionState::sent, std::string(kRecordingActor));
  EXPECT_EQ(reaches("old"), "brought");
  decide("brought", ActionState::succeeded, std::string(kRecordingActor));
  EXPECT_TRUE(map.take_unheard().empty());
}

TEST_F(RestartMapTest, an_order_that_hears_nothing_has_no_known_outcome) {
  decide("new", ActionState::sent);
  EXPECT_EQ(map.open_unheard(), std::vector<std::string>{"new"});
  decide("new", ActionState::failed);
  EXPECT_EQ(map.take_unheard(), std::vector<std::string>{"new"});
  EXPECT_TRUE(map.take_unheard().empty());
  EXPECT_TRUE(map.open_unheard().empty());
}

TEST_F(RestartMapTest, an_order_that_gave_way_and_one_that_waits_for_a_person_are_no_questions) {
  decide("waits", ActionState::waiting_approval);
  EXPECT_TRUE(map.wants_order(told("old")));
  decide("gave-way", ActionState::sent);
  decide("gave-way", ActionState::abandoned);
  EXPECT_TRUE(map.take_unheard().empty());
}

TEST_F(RestartMapTest, a_start_by_an_agent_is_heard_of_as_it_begins) {
  decide("start", ActionState::verifying);
  decide("start", ActionState::failed);
  EXPECT_TRUE(map.take_unheard().empty());
}

TEST_F(RestartMapTest, a_run_begins_with_the_orders_that_were_under_way) {
  decide("forgotten", ActionState::sent);
  ActionRecord a;
  a.action_id = "under-way";
  a.worker_id = "w-1";
  a.state = ActionState::running;
  LedgerState state;
  state.actions = {a};
  map.begin_run(state);
  EXPECT_EQ(reaches("under-way"), "under-way");
  EXPECT_EQ(reaches("forgotten"), "");
}

}  // namespace
}  // namespace paramedic::replay
