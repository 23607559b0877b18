// A monitor is killed at random instants while 1 000 messages are on their way to a flaky endpoint. Every one arrives,
// in the order of its story; what arrives twice is explained by an answer that was lost or by the one message per
// channel that was under way at a kill. The monitor is this program again, as a child: a real ledger, dispatcher and
// delivery (messenger_fixture.h).
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include "app/daemon/flaky_server.h"
#include "app/daemon/messenger_fixture.h"

extern char** environ;

namespace paramedic::daemon {
namespace {

constexpr int kMessages = 1000, kStories = 50;
constexpr std::size_t kKills = 12;
constexpr const char* kDirVariable = "PARAMEDIC_CRASH_DIR";
const std::vector<std::string> kChannels = {"a", "b"};

Notification note(int n) {
  Notification out;
  out.id = "n-" + std::to_string(n);
  out.group_key = "story-" + std::to_string(n % kStories);
  out.channel = kChannels[std::size_t(n % kStories) % kChannels.size()];
  out.sequence = std::uint64_t(n);
  out.title = "message " + std::to_string(n);
  out.at = SystemClock().now().wall;
  return out;
}

// The child: goes on where the ledger of the last life ended.
TEST(DeliveryCrashChild, goes_on_until_all_have_arrived) {
  const char* dir = std::getenv(kDirVariable);
  if (!dir) GTEST_SKIP() << "started by the test below";
  LittleMonitor::Options options;
  options.data_dir = dir;
  options.keys = {{"rate_per_minute", "600000"}, {"burst", "100000"}, {"digest_above", "1000000"}, {"timeout", "30s"}};
  for (const auto& name : kChannels) options.channels[name] = std::getenv("PARAMEDIC_CRASH_URL");
  LittleMonitor monitor(std::move(options));
  const auto started = monitor.start();
  ASSERT_TRUE(started) << started.error().message;
  for (int n = int(monitor.known()); n < kMessages; ++n) monitor.decide(note(n));
  while (monitor.count(DeliveryState::delivered) < std::size_t(kMessages))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  monitor.stop(1s);
}

class Child {
 public:
  Child(const std::string& dir, const std::string& url) {
    std::vector<std::string> texts;
    for (char** one = environ; *one; ++one) texts.emplace_back(*one);
    texts.push_back(std::string(kDirVariable) + "=" + dir);
    texts.push_back("PARAMEDIC_CRASH_URL=" + url);
    std::vector<char*> environment;
    for (auto& text : texts) environment.push_back(text.data());
    environment.push_back(nullptr);
    std::string program = "/proc/self/exe", filter = "--gtest_filter=DeliveryCrashChild.*", brief = "--gtest_brief=1";
    char* arguments[] = {program.data(), filter.data(), brief.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments, environment.data()), 0);
  }
  ~Child() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  // Its exit code; none = it runs still.
  std::optional<int> exit_code() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

TEST(DeliveryCrash, kill_9_loses_no_message_and_repeats_only_what_was_under_way) {
  const std::string dir = testing::TempDir() + "delivery-crash-" + std::to_string(::getpid());
  std::filesystem::remove_all(dir);
  FlakyServer server({.unavailable = 0.05, .too_many = 0.01, .lost_answer = 0.02, .broken = 0.02}, 20261129);
  std::minstd_rand random(20261129);
  std::vector<WallTime> starts;
  std::size_t kills = 0;
  for (std::optional<int> ended; !ended;) {
    starts.push_back(SystemClock().now().wall);
    Child child(dir, server.url());
    // Long enough to get further in each life; the last one is left alone.
    const bool last = kills >= kKills;
    for (auto left = std::chrono::milliseconds(last ? 120'000 : 60 + random() % 240); !ended && left.count() > 0;
         --left) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ended = child.exit_code();
    }
    if (ended) {
      ASSERT_EQ(*ended, 0);
    }
    ASSERT_TRUE(ended || !last) << "the last life does not end";
    kills += !ended;
  }

  std::map<std::string, bool> accepted;  // id → whether the sender had the last answer
  std::map<std::string, std::uint64_t> last_of_story;
  std::size_t after_lost_answer = 0, after_kill = 0, out_of_order = 0;
  WallTime last_new{};
  for (const auto& one : server.arrivals()) {
    if (!one.accepted) continue;
    const auto [before, fresh] = accepted.try_emplace(one.id, one.answered);
    if (!fresh) {
      ++(before->second ? after_kill : after_lost_answer);
      before->second = one.answered;
      continue;
    }
    auto& last = last_of_story[one.story];
    out_of_order += one.sequence < last;
    last = std::max(last, one.sequence);
    last_new = one.at;
  }
  fmt::print(
      "{} of {} messages arrived, {} kills, {} requests; accepted again: {} whose answer was lost, {} under way "
      "at a kill; the last one {:.2f} s after the last start\n",
      accepted.size(), kMessages, kills, server.arrivals().size(), after_lost_answer, after_kill,
      to_seconds(last_new - starts.back()));
  EXPECT_EQ(accepted.size(), std::size_t(kMessages));
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_GT(kills, 3u);
  EXPECT_LE(after_kill, kills * kChannels.size());
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace paramedic::daemon
