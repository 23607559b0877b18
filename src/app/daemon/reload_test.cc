#include "app/daemon/reload.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace paramedic::daemon {
namespace {

namespace fs = std::filesystem;

struct Files : testing::Test {
  fs::path file = fs::temp_directory_path() / ("paramedic-reload-" + std::to_string(::getpid()) + ".yaml");
  ManualClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  std::vector<EngineConfig> applied;
  std::optional<Error> channel_problem;

  void TearDown() override { fs::remove(file); }
  void write(const std::string& text) { std::ofstream(file) << text; }
  ConfigReload reload() {
    return ConfigReload(file.string(), clock, *log,
                        [this](const config::MonitorConfig&, EngineConfig e) -> Result<void> {
                          if (channel_problem) return *channel_problem;
                          applied.push_back(std::move(e));
                          return {};
                        });
  }
};

TEST_F(Files, a_good_file_is_taken_and_what_needs_a_restart_is_named) {
  write("listen: 127.0.0.1:8420\npools: {default: {}}\n");
  ConfigReload r = reload();
  write(
      "listen: 127.0.0.1:9999\nlog_level: debug\n"
      "alerting: {rules: [{name: hot, when: {metric: cpu_percent, above: 90}}]}\n");
  clock.advance(1min);
  const auto done = r.reload("SIGHUP");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_NE(done->find("1 rules; these changes need a restart: listen, log_level"), std::string::npos) << *done;
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_EQ(applied[0].rules.rules[0].name, "hot");
  EXPECT_EQ(r.state().success_at, clock.now().wall);
  const auto again = r.reload("SIGHUP");
  EXPECT_NE(again->find("need a restart: listen, log_level"), std::string::npos);  // still
  write("listen: 127.0.0.1:8420\n");
  EXPECT_EQ(r.reload("SIGHUP")->find("restart"), std::string::npos);
}

TEST_F(Files, of_the_limits_those_that_are_read_once_are_named) {
  write("limits: {max_workers: 100}\n");
  ConfigReload r = reload();
  write("limits: {max_workers: 200, inbox_reports: 5000}\n");
  const auto done = r.reload("SIGHUP");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_TRUE(done->ends_with("these changes need a restart: limits.inbox_reports")) << *done;
  EXPECT_EQ(applied.at(0).limits.max_workers, 200u);
  write("limits: {max_workers: 300}\n");
  EXPECT_EQ(r.reload("SIGHUP")->find("restart"), std::string::npos);
}

TEST_F(Files, a_file_with_any_problem_is_refused_as_a_whole) {
  write("interval: 30s\n");
  ConfigReload r = reload();
  const auto since = r.state().success_at;
  clock.advance(1min);
  write(
      "interval: 10s\nalerting: {rules: [{name: hot, when: {metric: cpu_percent}}, {name: hot, when: {status: "
      "ill}}]}\n");
  const auto done = r.reload("ada");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::invalid_argument);
  for (const char* words : {"give one of: above, below", "another rule", "'ill' must be one of", ":2: "})
    EXPECT_NE(done.error().message.find(words), std::string::npos) << done.error().message;
  EXPECT_TRUE(applied.empty());
  EXPECT_FALSE(r.state().ok);
  EXPECT_EQ(r.state().success_at, since);
  fs::remove(file);
  EXPECT_FALSE(r.reload("ada").has_value());
  write("interval: 10s\n");
  EXPECT_TRUE(r.reload("ada").has_value());
  EXPECT_TRUE(r.state().ok);
}

TEST_F(Files, what_the_channels_refuse_and_what_comes_while_stopping_changes_nothing) {
  write("interval: 30s\n");
  ConfigReload r = reload();
  channel_problem = make_error(Errc::invalid_argument, "channels.ops: no such kind");
  EXPECT_EQ(r.reload("ada").error().message, "channels.ops: no such kind");
  EXPECT_FALSE(r.state().ok);
  channel_problem.reset();
  EXPECT_TRUE(r.reload("ada").has_value());
  r.close();
  EXPECT_EQ(r.reload("ada").error().code, Errc::unavailable);
  EXPECT_EQ(applied.size(), 1u);
}

TEST_F(Files, without_a_file_there_is_nothing_to_reload) {
  ConfigReload r("", clock, *log, [](const config::MonitorConfig&, EngineConfig) -> Result<void> { return {}; });
  EXPECT_EQ(r.reload("ada").error().code, Errc::conflict);
  EXPECT_EQ(r.state().success_at, std::nullopt);
}

}  // namespace
}  // namespace paramedic::daemon
