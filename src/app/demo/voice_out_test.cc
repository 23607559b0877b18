#include "app/demo/voice_out.h"

#include <gtest/gtest.h>

#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

TEST(VoiceOut, quotes_as_json_wants_it) {
  EXPECT_EQ(json_quote("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
  EXPECT_EQ(json_quote("\xff"), "\"\\u00ff\"");
}

struct VoiceOutTest : testing::Test {
  TempFolder folder;
  FakeAgent agent{(folder.path() / "voice").string()};
  FakeAgent notify{(folder.path() / "notify").string()};
  VoiceOut voice{agent.path(), notify.path()};
};

TEST_F(VoiceOutTest, speaks_one_json_object_a_datagram) {
  voice.task_started("7", "resize");
  EXPECT_EQ(agent.next(), "{\"event\":\"task_started\",\"id\":\"7\",\"type\":\"resize\"}\n");
  voice.task_finished("7", 250ms);
  EXPECT_EQ(agent.next(), "{\"event\":\"task_finished\",\"id\":\"7\",\"duration_seconds\":0.25}\n");
  voice.task_failed("8");
  EXPECT_EQ(agent.next(), "{\"event\":\"task_failed\",\"id\":\"8\"}\n");
  voice.model("m", "loading", 0.5);
  EXPECT_EQ(agent.next(), "{\"event\":\"model\",\"name\":\"m\",\"state\":\"loading\",\"progress\":0.5}\n");
  voice.model("m", "failed", std::nullopt, "digest is wrong");
  EXPECT_EQ(agent.next(), "{\"event\":\"model\",\"name\":\"m\",\"state\":\"failed\",\"error\":\"digest is wrong\"}\n");
  voice.metrics({{"a", 1.0}, {"b", 2.5}});
  EXPECT_EQ(agent.next(), "{\"event\":\"metrics\",\"a\":1,\"b\":2.5}\n");
}

TEST_F(VoiceOutTest, tells_the_queue_only_what_is_known) {
  VoiceQueue away{.broker = "demo", .name = "thumbs", .consumed = 3};
  voice.queue(away);
  EXPECT_EQ(agent.next(),
            "{\"event\":\"queue\",\"broker\":\"demo\",\"name\":\"thumbs\",\"connected\":false,\"consumed\":3}\n");
  VoiceQueue there{
      .broker = "demo", .name = "thumbs", .connected = true, .ready = 4, .oldest = 1500ms, .rtt = 300us, .consumed = 3};
  voice.queue(there);
  EXPECT_EQ(agent.next(),
            "{\"event\":\"queue\",\"broker\":\"demo\",\"name\":\"thumbs\",\"connected\":true,\"consumed\":3,\"paused\":"
            "false,\"ready\":4,"
            "\"oldest_age_seconds\":1.5,\"rtt_ms\":0.3}\n");
}

TEST_F(VoiceOutTest, beats_readiness_and_stop_also_go_to_the_notify_socket) {
  voice.ready();
  voice.beat();
  voice.stopping("operator");
  EXPECT_EQ(notify.next(), "READY=1");
  EXPECT_EQ(notify.next(), "WATCHDOG=1");
  EXPECT_EQ(notify.next(), "STOPPING=1");
  EXPECT_EQ(agent.next(), "{\"event\":\"ready\"}\n");
  EXPECT_EQ(agent.next(), "{\"event\":\"beat\"}\n");
  EXPECT_EQ(agent.next(), "{\"event\":\"stopping\",\"reason\":\"operator\"}\n");
}

TEST_F(VoiceOutTest, finds_a_listener_that_was_replaced_and_survives_none) {
  voice.beat();
  EXPECT_FALSE(agent.next().empty());
  agent = FakeAgent((folder.path() / "voice").string());  // as after a restart of the agent: same path, new socket
  voice.beat();
  EXPECT_EQ(agent.next(), "{\"event\":\"beat\"}\n");
  VoiceOut nowhere("", (folder.path() / "missing").string());
  nowhere.beat();
  VoiceOut abstract("@paramedic-demo-nobody", "");
  abstract.beat();
}

TEST_F(VoiceOutTest, never_blocks_when_nobody_reads) {
  for (int i = 0; i < 5000; ++i) voice.beat();
  EXPECT_FALSE(agent.next().empty());
}

}  // namespace
}  // namespace paramedic::demo
