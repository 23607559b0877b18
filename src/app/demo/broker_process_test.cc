#include "app/demo/broker_process.h"

#include <csignal>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "app/demo/process_main.h"
#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

struct BrokerProcessTest : testing::Test {
  void SetUp() override {
    std::filesystem::create_directories(DemoLayout{folder.path()}.broker());
    script("#!/bin/sh\nexec sleep 1000\n");
  }
  void script(const std::string& text) {
    std::ofstream(program) << text;
    ::chmod(program.c_str(), 0755);
  }
  bool alive(pid_t pid) const { return ::kill(pid, 0) == 0; }

  TempFolder folder;
  std::filesystem::path program = folder.path() / "program";
  SteadyTime now{1h};
};

TEST_F(BrokerProcessTest, runs_it_ends_it_by_the_control_file_and_starts_it_again) {
  BrokerProcess process(program, folder.path(), 5);
  ASSERT_TRUE(process.tick(now));
  const pid_t first = process.pid();
  ASSERT_GT(first, 0);
  ASSERT_TRUE(process.tick(now + 10s));
  EXPECT_EQ(process.pid(), first) << "one is enough";
  ASSERT_TRUE(set_broker(folder.path(), false));
  EXPECT_TRUE(eventually([&] { return process.tick(now + 20s) && process.pid() == 0; }));
  EXPECT_FALSE(alive(first));
  ASSERT_TRUE(set_broker(folder.path(), true));
  ASSERT_TRUE(process.tick(now + 30s));
  EXPECT_GT(process.pid(), 0);
  EXPECT_NE(process.pid(), first);
  process.stop();
  EXPECT_EQ(process.pid(), 0);
}

TEST_F(BrokerProcessTest, starts_a_dead_one_again_but_not_more_than_once_a_second) {
  BrokerProcess process(program, folder.path(), 5);
  ASSERT_TRUE(process.tick(now));
  const pid_t first = process.pid();
  ::kill(first, SIGKILL);
  EXPECT_TRUE(eventually([&] { return process.tick(now + 500ms) && process.pid() == 0; }));
  ASSERT_TRUE(process.tick(now + 900ms));
  EXPECT_EQ(process.pid(), 0);
  ASSERT_TRUE(process.tick(now + 1s));
  EXPECT_GT(process.pid(), 0);
}

TEST_F(BrokerProcessTest, kills_one_that_does_not_listen) {
  script("#!/bin/sh\ntrap '' TERM\ntouch " + (folder.path() / "up").string() + "\nwhile :; do sleep 0.1; done\n");
  BrokerProcess process(program, folder.path(), 5);
  ASSERT_TRUE(process.tick(now));
  const pid_t pid = process.pid();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(folder.path() / "up"); }));
  process.stop();
  EXPECT_FALSE(alive(pid));
}

TEST_F(BrokerProcessTest, says_what_it_cannot_start) {
  BrokerProcess process(folder.path() / "missing", folder.path(), 5);
  const auto started = process.tick(now);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("missing"), std::string::npos);
}

TEST_F(BrokerProcessTest, the_real_one_ends_on_term_and_when_its_parent_is_gone) {
  const DemoLayout layout{folder.path()};
  const auto run = [&](const std::string& parent) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(demo_broker_main({"--root", folder.path().string(), "--rate", "100", "--parent", parent}));
    return child;
  };
  const auto end = [](pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  const pid_t child = run(std::to_string(::getpid()));
  BrokerClient client(layout.broker_socket());
  ASSERT_TRUE(eventually([&] { return bool(client.connect()); }));
  EXPECT_TRUE(eventually([&] {
    const auto depth = client.depth("hashes");
    return depth && depth->ready == 40;
  }));
  ::kill(child, SIGTERM);
  EXPECT_EQ(end(child), 0);
  EXPECT_FALSE(std::filesystem::exists(layout.broker_socket()));
  EXPECT_EQ(end(run("1")), 0) << "process 1 is not its parent, so it ends at once";
}

}  // namespace
}  // namespace paramedic::demo
