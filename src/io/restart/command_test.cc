#include <gmock/gmock.h>

#include "io/restart/restart_test_support.h"

namespace paramedic::restart {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CommandExecutor : public ::testing::Test {
 protected:
  Outcome run(const std::string& text, Keys keys = {}, Job what = job()) {
    const std::string program = folder_.script(text);
    keys.emplace_back("program", Params::of(program));
    Problems problems;
    const ExecutorSetup setup = read_setup("command", keys, {program}, problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return setup.executor ? setup.executor->prepare(what)->run() : Outcome{};
  }
  const Folder folder_;
};

TEST_F(CommandExecutor, knows_the_job_from_arguments_environment_and_standard_input) {
  const std::string out = folder_.path("out");
  const Outcome outcome =
      run("for a in \"$@\"; do echo \"[$a]\"; done > " + out + "; env >> " + out + "; cat >> " + out,
          {{"arguments", list({"restart", "{worker_id}", "--at={host}/{pool}", "$(id); {incarnation}"})}});
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.words, "exit 0");
  const std::string got = folder_.read("out");
  EXPECT_THAT(got, HasSubstr("[restart]\n[w-1]\n[--at=h1/jobs]\n[$(id); 1]\n")) << "no shell reads them";
  for (const char* line : {"PARAMEDIC_WORKER_ID=w-1\n", "PARAMEDIC_POOL=jobs\n", "PARAMEDIC_HOST=h1\n",
                           "PARAMEDIC_INCARNATION=1\n", "PARAMEDIC_ACTION_ID=act-1\n", "PARAMEDIC_KIND=restart\n"})
    EXPECT_THAT(got, HasSubstr(line));
  EXPECT_THAT(got, HasSubstr(R"({"action_id":"act-1","worker_id":"w-1","pool":"jobs","host":"h1","incarnation":"1",)"
                             R"("kind":"restart","reason":"silent for 72 s","drain_seconds":0)"));
}

TEST_F(CommandExecutor, the_environment_of_the_monitor_stays_here) {
  ::setenv("PARAMEDIC_TEST_SECRET", "not for programs", 1);
  ::setenv("PARAMEDIC_TEST_PASSED", "for this one", 1);
  const Outcome outcome = run("env", {{"environment", list({"PARAMEDIC_TEST_PASSED"})}});
  EXPECT_THAT(outcome.words, HasSubstr("PARAMEDIC_TEST_PASSED=for this one"));
  EXPECT_THAT(outcome.words, Not(HasSubstr("not for programs")));
}

TEST_F(CommandExecutor, its_output_is_kept_to_4_kib_without_control_characters) {
  const Outcome outcome = run("printf 'no such unit\\033[31m\\n' >&2; exit 4");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.words, "exit 4: no such unit [31m");
  const Outcome loud = run("head -c 10000000 /dev/zero | tr '\\0' x");
  EXPECT_TRUE(loud.ok);
  EXPECT_LE(loud.words.size(), 4096u + 20);
  EXPECT_EQ(run("kill -9 $$").words, "ended by signal 9");
}

TEST_F(CommandExecutor, what_a_report_says_becomes_no_option_and_no_second_variable) {
  Job sly = job("act-1", "--all");
  const Outcome option = run("touch " + folder_.path("ran"), {{"arguments", list({"{worker_id}"})}}, sly);
  EXPECT_FALSE(option.ok);
  EXPECT_THAT(option.words, HasSubstr("would become the option '--all'"));
  Job line = job();
  line.host = "h1\nPATH=/tmp";
  EXPECT_THAT(run("touch " + folder_.path("ran"), {}, line).words, HasSubstr("{host} holds a control character"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("ran")));
  EXPECT_TRUE(run("true", {{"arguments", list({"-w{worker_id}"})}}, sly).ok) << "its own dash is no surprise";
}

TEST_F(CommandExecutor, a_worker_started_in_the_background_lives_on) {
  const Outcome outcome = run("sleep 60 >/dev/null 2>&1 & echo $!");
  ASSERT_TRUE(outcome.ok);
  const int pid = std::stoi(outcome.words.substr(outcome.words.find(':') + 1));
  EXPECT_EQ(::kill(pid, 0), 0);
  ::kill(pid, SIGKILL);
}

TEST_F(CommandExecutor, a_program_that_anybody_could_change_is_not_run) {
  const std::string program = folder_.script("true");
  Problems problems;
  const ExecutorSetup setup = read_setup("command", {{"program", Params::of(program)}}, {program}, problems);
  ::chmod(program.c_str(), 0757);
  EXPECT_THAT(setup.executor->prepare(job())->run().words, HasSubstr("chmod o-w"));
  std::filesystem::remove(program);
  EXPECT_THAT(setup.executor->prepare(job())->run().words, HasSubstr("not run: cannot find"));
}

TEST(CommandConfig, what_does_not_fit_is_named) {
  EXPECT_THAT(problems_of("command", {{"program", Params::of("restart.sh")}}), HasSubstr("absolute path"));
  EXPECT_THAT(problems_of("command", {{"program", Params::of("/a/../b")}}), HasSubstr("absolute path"));
  EXPECT_THAT(problems_of("command", {{"program", Params::of("/bin/true")}}, {"/bin/false"}),
              HasSubstr("pools.jobs.executor.program: /bin/true is not allowed: add it to executors.command.allow"));
  const Keys good = {{"program", Params::of("/bin/true")}};
  EXPECT_EQ(problems_of("command", good, {"/bin/true"}), "");
  const auto with = [&](const std::string& key, Params value) {
    Keys keys = good;
    keys.emplace_back(key, std::move(value));
    return problems_of("command", keys, {"/bin/true"});
  };
  EXPECT_THAT(with("arguments", list({"{worker}"})), HasSubstr("'{worker}' is no placeholder; known are: {worker_id}"));
  EXPECT_EQ(with("arguments", list({"a{", "}b", "{worker_id}{pool}"})), "");
  EXPECT_THAT(with("arguments", list(std::vector<std::string>(33, "a"))), HasSubstr("at most 32"));
  EXPECT_THAT(with("environment", list({"A=b"})), HasSubstr("'A=b'"));
  EXPECT_THAT(with("timeout", Params::of("1h")), HasSubstr("timeout"));
  EXPECT_THAT(with("shell", Params::of("sh")), HasSubstr("pools.jobs.executor.shell: unknown key"));
}

TEST(ExecutorConfig, kinds_pools_and_allow_lists) {
  EXPECT_THAT(problems_of("magic", {}),
              HasSubstr("'magic' must be one of: command, docker, kubernetes, systemd, webhook"));
  Problems problems;
  const Params shared = map({{"comand", map({})}});
  auto setups = read_executors(shared, {{"a", map({})}, {"b", map({{"executor", Params{}}})}}, problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0].to_string(), HasSubstr("executors.comand: unknown key"));
  EXPECT_FALSE(setups["a"].executor || setups["b"].executor);
}

}  // namespace
}  // namespace paramedic::restart
