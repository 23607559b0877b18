#include "app/demo/worker.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>

#include "app/demo/process_main.h"
#include "app/demo/test_support.h"
#include "app/demo/work.h"

namespace paramedic::demo {
namespace {

struct WorkerTest : testing::Test {
  void SetUp() override {
    std::filesystem::create_directories(layout.worker("thumbs-1"));
    std::filesystem::create_directories(layout.root / "models");
    ASSERT_TRUE(write_model(layout.model("thumbs"), 100'000, 1));
    auto broker_options = quiet_broker(folder.path());
    broker_options.produced = {{"thumbs", {"resize"}}};
    broker_options.tasks_per_second = 1000;
    broker_options.task_bytes = 2000;
    broker = std::make_unique<BrokerThread>(broker_options);
  }
  void TearDown() override {
    stop = true;
    if (thread.joinable()) thread.join();
  }
  void start() {
    options.id = "thumbs-1";
    options.pool = "thumbs";
    options.root = folder.path();
    options.pace = 20ms;
    options.slow_task = 300ms;
    options.beat = 100ms;
    options.model_pace = 10ms;
    thread = std::thread([this] {
      exit_code = run_worker(options, VoiceOut(agent.path(), ""),
                             [this] { return WorkerOrders{.stop = stop, .drained = drained}; });
    });
  }
  void make(Fault fault) { ASSERT_TRUE(break_worker(folder.path(), "thumbs-1", fault)); }
  std::uint64_t taken() {
    BrokerClient client(layout.broker_socket());
    (void)client.connect();
    const auto depth = client.depth("thumbs");
    return depth ? depth->taken : 0;
  }
  // No task is taken for a while after `fault` has arrived.
  bool takes_nothing() {
    std::uint64_t before = 0;
    return eventually([&] {
      const auto now = taken();
      if (now == before) return true;
      before = now;
      std::this_thread::sleep_for(500ms);
      return false;
    });
  }

  TempFolder folder;
  DemoLayout layout{folder.path()};
  FakeAgent agent{(folder.path() / "voice").string()};
  std::unique_ptr<BrokerThread> broker;
  WorkerOptions options;
  std::atomic<bool> stop{false}, drained{false};
  std::atomic<int> exit_code{-1};
  std::thread thread;
};

TEST_F(WorkerTest, loads_its_model_works_and_tells_all_of_it) {
  make(Fault::crash);  // from its previous life: cleared by the start
  start();
  EXPECT_FALSE(agent.until({"\"event\":\"model\"", "\"state\":\"loading\""}).empty());
  EXPECT_FALSE(agent.until({"\"state\":\"ready\"", "thumbs-model"}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"ready\""}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"task_started\"", "\"type\":\"resize\""}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"task_finished\""}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"beat\""}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"queue\"", "\"connected\":true", "\"ready\":"}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"metrics\"", "demo_tasks_done"}).empty());
  EXPECT_TRUE(std::filesystem::exists(layout.worker("thumbs-1") / "result-1"));
  stop = true;
  EXPECT_FALSE(agent.until({"\"event\":\"stopping\""}).empty());
  thread.join();
  EXPECT_EQ(exit_code, 0);
}

TEST_F(WorkerTest, errors_fail_its_tasks_until_it_is_healed) {
  start();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  make(Fault::errors);
  EXPECT_FALSE(agent.until({"task_failed"}).empty());
  ASSERT_TRUE(heal_worker(folder.path(), "thumbs-1"));
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
}

TEST_F(WorkerTest, starve_and_drain_take_no_task_and_beat_on) {
  start();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  make(Fault::starve);
  EXPECT_TRUE(takes_nothing());
  EXPECT_FALSE(agent.until({"\"event\":\"beat\""}).empty());
  ASSERT_TRUE(heal_worker(folder.path(), "thumbs-1"));
  const auto before = taken();
  EXPECT_TRUE(eventually([&] { return taken() > before; }));
  drained = true;
  EXPECT_TRUE(takes_nothing());
  drained = false;
  EXPECT_TRUE(eventually([&, now = taken()] { return taken() > now; }));
}

TEST_F(WorkerTest, slow_stretches_its_tasks) {
  start();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  make(Fault::slow);
  std::string finished;
  const bool slow = eventually([&] {
    finished = agent.until({"task_finished"});
    const auto at = finished.find("seconds\":");
    return at != finished.npos && std::stod(finished.substr(at + 9)) >= 0.3;
  });
  EXPECT_TRUE(slow) << finished;
}

TEST_F(WorkerTest, model_fails_to_load_until_it_is_healed) {
  start();
  EXPECT_FALSE(agent.until({"\"state\":\"ready\""}).empty());
  make(Fault::model);
  EXPECT_FALSE(agent.until({"\"state\":\"failed\"", "digest"}).empty());
  EXPECT_TRUE(takes_nothing());
  ASSERT_TRUE(heal_worker(folder.path(), "thumbs-1"));
  EXPECT_FALSE(agent.until({"\"state\":\"ready\""}).empty());
}

TEST_F(WorkerTest, says_that_the_broker_is_away_and_comes_back_to_it) {
  start();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  broker.reset();
  EXPECT_FALSE(agent.until({"\"event\":\"queue\"", "\"connected\":false"}).empty());
  EXPECT_FALSE(agent.until({"\"event\":\"beat\""}).empty());
  auto again = quiet_broker(folder.path());
  broker = std::make_unique<BrokerThread>(again);
  EXPECT_FALSE(agent.until({"\"event\":\"queue\"", "\"connected\":true"}).empty());
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
}

// The faults that end a process are tried in one of their own.
struct WorkerProcessTest : WorkerTest {
  void run() {
    child = ::fork();
    if (child != 0) return;
    ::setenv("PARAMEDIC_SOCKET", agent.path().c_str(), 1);
    ::_exit(demo_worker_main({"--root", folder.path().string(), "--id", "thumbs-1", "--pool", "thumbs", "--cpu", "1"}));
  }
  void TearDown() override {
    if (child > 0 && ::kill(child, SIGKILL) == 0) ::waitpid(child, nullptr, 0);
    WorkerTest::TearDown();
  }
  int end() {
    int status = 0;
    ::waitpid(child, &status, 0);
    child = 0;
    return status;
  }
  pid_t child = 0;
};

TEST_F(WorkerProcessTest, crash_aborts) {
  run();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  make(Fault::crash);
  const int status = end();
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

TEST_F(WorkerProcessTest, hang_falls_silent_and_ignores_term) {
  run();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  make(Fault::hang);
  EXPECT_TRUE(eventually([&] { return agent.next(1500ms).empty(); }));
  ::kill(child, SIGTERM);
  EXPECT_TRUE(agent.next(1s).empty());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, WNOHANG), 0) << "only KILL ends it";
}

TEST_F(WorkerProcessTest, term_ends_it_well_and_the_usr_signals_drain_it) {
  run();
  EXPECT_FALSE(agent.until({"task_finished"}).empty());
  ::kill(child, SIGUSR1);
  EXPECT_TRUE(takes_nothing());
  ::kill(child, SIGUSR2);
  EXPECT_TRUE(eventually([&, before = taken()] { return taken() > before; }));
  ::kill(child, SIGTERM);
  EXPECT_FALSE(agent.until({"stopping"}).empty());
  const int status = end();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(WorkerMain, explains_wrong_options) {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  EXPECT_EQ(demo_worker_main({}), exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_worker_main({"--root", "/x", "--id"}), exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_worker_main({"--root", "/x", "--loud", "yes"}), exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_worker_main({"--root", "/x", "--id", "a/b", "--pool", "p"}), exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_worker_main({"--root", "/x", "--id", "a", "--pool", "p", "--cpu", "many"}),
            exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_broker_main({"--root", "/x", "--rate", "fast"}), exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_broker_main({"--root", "/x", "--parent", "-3"}), exit_code(Errc::invalid_argument));
  EXPECT_EQ(demo_broker_main({"--nothing", "1"}), exit_code(Errc::invalid_argument));
  EXPECT_NE(demo_broker_main({"--root", "/proc/nowhere"}), 0);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace paramedic::demo
