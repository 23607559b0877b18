#include <gmock/gmock.h>

#include "io/restart/systemd_fake.h"

namespace paramedic::restart {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

#ifdef PARAMEDIC_SYSTEMD

class SystemdExecutor : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(bus_.runs()) << "dbus-daemon is needed for these tests"; }

  std::unique_ptr<Attempt> attempt(Keys more = {}, Job what = job(), const std::vector<std::string>& allow = {"w-*"}) {
    if (!systemd_ && with_systemd_) systemd_ = std::make_unique<FakeSystemd>(bus_.address());
    Keys keys = {{"bus", Params::of(bus_.address())}};
    keys.insert(keys.end(), more.begin(), more.end());
    Problems problems;
    const ExecutorSetup setup = read_setup("systemd", keys, allow, problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return setup.executor->prepare(what);
  }
  Outcome run(Keys more = {}, Job what = job(), const std::vector<std::string>& allow = {"w-*"}) {
    return attempt(std::move(more), std::move(what), allow)->run();
  }
  FakeSystemd& systemd() {
    if (!systemd_) systemd_ = std::make_unique<FakeSystemd>(bus_.address());
    return *systemd_;
  }

  const PrivateBus bus_;
  bool with_systemd_ = true;
  std::unique_ptr<FakeSystemd> systemd_;
};

TEST_F(SystemdExecutor, restarts_the_unit_and_waits_for_the_end_of_its_job) {
  const Outcome outcome = run();
  EXPECT_TRUE(outcome.ok) << outcome.words;
  EXPECT_EQ(outcome.words, "unit w-1.service restarted");
  EXPECT_THAT(systemd().changes(), ElementsAre("restart w-1.service"));
}

TEST_F(SystemdExecutor, the_end_of_the_job_may_come_before_its_name) {
  systemd().removed_first = true;
  EXPECT_TRUE(run().ok);
}

TEST_F(SystemdExecutor, a_process_that_ended_is_started) {
  Job start = job();
  start.ladder.kind = RemedyKind::start;
  EXPECT_EQ(run({}, start).words, "unit w-1.service started");
  EXPECT_THAT(systemd().changes(), ElementsAre("start w-1.service"));
}

TEST_F(SystemdExecutor, a_job_that_failed_is_told_with_the_result_of_the_unit) {
  systemd().result = "failed";
  const Outcome outcome = run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.words,
            "unit w-1.service: the job failed, its result is exit-code; `journalctl -u w-1.service` tells more");
}

TEST_F(SystemdExecutor, each_other_end_has_its_words) {
  for (const auto& [result, words] : std::map<std::string, std::string>{{"timeout", "ran into its timeout"},
                                                                        {"canceled", "was cancelled by another job"},
                                                                        {"dependency", "a unit that it needs failed"},
                                                                        {"skipped", "was skipped"},
                                                                        {"odd\n", "ended as 'odd'"}}) {
    systemd().result = result;
    const Outcome outcome = run();
    EXPECT_FALSE(outcome.ok);
    EXPECT_THAT(outcome.words, HasSubstr(words));
  }
}

TEST_F(SystemdExecutor, what_polkit_refuses_is_named_with_the_action) {
  systemd().denied = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
  EXPECT_THAT(run().words, HasSubstr("polkit action org.freedesktop.systemd1.manage-units"));
  systemd().denied = "org.freedesktop.DBus.Error.AccessDenied";
  EXPECT_THAT(run().words, HasSubstr("polkit action org.freedesktop.systemd1.manage-units"));
}

TEST_F(SystemdExecutor, a_unit_that_is_not_there) {
  const Outcome outcome = run({}, job("act-1", "w-2"));
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.words, HasSubstr("Unit w-2.service not found. (org.freedesktop.systemd1.NoSuchUnit)"));
}

TEST_F(SystemdExecutor, a_bus_without_systemd_and_no_bus_at_all) {
  with_systemd_ = false;
  EXPECT_THAT(run().words, HasSubstr("systemd is not on this bus"));
  Problems problems;
  const ExecutorSetup none =
      read_setup("systemd", {{"bus", Params::of("unix:path=/nonexistent/bus")}}, {"*"}, problems);
  EXPECT_THAT(none.executor->prepare(job())->run().words,
              HasSubstr("cannot reach the bus 'unix:path=/nonexistent/bus'"));
}

TEST_F(SystemdExecutor, a_job_that_does_not_end_in_time_is_told_as_such) {
  systemd().result = "";
  EXPECT_THAT(run({{"timeout", Params::of("200ms")}}).words,
              HasSubstr("no success within 0.2 s; its job is still queued or runs"));
}

TEST_F(SystemdExecutor, is_cancelled_while_the_job_runs) {
  systemd().result = "";
  const auto waits = attempt({{"timeout", Params::of("10m")}});
  std::thread other([&] {
    while (systemd().changes().empty()) std::this_thread::sleep_for(5ms);
    waits->cancel();
  });
  EXPECT_THAT(waits->run().words, HasSubstr("cancelled; the job goes on in systemd"));
  other.join();
}

TEST_F(SystemdExecutor, only_allowed_units_and_real_names) {
  EXPECT_THAT(run({}, job("act-1", "sshd")).words, HasSubstr("unit sshd.service is not allowed"));
  for (const char* id : {"../w-1", "w-1/x", "w 1", "w\n1", "..", "-w", ""})
    EXPECT_THAT(run({}, job("act-1", id), {"*"}).words, HasSubstr("is no name of a unit")) << id;
  EXPECT_TRUE(systemd().changes().empty());
  systemd().units.insert("job@w-1.service");
  EXPECT_TRUE(run({{"unit", Params::of("job@{worker_id}.service")}}, job(), {"job@*"}).ok);
}

TEST(SystemdConfig, what_does_not_fit_is_named) {
  const auto with = [](Keys keys, const std::vector<std::string>& allow = {"job-*"}) {
    return problems_of("systemd", std::move(keys), allow);
  };
  EXPECT_EQ(with({}), "");
  EXPECT_EQ(with({{"bus", Params::of("user")}}), "");
  EXPECT_THAT(with({}, {}), HasSubstr("executors.systemd.allow"));
  EXPECT_THAT(with({{"bus", Params::of("session")}}), HasSubstr("must be system, user or an address"));
  EXPECT_THAT(with({{"unit", Params::of("{worker_id}")}}), HasSubstr("must end with the type of a unit"));
  EXPECT_THAT(with({{"unit", Params::of("{id}.service")}}), HasSubstr("'{id}' is no placeholder"));
  EXPECT_THAT(with({{"mode", Params::of("fail")}}), HasSubstr("mode: unknown key"));
}

#else

TEST(SystemdConfig, a_build_without_it_says_so) {
  EXPECT_THAT(problems_of("systemd", {}, {"*"}), HasSubstr("this build knows no systemd: install libsystemd-dev"));
}

#endif

}  // namespace
}  // namespace paramedic::restart
