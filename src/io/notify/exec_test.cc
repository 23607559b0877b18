#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "io/notify/notify_test_support.h"
#include "io/process/child.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A folder with one shell script; gone at the end.
class ExecChannel : public ::testing::Test {
 protected:
  ExecChannel() {
    char name[] = "/tmp/paramedic-exec-XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  ~ExecChannel() override { std::filesystem::remove_all(dir_); }
  std::string script(const std::string& text) {
    const std::string path = dir_ + "/notify.sh";
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(dir_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  SendResult send(const std::string& text, Keys keys = {}, SendContext to = context()) {
    keys.emplace_back("program", script(text));
    return channel(script_, "exec", keys)->send(notification(), to);
  }
  Script script_;
  std::string dir_;
};

TEST_F(ExecChannel, gets_the_notification_as_json_and_nothing_on_its_command_line) {
  const SendResult result =
      send("cat > " + dir_ + "/in; echo \"$@\" > " + dir_ + "/args; env > " + dir_ + "/env; echo told",
           {{"arguments", list({"--to", "a b; rm -rf /"})}});
  EXPECT_EQ(result.verdict, SendVerdict::delivered) << result.answer;
  EXPECT_EQ(result.answer, "exit 0: told");
  const json::value body = json::parse(read("in"));
  EXPECT_EQ(text_at(body, "/group_key"), "ops/pool=thumbs");
  EXPECT_EQ(text_at(body, "/kind"), "firing");
  EXPECT_EQ(read("args"), "--to a b; rm -rf /\n");
  EXPECT_THAT(read("env"), HasSubstr("PARAMEDIC_INCIDENT_URL=https://paramedic.example/#/incidents/inc-1\n"));
}

TEST_F(ExecChannel, the_environment_of_the_monitor_stays_here) {
  secret("EXEC_SECRET", "not for programs");
  secret("EXEC_PASSED", "for this one");
  send("env > " + dir_ + "/env", {{"environment", list({"PARAMEDIC_TEST_EXEC_PASSED"})}});
  EXPECT_THAT(read("env"), Not(HasSubstr("not for programs")));
  EXPECT_THAT(read("env"), HasSubstr("PARAMEDIC_TEST_EXEC_PASSED=for this one"));
}

TEST_F(ExecChannel, no_descriptor_of_the_monitor_is_inherited) {
  const std::ofstream open(dir_ + "/open");
  send("ls /proc/self/fd | wc -l > " + dir_ + "/count");
  EXPECT_EQ(read("count"), "4\n") << "0, 1, 2 and the one of ls";
}

TEST_F(ExecChannel, exit_codes_are_judged) {
  const std::vector<std::pair<int, SendVerdict>> cases = {{0, SendVerdict::delivered},  {1, SendVerdict::retry},
                                                          {75, SendVerdict::retry},     {64, SendVerdict::permanent},
                                                          {78, SendVerdict::permanent}, {127, SendVerdict::permanent}};
  for (const auto& [code, verdict] : cases) {
    const SendResult result = send("echo words >&2; exit " + std::to_string(code));
    EXPECT_EQ(result.verdict, verdict);
    EXPECT_EQ(result.answer, "exit " + std::to_string(code) + ": words");
  }
  EXPECT_EQ(send("kill -9 $$").answer, "ended by signal 9");
}

TEST_F(ExecChannel, the_timeout_kills_the_whole_group) {
  SendContext soon = context();
  soon.timeout = 300ms;
  const SendResult result = send("sleep 1000 & echo $! > " + dir_ + "/pid; sleep 1000", {}, soon);
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_THAT(result.answer, HasSubstr("did not end within 0.3 s"));
  const std::string pid = read("pid");
  ASSERT_FALSE(pid.empty());
  const auto gone = [&] {
    std::ifstream stat("/proc/" + pid.substr(0, pid.find('\n')) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    return text.empty() || text.find(") Z") != text.npos;
  };
  for (int i = 0; i < 2000 && !gone(); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(gone());
}

TEST_F(ExecChannel, what_it_leaves_behind_ends_with_it_and_does_not_hold_the_channel) {
  EXPECT_EQ(send("sleep 1000 & exit 0").verdict, SendVerdict::delivered);
}

TEST_F(ExecChannel, is_cancelled_from_another_thread_for_good) {
  const auto exec = channel(script_, "exec", {{"program", script("sleep 1000")}});
  SendContext patient = context();
  patient.timeout = 1h;
  std::thread other([&] { exec->cancel(); });
  const SendResult result = exec->send(notification(), patient);
  other.join();
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_THAT(result.answer, HasSubstr("cancelled"));
  EXPECT_THAT(exec->send(notification(), patient).answer, HasSubstr("cancelled"));
}

TEST_F(ExecChannel, output_is_bounded_and_input_may_be_left_unread) {
  const SendResult result = send("head -c 10000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(result.verdict, SendVerdict::delivered);
  EXPECT_LE(result.answer.size(), 500u);
}

TEST_F(ExecChannel, programs_that_anybody_could_change_are_not_run) {
  const std::string path = script("true");
  const auto exec = channel(script_, "exec", {{"program", path}});
  ::chmod(path.c_str(), 0757);
  const SendResult writable = exec->send(notification(), context());
  EXPECT_EQ(writable.verdict, SendVerdict::permanent);
  EXPECT_THAT(writable.answer, HasSubstr("chmod o-w"));
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(process::check_program(dir_)->message, dir_ + ": is no plain file");
  std::filesystem::remove(path);
  EXPECT_EQ(exec->send(notification(), context()).verdict, SendVerdict::permanent);
}

TEST_F(ExecChannel, keys_that_do_not_fit_are_named) {
  EXPECT_THAT(refused("exec", {{"program", "notify.sh"}}), HasSubstr("absolute path"));
  EXPECT_THAT(refused("exec", {{"program", "/bin/true"}, {"environment", list({"A=b"})}}), HasSubstr("'A=b'"));
}

}  // namespace
}  // namespace paramedic::notify
