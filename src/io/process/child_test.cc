#include "io/process/child.h"

#include <csignal>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace paramedic::process {
namespace {

ChildCall shell(const std::string& text, Duration timeout = 60s) {
  ChildCall call;
  call.program = "/bin/sh";
  call.arguments = {"-c", text};
  call.timeout = timeout;
  return call;
}

bool lives(int pid) { return ::kill(pid, 0) == 0; }
// Of a process that is being ended and is not ours to wait for.
bool ends(int pid) {
  for (int i = 0; i < 3000 && lives(pid); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return !lives(pid);
}

TEST(ChildRunner, gives_code_signal_and_output) {
  ChildRunner runner;
  const auto code = runner.run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(code);
  EXPECT_EQ(code->code, 3);
  EXPECT_EQ(code->output, "out\nerr\n");
  EXPECT_EQ(runner.run(shell("kill -9 $$"))->signal, SIGKILL);
  ChildCall missing = shell("");
  missing.program = "/nonexistent";
  EXPECT_EQ(runner.run(missing).error().code, Errc::io);
}

TEST(ChildRunner, the_whole_group_ends_at_the_timeout) {
  ChildRunner runner;
  char name[] = "/tmp/paramedic-child-XXXXXX";
  const int file = ::mkstemp(name);
  const auto out = runner.run(shell("sleep 600 & echo $! > " + std::string(name) + "; wait", 500ms));
  EXPECT_EQ(out.error().code, Errc::timeout);
  char pid[32] = {};
  EXPECT_GT(::read(file, pid, sizeof pid - 1), 0);
  EXPECT_TRUE(ends(std::atoi(pid)));
  ::close(file);
  ::unlink(name);
}

TEST(ChildRunner, what_is_left_running_ends_too_unless_the_call_says_otherwise) {
  ChildRunner runner;
  ChildCall call = shell("sleep 600 >/dev/null 2>&1 & echo $!");
  EXPECT_TRUE(ends(std::stoi(runner.run(call)->output)));
  call.end_leftovers = false;
  const int pid = std::stoi(runner.run(call)->output);
  EXPECT_TRUE(lives(pid));
  ::kill(pid, SIGKILL);
}

TEST(ChildRunner, cancelled_it_starts_nothing_any_more) {
  ChildRunner runner;
  std::thread other([&] { runner.cancel(); });
  EXPECT_EQ(runner.run(shell("sleep 600")).error().code, Errc::unavailable);
  other.join();
  char name[] = "/tmp/paramedic-child-XXXXXX";
  ::close(::mkstemp(name));
  ::unlink(name);
  EXPECT_EQ(runner.run(shell("touch " + std::string(name))).error().code, Errc::unavailable);
  EXPECT_NE(::access(name, F_OK), 0);
}

TEST(ChildRunner, names_of_variables) {
  EXPECT_TRUE(is_variable_name("A_1"));
  for (const char* bad : {"", "1A", "A-B", "A=B"}) EXPECT_FALSE(is_variable_name(bad)) << bad;
}

}  // namespace
}  // namespace paramedic::process
