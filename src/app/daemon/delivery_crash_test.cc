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
constexpr const char* kSickVariable = "PARAMEDIC_CRASH_SICK_LEDGER";
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
  // What the ledger does not know is decided again, as the engine does it for a condition that still holds.
  const auto known = monitor.records();
  const bool sick = std::getenv(kSickVariable) != nullptr;
  monitor.break_ledger(sick);
  for (int n = 0; n < kMessages; ++n)
    if (!known.contains("n-" + std::to_string(n))) monitor.decide(note(n));
  for (bool broken = sick; sick && monitor.count(DeliveryState::delivered) < std::size_t(kMessages); broken = !broken) {
    monitor.break_ledger(broken);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  monitor.break_ledger(false);
  while (monitor.count(DeliveryState::delivered) < std::size_t(kMessages))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  monitor.stop(1s);
}

class Child {
 public:
  Child(const std::string& dir, const std::string& url, bool sick_ledger) {
    std::vector<std::string> texts;
    for (char** one = environ; *one; ++one) texts.emplace_back(*one);
    texts.push_back(std::string(kDirVariable) + "=" + dir);
    texts.push_back("PARAMEDIC_CRASH_URL=" + url);
    if (sick_ledger) texts.push_back(std::string(kSickVariable) + "=1");
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

struct Trial {
  std::size_t kills = 0, arrived = 0, requests = 0, after_lost_answer = 0, after_kill = 0, out_of_order = 0;
  Duration recovery{};  // from the last start until the last new message had arrived
};

// Kills children until kKills, then lets the last one finish.
void run_lives(const std::string& dir, const FlakyServer& server, bool sick_ledger, Trial& trial,
               WallTime& last_start) {
  std::minstd_rand random(20261129);
  for (std::optional<int> ended; !ended;) {
    last_start = SystemClock().now().wall;
    Child child(dir, server.url(), sick_ledger);
    const bool last = trial.kills >= kKills;
    for (auto left = std::chrono::milliseconds(last ? 120'000 : 60 + random() % 240); !ended && left.count() > 0;
         --left) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ended = child.exit_code();
    }
    ASSERT_EQ(ended.value_or(0), 0);
    ASSERT_TRUE(ended || !last) << "the last life does not end";
    trial.kills += !ended;
  }
}

Trial run_trial(bool sick_ledger) {
  const std::string dir = testing::TempDir() + "delivery-crash-" + std::to_string(::getpid());
  std::filesystem::remove_all(dir);
  FlakyServer server({.unavailable = 0.05, .too_many = 0.01, .lost_answer = 0.02, .broken = 0.02}, 20261129);
  Trial trial;
  WallTime last_start{}, last_new{};
  run_lives(dir, server, sick_ledger, trial, last_start);
  std::map<std::string, bool> accepted;  // id → whether the sender had the last answer
  std::map<std::string, std::uint64_t> last_of_story;
  const auto arrivals = server.arrivals();
  trial.requests = arrivals.size();
  for (const auto& one : arrivals) {
    if (!one.accepted) continue;
    const auto [before, fresh] = accepted.try_emplace(one.id, one.answered);
    if (!fresh) {
      ++(before->second ? trial.after_kill : trial.after_lost_answer);
      before->second = one.answered;
      continue;
    }
    auto& last = last_of_story[one.story];
    trial.out_of_order += one.sequence < last;
    last = std::max(last, one.sequence);
    last_new = one.at;
  }
  trial.arrived = accepted.size();
  trial.recovery = last_new - last_start;
  std::filesystem::remove_all(dir);
  fmt::print(
      "{} of {} messages arrived, {} kills, {} requests; accepted again: {} whose answer was lost, {} that the "
      "ledger did not have; the last new one {:.2f} s after the last start\n",
      trial.arrived, kMessages, trial.kills, trial.requests, trial.after_lost_answer, trial.after_kill,
      to_seconds(trial.recovery));
  return trial;
}

TEST(DeliveryCrash, kill_9_loses_no_message_and_repeats_only_what_was_under_way) {
  const Trial trial = run_trial(false);
  EXPECT_EQ(trial.arrived, std::size_t(kMessages));
  EXPECT_EQ(trial.out_of_order, 0u);
  EXPECT_GT(trial.kills, 3u);
  EXPECT_LE(trial.after_kill, trial.kills * kChannels.size());
}

// The ledger fails for 100 ms of every 200 ms as well: what went out of memory may go out again after a kill, since
// nobody could write that it had; nothing is lost.
TEST(DeliveryCrash, kill_9_with_a_sick_ledger_loses_no_message) {
  const Trial trial = run_trial(true);
  EXPECT_EQ(trial.arrived, std::size_t(kMessages));
}

}  // namespace
}  // namespace paramedic::daemon
