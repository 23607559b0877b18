#include "io/probes/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/net/eventually.h"

namespace paramedic::probes {
namespace {

// Says what the script tells it; each try moves the clock on by `takes`. At the end of the script it waits for
// cancel().
struct Script {
  struct Try {
    bool ok;
    Duration takes = 100ms;
    std::string text = "connection refused";
  };
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<Try> tries;
  std::size_t next = 0;
  bool cancelled = false;
};

class FakeProbe final : public Probe {
 public:
  FakeProbe(Script& script, ManualClock& clock) : script_(script), clock_(clock) {}
  Result<void> run(Duration) override {
    std::unique_lock lock(script_.mutex);
    if (script_.next == script_.tries.size()) {
      script_.wake.wait(lock, [this] { return script_.cancelled; });
      return make_error(Errc::unavailable, "cancelled");
    }
    const Script::Try& one = script_.tries[script_.next++];
    clock_.advance(one.takes);
    if (one.ok) return {};
    return make_error(Errc::unavailable, one.text);
  }
  const std::string& target() const override { return target_; }
  void cancel() override {
    const std::lock_guard lock(script_.mutex);
    script_.cancelled = true;
    script_.wake.notify_all();
  }

 private:
  Script& script_;
  ManualClock& clock_;
  const std::string target_ = "h:1";
};

struct Scene {
  Script script;
  ManualClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  std::mutex mutex;
  std::vector<ProbeInput> told;

  // Runs the whole script.
  std::vector<ProbeStats> run(std::vector<Script::Try> tries) {
    script.tries = std::move(tries);
    std::vector<ProbeEntry> entries(1);
    entries[0] = {.name = "redis-a", .kind = "tcp", .broker = "b", .interval = 1ms, .deadline = 1s};
    entries[0].probe = std::make_unique<FakeProbe>(script, clock);
    Prober prober(
        std::move(entries),
        [this](ProbeInput input) {
          const std::lock_guard lock(mutex);
          told.push_back(std::move(input));
        },
        clock, *log);
    prober.start();
    EXPECT_TRUE(eventually([&] { return prober.stats()[0].tries == script.tries.size(); }));
    prober.stop();
    prober.stop();
    return prober.stats();
  }
};

TEST(Prober, tells_every_miss_every_change_and_what_stays_well_each_ten_seconds) {
  Scene s;
  const auto stats = s.run({{true}, {true}, {false}, {false}, {false}, {true}, {true}, {true, 9s}, {true, 2s}});
  std::vector<bool> ok;
  for (const ProbeInput& input : s.told) ok.push_back(input.ok);
  EXPECT_EQ(ok, (std::vector<bool>{true, false, false, false, true, true}));
  EXPECT_EQ(stats[0].tries, 9u);
  EXPECT_EQ(stats[0].failures, 3u);
  EXPECT_TRUE(stats[0].up);
  EXPECT_DOUBLE_EQ(stats[0].duration, 2.0);
}

TEST(Prober, says_who_what_why_and_how_long) {
  Scene s;
  s.run({{false, 250ms, "line\nwith \x01 and \xc3\xa9" + std::string(1000, 'x')}});
  ASSERT_EQ(s.told.size(), 1u) << "the try that stop() cancels says nothing";
  const ProbeInput& input = s.told[0];
  EXPECT_EQ(input.name, "redis-a");
  EXPECT_EQ(input.kind, "tcp");
  EXPECT_EQ(input.broker, "b");
  EXPECT_EQ(input.took, Duration{250ms});
  EXPECT_EQ(input.at, s.clock.now().steady);
  EXPECT_EQ(input.text.size(), 300u);
  EXPECT_TRUE(input.text.starts_with("line?with ? and ??x")) << input.text;
}

TEST(Prober, starts_nothing_before_start_and_stops_a_try_under_way) {
  Scene s;
  std::vector<ProbeEntry> entries(1);
  entries[0].probe = std::make_unique<FakeProbe>(s.script, s.clock);
  Prober prober(
      std::move(entries), [](ProbeInput) { ADD_FAILURE(); }, s.clock, *s.log);
  EXPECT_EQ(prober.stats()[0].tries, 0u);
  prober.start();
  prober.stop();  // its try waits for cancel()
}

TEST(Prober, spreads_tries_by_a_tenth_and_always_the_same) {
  Duration least = 1h, most{};
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Duration d = jittered(3s, "redis-a", i);
    EXPECT_EQ(d, jittered(3s, "redis-a", i));
    least = std::min(least, d);
    most = std::max(most, d);
  }
  EXPECT_GE(least, Duration{2700ms});
  EXPECT_LE(most, Duration{3300ms});
  EXPECT_GT(most - least, Duration{500ms});
}

}  // namespace
}  // namespace paramedic::probes
