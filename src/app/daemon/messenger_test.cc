// Delivery behind a real ledger and dispatcher, to a real endpoint.
#include "app/daemon/messenger.h"

#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/daemon/flaky_server.h"
#include "app/daemon/messenger_fixture.h"

namespace paramedic::daemon {
namespace {

using ::testing::HasSubstr;

struct MessengerTest : testing::Test {
  std::string dir = testing::TempDir() + "messenger-" + std::to_string(::getpid());
  FlakyServer server{{}};
  std::map<std::string, std::string> keys{{"rate_per_minute", "600000"}, {"burst", "10000"}};
  std::unique_ptr<LittleMonitor> monitor;

  void SetUp() override { std::filesystem::remove_all(dir); }
  void TearDown() override {
    monitor.reset();
    std::filesystem::remove_all(dir);
  }
  void start() {
    monitor.reset();
    monitor = std::make_unique<LittleMonitor>(LittleMonitor::Options{dir, {{"hook", server.url()}}, keys});
    const auto started = monitor->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  static Notification note(int n, Severity severity = Severity::warning, std::string channel = "hook") {
    Notification out;
    out.id = "n-" + std::to_string(n);
    out.group_key = "story-" + std::to_string(n);
    out.channel = std::move(channel);
    out.severity = severity;
    out.title = "message " + std::to_string(n);
    out.at = SystemClock().now().wall;
    return out;
  }
  // Until the stand-in for core knows of so many.
  bool reached(DeliveryState state, std::size_t count) const {
    for (int i = 0; i < 4000 && monitor->count(state) < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return monitor->count(state) == count;
  }
};

TEST_F(MessengerTest, the_ledger_shows_what_became_of_a_message) {
  start();
  monitor->decide(note(1));
  ASSERT_TRUE(reached(DeliveryState::delivered, 1));
  monitor->stop(1s);
  const NotificationRecord stored = monitor->stored().at("n-1");
  EXPECT_EQ(stored.state, DeliveryState::delivered);
  EXPECT_EQ(stored.attempts, 1);
  EXPECT_EQ(stored.answer, "200");
  EXPECT_TRUE(stored.tried_at && stored.ended_at);
}

TEST_F(MessengerTest, a_message_that_waits_survives_a_restart_and_one_that_arrived_is_not_sent_again) {
  server.set_odds({.unavailable = 1});
  start();
  monitor->decide(note(1));
  ASSERT_TRUE(reached(DeliveryState::tried, 1));
  monitor->decide(note(2));
  ASSERT_TRUE(server.wait([](const auto& all) { return !all.empty() && all.back().id == "n-2"; }));
  server.set_odds({});
  start();
  ASSERT_TRUE(reached(DeliveryState::delivered, 2));
  EXPECT_GE(monitor->records().at("n-1").attempts, 2) << "tries of the former life count";
  monitor->decide(note(1));  // handed over again
  monitor->decide(note(3));
  ASSERT_TRUE(server.wait([](const auto& all) { return all.back().id == "n-3"; }));
  std::map<std::string, int> accepted;
  for (const auto& one : server.arrivals()) accepted[one.id] += one.accepted;
  EXPECT_EQ(accepted, (std::map<std::string, int>{{"n-1", 1}, {"n-2", 1}, {"n-3", 1}}));
}

TEST_F(MessengerTest, a_flood_becomes_a_digest_that_the_ledger_has_before_it_goes_out) {
  keys = {{"rate_per_minute", "600"}, {"burst", "3"}};
  start();
  for (int i = 0; i < 60; ++i) monitor->decide(note(i));
  monitor->decide(note(100, Severity::critical));
  // Each message ended: on its own or in a digest, which was delivered itself.
  const auto ended = [&] {
    const auto all = monitor->records();
    return std::all_of(all.begin(), all.end(), [](const auto& one) { return is_final(one.second.state); });
  };
  for (int i = 0; i < 4000 && !(monitor->known() > 61 && ended()); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  monitor->stop(1s);
  std::size_t single = 0, merged = 0, members = 0;
  for (const auto& [id, record] : monitor->stored()) {
    const bool digest = record.notification.kind == NotificationKind::digest;
    EXPECT_EQ(record.state, record.merged_into.empty() ? DeliveryState::delivered : DeliveryState::merged) << id;
    if (digest) members += record.notification.members.size();
    if (!digest) ++(record.state == DeliveryState::merged ? merged : single);
  }
  EXPECT_EQ(single + merged, 61u);
  EXPECT_EQ(members, merged);
  EXPECT_GT(merged, 40u);
  EXPECT_LT(server.arrivals().size(), 20u);
  EXPECT_EQ(monitor->records().at("n-100").merged_into, "") << "a critical one goes on its own";
}

// The disk is full for as long as 1 000 messages go out: all arrive from memory, each says so, and the ledger learns of
// all of them when it can write again.
TEST_F(MessengerTest, a_ledger_that_cannot_commit_stops_no_message) {
  start();
  monitor->break_ledger(true);
  for (int i = 0; i < 1000; ++i) monitor->decide(note(i));
  ASSERT_TRUE(reached(DeliveryState::delivered, 1000));
  std::set<std::string> arrived;
  for (const auto& one : server.arrivals()) arrived.insert(one.id);
  EXPECT_EQ(arrived.size(), 1000u);
  EXPECT_EQ(server.arrivals().size(), 1000u);
  EXPECT_TRUE(monitor->stored().empty());
  bool told = false;
  for (const api::ReadinessPart& part : monitor->messenger().parts())
    told = told || (part.name == "notifications" && part.state == api::PartState::degraded);
  EXPECT_TRUE(told) << "/readyz says that messages go out of memory";
  telemetry::MonitorStats stats;
  monitor->messenger().add_stats(stats);
  EXPECT_EQ(stats.notifications.at(0).degraded, 1000u);
  monitor->break_ledger(false);
  monitor->stop(1s);
  const auto stored = monitor->stored();
  ASSERT_EQ(stored.size(), 1000u);
  for (const auto& [id, record] : stored) {
    EXPECT_EQ(record.state, DeliveryState::delivered) << id;
    EXPECT_THAT(record.answer, HasSubstr("while the ledger could not commit"));
  }
}

TEST_F(MessengerTest, a_reload_adds_and_removes_channels) {
  start();
  config::MonitorConfig none;
  ASSERT_TRUE(monitor->messenger().reload(none));
  monitor->decide(note(1));
  ASSERT_TRUE(reached(DeliveryState::failed, 1));
  EXPECT_EQ(monitor->records().at("n-1").answer, "no channel 'hook' is configured");
  config::MonitorConfig wrong;
  wrong.channels = Params::of("x");
  const auto refused = monitor->messenger().reload(wrong);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("channels: must be a map"));
}

}  // namespace
}  // namespace paramedic::daemon
