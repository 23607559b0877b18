// Delivery with its threads: a scripted channel, and waits for what must happen instead of sleeping.
#include "io/notify/delivery/delivery.h"

#include <atomic>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/notify/delivery/dead_man.h"
#include "io/notify/delivery/delivery_config.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;

// What happened, for threads that wait for it.
struct Scene {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> sent;
  std::vector<DeliveryOutcome> told;
  int refusals = 0;   // of the engine's inbox, before it takes anything
  bool hang = false;  // sends wait until they are cancelled
  SendVerdict verdict = SendVerdict::delivered;

  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), predicate);
  }
  bool wait_for_outcome(const std::string& id, DeliveryState state) {
    return wait([&] {
      return std::any_of(told.begin(), told.end(),
                         [&](const DeliveryOutcome& o) { return o.notification_id == id && o.state == state; });
    });
  }
};

class FakeChannel final : public Channel {
 public:
  FakeChannel(Scene& scene, std::string where) : scene_(scene), where_(std::move(where)) {}
  SendResult send(const Notification& notification, const SendContext&) override {
    std::unique_lock lock(scene_.mutex);
    scene_.sent.push_back(where_ + " " + notification.id);
    scene_.changed.notify_all();
    scene_.changed.wait(lock, [this] { return !scene_.hang || cancelled_; });
    SendResult out;
    out.verdict = cancelled_ ? SendVerdict::retry : scene_.verdict;
    out.answer = "answer";
    return out;
  }
  bool wants(NotificationKind) const override { return true; }
  bool can_digest() const override { return true; }
  const std::string& destination() const override { return where_; }
  void cancel() override {
    const std::lock_guard lock(scene_.mutex);
    cancelled_ = true;
    scene_.changed.notify_all();
  }

 private:
  Scene& scene_;
  std::string where_;
  bool cancelled_ = false;
};

Notification note(std::string id, std::string channel) {
  Notification out;
  out.id = std::move(id);
  out.group_key = "story of " + out.id;
  out.channel = std::move(channel);
  out.at = SystemClock().now().wall;
  return out;
}

struct DeliveryTest : testing::Test {
  Scene scene;
  SystemClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  std::unique_ptr<Delivery> delivery;

  ChannelSetup setup(const std::string& name, const std::string& where = "here") {
    ChannelSetup out;
    out.name = name;
    out.kind = "fake";
    out.channel = std::make_unique<FakeChannel>(scene, where);
    out.limits.pace = {1000, 1000};
    out.settings = Params::map();
    out.settings.set("where", Params::of(where));
    return out;
  }
  template <class... Names>
  std::vector<ChannelSetup> setups(const Names&... names) {
    std::vector<ChannelSetup> out;
    (out.push_back(setup(names)), ...);
    return out;
  }
  void start(std::vector<ChannelSetup> channels) {
    delivery = std::make_unique<Delivery>(
        std::move(channels),
        Delivery::Ports{[this](const DeliveryOutcome& outcome) { return tell(outcome); }, clock, *log, ""});
    delivery->start();
  }
  Result<void> tell(const DeliveryOutcome& outcome) {
    {
      const std::lock_guard lock(scene.mutex);
      if (scene.refusals > 0) {
        --scene.refusals;
        return Error{Errc::unavailable, "the inbox is full"};
      }
      scene.told.push_back(outcome);
      scene.changed.notify_all();
    }
    // As the daemon does after the commit.
    NotificationRecord record;
    record.notification.id = outcome.notification_id;
    record.notification.channel = "a";
    record.state = outcome.state;
    const LedgerEntry entry{.body = record};
    delivery->recorded({&entry, 1});
    return {};
  }
  // Not reset(): outcomes may still come in, and tell() uses the pointer.
  void TearDown() override {
    if (delivery) delivery->stop(0s);
  }
};

TEST_F(DeliveryTest, delivers_and_tells_the_engine) {
  start(setups("a", "b"));
  delivery->send(note("1", "a"));
  delivery->send(note("2", "b"));
  EXPECT_TRUE(scene.wait_for_outcome("1", DeliveryState::delivered));
  EXPECT_TRUE(scene.wait_for_outcome("2", DeliveryState::delivered));
  const DeliveryStats stats = delivery->stats();
  ASSERT_EQ(stats.destinations.size(), 2u);
  EXPECT_EQ(stats.destinations[0].name, "a");
  EXPECT_EQ(stats.destinations[0].sends[std::size_t(SendVerdict::delivered)], 1u);
  EXPECT_EQ(stats.destinations[0].send_seconds.count(), 1u);
  EXPECT_EQ(stats.destinations[0].where, "here");
}

TEST_F(DeliveryTest, one_destination_that_hangs_holds_up_no_other) {
  std::vector<ChannelSetup> channels = setups("b");
  Scene stuck;
  stuck.hang = true;
  ChannelSetup slow = setup("a");
  slow.channel = std::make_unique<FakeChannel>(stuck, "slow");
  channels.push_back(std::move(slow));
  start(std::move(channels));
  delivery->send(note("1", "a"));
  ASSERT_TRUE(stuck.wait([&] { return stuck.sent.size() == 1; }));
  delivery->send(note("2", "b"));
  EXPECT_TRUE(scene.wait_for_outcome("2", DeliveryState::delivered));
  delivery->stop(0s);  // cancels what hangs, before `stuck` is gone
}

TEST_F(DeliveryTest, outcomes_outlast_a_full_inbox) {
  scene.refusals = 3;
  start(setups("a"));
  delivery->send(note("1", "a"));
  EXPECT_TRUE(scene.wait_for_outcome("1", DeliveryState::delivered));
}

TEST_F(DeliveryTest, a_channel_that_does_not_exist_is_a_permanent_failure) {
  start(setups("a"));
  delivery->send(note("1", "nowhere"));
  ASSERT_TRUE(scene.wait_for_outcome("1", DeliveryState::failed));
  EXPECT_THAT(scene.told[0].answer, HasSubstr("no channel 'nowhere'"));
}

TEST_F(DeliveryTest, stop_cancels_what_hangs_and_leaves_it_to_the_next_life) {
  scene.hang = true;
  start(setups("a"));
  delivery->send(note("1", "a"));
  ASSERT_TRUE(scene.wait([&] { return scene.sent.size() == 1; }));
  delivery->stop(0s);
  EXPECT_TRUE(scene.told.empty()) << "neither delivered nor failed: it stays queued in the ledger";
  delivery->send(note("2", "a"));
  EXPECT_EQ(scene.sent.size(), 1u);
}

TEST_F(DeliveryTest, stop_lets_out_what_was_not_tried_yet) {
  start(setups("a"));
  for (int i = 0; i < 50; ++i) delivery->send(note(std::to_string(i), "a"));
  delivery->stop(20s);
  EXPECT_EQ(scene.told.size(), 50u);
}

TEST_F(DeliveryTest, stop_does_not_wait_for_a_second_try) {
  scene.verdict = SendVerdict::retry;
  start(setups("a"));
  delivery->send(note("1", "a"));
  ASSERT_TRUE(scene.wait_for_outcome("1", DeliveryState::tried));
  delivery->stop(1h);  // the test would time out
  EXPECT_EQ(scene.sent.size(), 1u);
}

TEST_F(DeliveryTest, a_reload_keeps_queues_and_fails_what_has_no_channel_any_more) {
  scene.verdict = SendVerdict::retry;  // so that all of them wait
  start(setups("a", "b", "c"));
  delivery->send(note("1", "a"));
  delivery->send(note("2", "b"));
  delivery->send(note("3", "c"));
  for (const auto* id : {"1", "2", "3"}) ASSERT_TRUE(scene.wait_for_outcome(id, DeliveryState::tried));
  {
    const std::lock_guard lock(scene.mutex);
    scene.verdict = SendVerdict::delivered;
  }
  std::vector<ChannelSetup> next = setups("a");  // unchanged
  next.push_back(setup("b", "elsewhere"));       // changed: its queue goes there at once
  next.push_back(setup("d"));                    // new; c is removed
  delivery->reload(std::move(next));
  ASSERT_TRUE(scene.wait_for_outcome("2", DeliveryState::delivered));
  ASSERT_TRUE(scene.wait_for_outcome("3", DeliveryState::failed));
  ASSERT_TRUE(scene.wait_for_outcome("1", DeliveryState::delivered));
  delivery->send(note("4", "d"));
  ASSERT_TRUE(scene.wait_for_outcome("4", DeliveryState::delivered));
  const std::lock_guard lock(scene.mutex);
  EXPECT_THAT(scene.sent, testing::Contains("elsewhere 2"));
  for (const DeliveryOutcome& one : scene.told)
    if (one.notification_id == "3" && one.state == DeliveryState::failed) {
      EXPECT_THAT(one.answer, HasSubstr("was removed"));
    }
}

TEST_F(DeliveryTest, many_threads_at_once) {
  start(setups("a", "b"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        delivery->send(note(std::to_string(t) + "-" + std::to_string(i), i % 2 ? "a" : "b"));
        (void)delivery->stats();
        delivery->set_degraded(i % 3 == 0);
      }
    });
  for (auto& one : threads) one.join();
  delivery->set_degraded(true);
  EXPECT_TRUE(scene.wait([&] { return scene.told.size() == 200; }));
}

// ---- configuration --------------------------------------------------------------------------------------------------

struct ConfigTest : testing::Test {
  Problems problems;
  Scene scene;
  std::set<std::string> seen_keys;
  ChannelFactory factory = [this](const ChannelConfig& config, Problems&) -> std::unique_ptr<Channel> {
    for (const auto& [key, value] : config.params->members) seen_keys.insert(key);
    if (config.kind != "fake" && config.kind != "slack") return nullptr;
    return std::make_unique<FakeChannel>(scene, config.name);
  };
  static Params channel(std::string kind) {
    Params out = Params::map();
    out.set("type", Params::of(std::move(kind)));
    return out;
  }
};

TEST_F(ConfigTest, reads_the_keys_that_all_channels_share) {
  Params one = channel("fake"), all = Params::map();
  one.set("rate_per_minute", Params::of("30"));
  one.set("burst", Params::of("7"));
  one.set("timeout", Params::of("3s"));
  one.set("give_up_after", Params::of("5m"));
  one.set("url", Params::of("http://x"));
  all.set("chat", one);
  all.set("slack", channel("slack"));
  const auto channels = read_channels(all, factory, problems);
  ASSERT_TRUE(problems.empty()) << problems[0].to_string();
  ASSERT_EQ(channels.size(), 2u);
  EXPECT_EQ(channels[0].limits.pace, (Pace{0.5, 7}));
  EXPECT_EQ(channels[0].limits.timeout, 3s);
  EXPECT_EQ(channels[0].limits.give_up_after, 5min);
  EXPECT_EQ(channels[1].limits.pace, (Pace{1, 3}));
  EXPECT_EQ(seen_keys, std::set<std::string>{"url"}) << "a kind sees its own keys only";
}

TEST_F(ConfigTest, tells_what_is_wrong) {
  Params all = Params::map();
  all.set("a", channel("pigeon"));
  all.set("b", Params::of("slack"));
  all.set("c", Params::map());
  Params bad = channel("fake");
  bad.set("burst", Params::of("0"));
  all.set("d", bad);
  all.set("with blank", channel("fake"));
  EXPECT_EQ(read_channels(all, factory, problems).size(), 1u);
  ASSERT_EQ(problems.size(), 5u);
  EXPECT_THAT(problems[0].to_string(), HasSubstr("channels.a: 'pigeon' is no type of channel"));
  EXPECT_THAT(problems[2].to_string(), HasSubstr("channels.c: has no type"));
  EXPECT_THAT(problems[3].to_string(), HasSubstr("channels.d.burst"));
  problems.clear();
  read_channels(Params::of("x"), factory, problems);
  read_channels(all, {}, problems);
  EXPECT_EQ(problems.size(), 2u);
}

TEST_F(ConfigTest, settings_are_the_same_wherever_they_stand) {
  Params a = channel("fake"), b = Params::map();
  a.set("url", Params::of("http://x"));
  b.set("url", Params::of("http://x"));
  b.set("type", Params::of("fake"));
  b.line = 12;
  EXPECT_TRUE(same_params(a, b));
  b.set("url", Params::of("http://y"));
  EXPECT_FALSE(same_params(a, b));
}

// ---- dead man -------------------------------------------------------------------------------------------------------

struct DeadManTest : testing::Test {
  ManualClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  std::string problem, asked;
  Result<void> answer;
  DeadMan make(DeadManOptions options) {
    return DeadMan(std::move(options), {[this] { return problem; },
                                        [this](const std::string& url, Duration) {
                                          asked = url;
                                          return answer;
                                        },
                                        {},
                                        clock,
                                        *log});
  }
};

TEST_F(DeadManTest, pings_only_while_the_monitor_works) {
  DeadMan man = make({.url = "http://x/1"});
  EXPECT_EQ(man.turn(), PingResult::sent);
  EXPECT_EQ(asked, "http://x/1");
  const auto first = man.stats().last_sent;
  EXPECT_EQ(first, clock.now().wall);
  problem = "the ledger cannot commit";
  asked.clear();
  clock.advance(60s);
  EXPECT_EQ(man.turn(), PingResult::withheld);
  EXPECT_EQ(asked, "");
  EXPECT_EQ(man.stats().last_sent, first);
  EXPECT_EQ(man.stats().problem, problem);
  problem.clear();
  answer = Error{Errc::unavailable, "503"};
  EXPECT_EQ(man.turn(), PingResult::failed);
  answer = Result<void>();
  EXPECT_EQ(man.turn(), PingResult::sent);
  EXPECT_EQ(man.stats().pings, (std::array<std::uint64_t, 3>{2, 1, 1}));
  EXPECT_EQ(man.stats().problem, "");
}

TEST_F(DeadManTest, reads_a_secret_address_for_each_ping) {
  const std::string file = testing::TempDir() + "dead_man_url";
  DeadMan man = make({.url_file = file});
  std::remove(file.c_str());
  EXPECT_EQ(man.turn(), PingResult::failed);
  std::ofstream(file) << "https://hc/secret\r\n";
  EXPECT_EQ(man.turn(), PingResult::sent);
  EXPECT_EQ(asked, "https://hc/secret");
  std::remove(file.c_str());
}

TEST_F(DeadManTest, its_thread_pings_at_once_and_stops_at_once) {
  std::mutex mutex;
  std::condition_variable changed;
  int pings = 0;
  SystemClock real;
  DeadMan man({.url = "http://x"}, {[] { return std::string(); },
                                    [&](const std::string&, Duration) {
                                      const std::lock_guard lock(mutex);
                                      ++pings;
                                      changed.notify_all();
                                      return Result<void>();
                                    },
                                    {},
                                    real,
                                    *log});
  man.start();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return pings == 1; }));
  lock.unlock();
  man.stop();
  EXPECT_EQ(pings, 1);
}

}  // namespace
}  // namespace paramedic::notify
