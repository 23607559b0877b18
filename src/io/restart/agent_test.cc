#include "io/restart/agent.h"

#include <gtest/gtest.h>

namespace paramedic {

TEST(AgentExecutor, turns_acts_into_frames_for_their_agent) {
  std::vector<std::pair<std::string, wire::MonitorFrame>> sent;
  AgentExecutor executor([&](const std::string& source, const wire::MonitorFrame& frame) {
    sent.emplace_back(source, frame);
    return true;
  });
  EXPECT_TRUE(executor.perform(SendLadder{"agent/a", {.action_id = "x"}}));
  EXPECT_TRUE(executor.perform(SendLease{"agent/a", {.worker_id = "w"}}));
  EXPECT_TRUE(executor.perform(SendAck{"agent/b", {"x"}}));
  EXPECT_TRUE(executor.perform(SendWorkerCommand{"agent/b", "w", "1", Verb::drain}));
  EXPECT_FALSE(executor.perform(Notify{}));
  EXPECT_FALSE(executor.perform(Answer{}));
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(std::get<Ladder>(sent[0].second).action_id, "x");
  EXPECT_EQ(std::get<Lease>(sent[1].second).worker_id, "w");
  EXPECT_EQ(std::get<wire::MonitorAck>(sent[2].second).action_ids, (std::vector<std::string>{"x"}));
  EXPECT_EQ(std::get<wire::MonitorWorkerCommand>(sent[3].second).incarnation, "1");
  EXPECT_EQ(sent[3].first, "agent/b");
}

TEST(AgentExecutor, counts_what_went_to_nobody) {
  AgentExecutor executor([](const std::string&, const wire::MonitorFrame&) { return false; });
  EXPECT_TRUE(executor.perform(SendLadder{}));
  EXPECT_EQ(executor.lost(), 1u);
}

}  // namespace paramedic
