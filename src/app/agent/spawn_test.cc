#include "app/agent/spawn.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "app/agent/process_tree.h"

namespace paramedic::agent {
namespace {

class SpawnTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/spawn_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  SpawnOptions shell(std::string script) const {
    SpawnOptions options;
    options.command = {"/bin/sh", "-c", std::move(script)};
    options.output_file = folder_ + "/out";
    return options;
  }
  static ExitInfo wait_exit(const Spawned& child) {
    ::pollfd poll{child.pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&poll, 1, 10'000), 1) << "the child did not end within 10 s";
    const auto exit = reap(child.pidfd.get());
    EXPECT_TRUE(exit.has_value());
    return exit.value_or(ExitInfo{});
  }
  std::string output() const {
    std::ifstream in(folder_ + "/out");
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string folder_;
};

TEST_F(SpawnTest, exit_code_is_seen_through_the_pidfd) {
  const auto child = spawn_process(shell("exit 7"));
  ASSERT_TRUE(child) << child.error().message;
  const auto exit = wait_exit(*child);
  EXPECT_EQ(exit.code, 7);
  EXPECT_FALSE(exit.signal);
  EXPECT_FALSE(exit.unknown_cause);
}

TEST_F(SpawnTest, killing_signal_is_told_from_an_exit_code) {
  const auto child = spawn_process(shell("kill -9 $$"));
  ASSERT_TRUE(child);
  const auto exit = wait_exit(*child);
  EXPECT_EQ(exit.signal, 9);
  EXPECT_FALSE(exit.code);
}

TEST_F(SpawnTest, a_living_child_is_not_reaped) {
  const auto child = spawn_process(shell("exec sleep 60"));
  ASSERT_TRUE(child);
  EXPECT_FALSE(reap(child->pidfd.get()));
  EXPECT_TRUE(send_signal(child->pidfd.get(), SIGKILL));
  EXPECT_EQ(wait_exit(*child).signal, SIGKILL);
}

TEST_F(SpawnTest, missing_binary_is_said_at_once_and_leaves_no_process) {
  SpawnOptions options;
  options.command = {"/no/such/binary", "x"};
  const auto child = spawn_process(options);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::not_found);
  EXPECT_NE(child.error().message.find("binary missing: /no/such/binary"), std::string::npos) << child.error().message;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left";
}

TEST_F(SpawnTest, other_failures_name_what_is_wrong) {
  SpawnOptions options;
  EXPECT_EQ(spawn_process(options).error().code, Errc::invalid_argument);
  options.command = {"/etc/passwd"};
  EXPECT_EQ(spawn_process(options).error().code, Errc::forbidden);
  options.command = {"/bin/true"};
  options.cwd = "/no/such/folder";
  const auto wrong_cwd = spawn_process(options);
  ASSERT_FALSE(wrong_cwd);
  EXPECT_NE(wrong_cwd.error().message.find("working directory /no/such/folder"), std::string::npos);
  options.cwd.clear();
  options.output_file = "/no/such/folder/out";
  EXPECT_NE(spawn_process(options).error().message.find("output file"), std::string::npos);
}

TEST_F(SpawnTest, environment_cwd_group_and_output_are_set) {
  auto options = shell("echo $GREETING in $(pwd) group $(ps -o pgid= -p $$) self $$; echo err >&2; read x || echo eof");
  options.cwd = "/usr";
  options.env = {{"GREETING", "hello"}};
  const auto child = spawn_process(options);
  ASSERT_TRUE(child);
  wait_exit(*child);
  const auto pid = std::to_string(child->pid);
  EXPECT_NE(output().find("hello in /usr"), std::string::npos) << output();
  EXPECT_NE(output().find(pid + " self " + pid), std::string::npos) << output();
  EXPECT_NE(output().find("err\n"), std::string::npos);
  EXPECT_NE(output().find("eof\n"), std::string::npos) << "standard input is not /dev/null";
}

TEST_F(SpawnTest, another_user_is_become_with_its_groups) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto options = shell("id -un; id -gn; echo $HOME");
  options.user = "nobody";
  options.env = {{"HOME", "/tmp"}};
  const auto child = spawn_process(options);
  ASSERT_TRUE(child) << child.error().message;
  wait_exit(*child);
  EXPECT_EQ(output(), "nobody\nnogroup\n/tmp\n");
  options.user = "no such user";
  EXPECT_EQ(spawn_process(options).error().code, Errc::not_found);
}

TEST_F(SpawnTest, what_a_service_manager_told_us_is_not_inherited) {
  ::setenv("WATCHDOG_PID", "1", 1);
  ::setenv("LISTEN_FDS", "1", 1);
  auto options = shell("echo [$WATCHDOG_PID] [$LISTEN_FDS] [$WATCHDOG_USEC]");
  options.env = {{"WATCHDOG_USEC", "5"}};
  const auto child = spawn_process(options);
  ::unsetenv("WATCHDOG_PID");
  ::unsetenv("LISTEN_FDS");
  ASSERT_TRUE(child);
  wait_exit(*child);
  EXPECT_EQ(output(), "[] [] [5]\n");
}

TEST_F(SpawnTest, command_without_slash_is_found_in_the_path_of_its_environment) {
  std::ofstream(folder_ + "/my-worker") << "#!/bin/sh\nexit 5\n";
  std::filesystem::permissions(folder_ + "/my-worker", std::filesystem::perms::owner_all);
  SpawnOptions options;
  options.command = {"my-worker"};
  EXPECT_EQ(spawn_process(options).error().code, Errc::not_found);
  options.env = {{"PATH", "/nowhere:" + folder_}};
  const auto child = spawn_process(options);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(wait_exit(*child).code, 5);
}

TEST_F(SpawnTest, descriptors_and_signal_settings_of_the_parent_do_not_leak) {
  const int leaky = ::open((folder_ + "/leaked").c_str(), O_RDWR | O_CREAT, 0600);  // deliberately without O_CLOEXEC
  ASSERT_GE(leaky, 0);
  ::signal(SIGTERM, SIG_IGN);
  ::sigset_t block, before;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  const auto child = spawn_process(shell("ls -l /proc/$$/fd; exec grep -E 'SigBlk|SigIgn' /proc/self/status"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGTERM, SIG_DFL);
  ::close(leaky);
  ASSERT_TRUE(child);
  wait_exit(*child);
  EXPECT_NE(output().find(" 0 -> "), std::string::npos) << output();  // it did list its descriptors
  EXPECT_EQ(output().find("/leaked"), std::string::npos) << output();
  EXPECT_NE(output().find("SigBlk:\t0000000000000000"), std::string::npos) << output();
  EXPECT_NE(output().find("SigIgn:\t0000000000000000"), std::string::npos) << output();
}

TEST(Pidfd, is_refused_for_a_process_that_does_not_exist) {
  EXPECT_EQ(open_pidfd(0x3fffffff).error().code, Errc::not_found);
}

TEST(Pidfd, of_a_process_that_is_not_our_child_tells_the_exit_without_cause) {
  const auto foreign = open_pidfd(::getppid());
  ASSERT_TRUE(foreign);
  const auto exit = reap(foreign->get());  // as the agent does once poll() said "ended"
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->unknown_cause);
}

}  // namespace
}  // namespace paramedic::agent
