#include <gmock/gmock.h>

#include "io/restart/docker_fake.h"

namespace paramedic::restart {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ExecutorSetup setup(Keys keys, const std::vector<std::string>& allow = {"*"}) {
  Problems problems;
  ExecutorSetup out = read_setup("docker", std::move(keys), allow, problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
  return out;
}

class DockerExecutor : public ::testing::Test {
 protected:
  Outcome run(Keys more = {}, Job what = job(), const std::vector<std::string>& allow = {"w-*"}) {
    Keys keys = docker_.keys();
    keys.insert(keys.end(), more.begin(), more.end());
    return setup(std::move(keys), allow).executor->prepare(what)->run();
  }
  static Job start_job() {
    Job out = job();
    out.ladder.kind = RemedyKind::start;
    return out;
  }
  FakeDocker docker_;
};

TEST_F(DockerExecutor, restarts_the_container_with_the_grace_of_the_pool) {
  const Outcome outcome = run();
  EXPECT_TRUE(outcome.ok) << outcome.words;
  EXPECT_EQ(outcome.words, "container w-1 restarted");
  EXPECT_THAT(docker_.changes(), ElementsAre("restart w-1 t=30"));
}

TEST_F(DockerExecutor, a_start_starts_and_one_that_runs_is_fine) {
  const Outcome runs = run({}, start_job());
  EXPECT_TRUE(runs.ok);
  EXPECT_EQ(runs.words, "container w-1 runs already");
  docker_.containers["w-1"].status = "exited";
  EXPECT_EQ(run({}, start_job()).words, "container w-1 started");
  EXPECT_THAT(docker_.changes(), ElementsAre("start w-1"));
}

TEST_F(DockerExecutor, speaks_the_newest_version_that_both_know) {
  docker_.version = R"({"ApiVersion":"1.40","MinAPIVersion":"1.12"})";
  docker_.speaks = "v1.40";
  EXPECT_TRUE(run().ok);
  docker_.version = R"({"ApiVersion":"1.53","MinAPIVersion":"1.44"})";
  docker_.speaks = "v1.44";
  EXPECT_TRUE(run().ok);
  for (const char* odd :
       {"", "{}", "[1]", R"({"ApiVersion":"2"})", R"({"ApiVersion":"1.x"})", R"({"ApiVersion":"1.4/.."})"}) {
    docker_.version = odd;
    EXPECT_THAT(run().words, HasSubstr("does not speak the Engine API")) << odd;
  }
}

TEST_F(DockerExecutor, what_is_not_there_is_named_with_the_remedy) {
  docker_.containers.clear();
  const Outcome outcome = run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.words, HasSubstr("there is no container w-1"));
  EXPECT_THAT(outcome.words, HasSubstr("docker ps -a"));
}

TEST_F(DockerExecutor, the_beginning_of_an_id_is_no_name) {
  EXPECT_THAT(run({}, job("act-1", "aaaa"), {"a*"}).words, HasSubstr("is the beginning of an id, of container w-1"));
  EXPECT_TRUE(docker_.changes().empty());
}

TEST_F(DockerExecutor, a_paused_container_is_told_not_restarted) {
  docker_.containers["w-1"].status = "paused";
  EXPECT_THAT(run().words, HasSubstr("container w-1 is paused, so somebody holds it on purpose"));
  docker_.containers["w-1"].status = "removing";
  EXPECT_THAT(run().words, HasSubstr("is being removed"));
  EXPECT_TRUE(docker_.changes().empty());
}

TEST_F(DockerExecutor, a_failure_is_told_in_the_engines_words) {
  docker_.failure = "cannot kill container: permission denied";
  const Outcome outcome = run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.words, "container w-1: HTTP 500 Internal Server Error: cannot kill container: permission denied");
}

TEST_F(DockerExecutor, only_allowed_names_are_asked_for) {
  EXPECT_THAT(run({}, job("act-1", "db-1")).words, HasSubstr("container db-1 is not allowed: add it to"));
  EXPECT_TRUE(run({}, job(), {"w-1"}).ok);
  EXPECT_FALSE(run({}, job("act-1", "w-11"), {"w-1"}).ok) << "a name without * is that name";
  docker_.containers["job_w-1_1"] = {std::string(64, 'b'), "running"};
  EXPECT_TRUE(run({{"container", Params::of("job_{worker_id}_1")}}, job(), {"job_*"}).ok);
}

TEST_F(DockerExecutor, a_name_from_a_report_stays_a_name) {
  for (const char* id : {"../w-1", "w-1/json", "w-1?t=0", "w%2d1", "w 1", "w\r\nX: y", "..", "-w", ""})
    EXPECT_THAT(run({}, job("act-1", id), {"*"}).words, HasSubstr("is no name of a container")) << id;
  EXPECT_EQ(docker_.requests(), 0u);
}

TEST(DockerSocket, without_an_engine_the_socket_is_named) {
  const Folder folder;
  const auto run = [&] {
    return setup({{"socket", Params::of(folder.path("none.sock"))}}).executor->prepare(job())->run();
  };
  EXPECT_FALSE(run().ok);
  EXPECT_THAT(run().words, HasSubstr(folder.path("none.sock")));
  EXPECT_THAT(run().words, HasSubstr("is the Engine running"));
}

TEST(DockerConfig, what_does_not_fit_is_named) {
  const auto with = [](Keys keys, const std::vector<std::string>& allow = {"job-*"}) {
    return problems_of("docker", std::move(keys), allow);
  };
  EXPECT_EQ(with({}), "");
  EXPECT_THAT(with({}, {}), HasSubstr("executors.docker.allow"));
  EXPECT_THAT(with({}, {"a*b"}), HasSubstr("'a*b' must be a name"));
  EXPECT_THAT(with({{"socket", Params::of("docker.sock")}}), HasSubstr("absolute path of a unix socket"));
  EXPECT_THAT(with({{"container", Params::of("{name}")}}), HasSubstr("'{name}' is no placeholder"));
  EXPECT_THAT(with({{"container", Params::of("")}}), HasSubstr("must name a container"));
  EXPECT_THAT(with({{"url", Params::of("tcp://x")}}), HasSubstr("url: unknown key"));
}

// Against podman's compatible API: PARAMEDIC_PODMAN_SOCKET names its socket, with a container paramedic-test.
TEST(DockerPodman, a_real_container_is_restarted) {
  const char* const socket = std::getenv("PARAMEDIC_PODMAN_SOCKET");
  if (!socket) GTEST_SKIP() << "PARAMEDIC_PODMAN_SOCKET is not set: no podman to test against";
  Job what = job("act-1", "paramedic-test");
  what.ladder.term_grace = 5s;
  const auto executor = setup({{"socket", Params::of(socket)}}).executor;
  const Outcome restarted = executor->prepare(what)->run();
  EXPECT_TRUE(restarted.ok) << restarted.words;
  what.ladder.kind = RemedyKind::start;
  EXPECT_EQ(executor->prepare(what)->run().words, "container paramedic-test runs already");
  what.ladder.worker_id = "paramedic-none";
  EXPECT_THAT(executor->prepare(what)->run().words, HasSubstr("there is no container paramedic-none"));
}

}  // namespace
}  // namespace paramedic::restart
