#include "app/agent/worker_process.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

namespace paramedic::agent {
namespace {

class WorkerProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/worker_process_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override {
    for (const int pid : children_) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }
  Spawned sleeper() {
    SpawnOptions options;
    options.command = {"/bin/sleep", "1000"};
    options.env = {{"PARAMEDIC_WORKER_ID", "w"}, {"PARAMEDIC_SOCKET", folder_ + "/s"}};
    auto child = spawn_process(options);
    EXPECT_TRUE(child);
    children_.push_back(child->pid);
    return std::move(*child);
  }
  ProcessSetup setup() const { return {spec_, roots_, host_}; }
  ProcessIdentity identity_of(int pid) const {
    const auto stat = read_stat("/proc", pid);
    return {pid, stat ? stat->start_ticks : 0, "1f0c-9a2b-77"};
  }
  void run_until_dead(WorkerProcess& process) {
    process.watch([](ExitInfo) {});
    for (int i = 0; i < 5000 && process.alive(); ++i) {
      io_.restart();
      io_.run_for(2ms);
    }
    ASSERT_FALSE(process.alive());
  }
  std::string folder_;
  std::vector<int> children_;
  boost::asio::io_context io_{1};
  config::WorkerSpec spec_;
  KernelRoots roots_;
  HostFacts host_ = read_host_facts(roots_);
  SystemClock clock_;
};

TEST_F(WorkerProcessTest, the_incarnation_names_boot_process_and_start) {
  EXPECT_EQ(make_incarnation({4711, 99, "1f0c9a2b-1234-5678"}), "1f0c9a2b.4711.99");
  EXPECT_EQ(make_incarnation({4711, 99, "1f0c-9a2b-77"}), "1f0c9a2b.4711.99");
  EXPECT_EQ(make_incarnation({1, 2, ""}), "0.1.2");
}

TEST_F(WorkerProcessTest, measures_a_living_process_and_tells_its_end) {
  auto child = sleeper();
  WorkerProcess process(io_, setup(), identity_of(child.pid), std::move(child.pidfd), false, clock_.now());
  Report report;
  process.measure(clock_.now().steady, report);
  EXPECT_EQ(report.process->pid, child.pid);
  EXPECT_TRUE(report.resources);
  EXPECT_NE(process.diagnose().find("threads"), std::string::npos) << process.diagnose();
  EXPECT_TRUE(process.group_alive(true));
  EXPECT_TRUE(process.signal_group(SIGTERM));
  run_until_dead(process);
  EXPECT_EQ(process.exit()->signal, SIGTERM);
  EXPECT_FALSE(process.signal(SIGTERM));
  EXPECT_FALSE(process.group_alive(false));
  EXPECT_EQ(process.diagnose(), "the process is gone");
  Report last;
  process.measure(clock_.now().steady, last);
  EXPECT_EQ(last.process->exit->signal, SIGTERM);
  EXPECT_FALSE(last.resources);
}

// The number of a dead worker's group may lead another group by the time somebody wants to end what is left of it.
TEST_F(WorkerProcessTest, a_strangers_group_with_the_old_number_is_never_signalled) {
  auto dead = sleeper();
  const auto stranger = sleeper();
  auto identity = identity_of(stranger.pid);
  identity.start_ticks -= 1;  // ours was an earlier process with the same number
  WorkerProcess process(io_, setup(), identity, std::move(dead.pidfd), false, clock_.now());
  ::kill(dead.pid, SIGKILL);
  run_until_dead(process);
  EXPECT_FALSE(process.group_alive(false));
  EXPECT_FALSE(process.signal_group(SIGKILL));
  EXPECT_FALSE(reap(stranger.pidfd.get())) << "the stranger was killed";
}

TEST_F(WorkerProcessTest, a_kill_with_a_risen_oom_count_is_out_of_memory) {
  roots_.proc = folder_;
  const auto vmstat = [&](int kills) { std::ofstream(folder_ + "/vmstat") << "pgfault 7\noom_kill " << kills << "\n"; };
  for (const bool risen : {false, true}) {
    vmstat(4);
    auto child = sleeper();
    WorkerProcess process(io_, setup(), identity_of(child.pid), std::move(child.pidfd), false, clock_.now());
    process.note_oom_count(host_oom_kills(roots_));
    if (risen) vmstat(5);
    ::kill(child.pid, SIGKILL);
    run_until_dead(process);
    EXPECT_EQ(process.exit()->oom, risen);
  }
  vmstat(4);
  auto child = sleeper();
  WorkerProcess process(io_, setup(), identity_of(child.pid), std::move(child.pidfd), false, clock_.now());
  process.note_oom_count(host_oom_kills(roots_));
  vmstat(9);
  ::kill(child.pid, SIGTERM);
  run_until_dead(process);
  EXPECT_FALSE(process.exit()->oom) << "TERM is not how the kernel takes memory back";
}

TEST_F(WorkerProcessTest, a_worker_is_found_by_its_environment) {
  const auto child = sleeper();
  const auto found = find_worker_process(roots_, "w", folder_ + "/s", "boot");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, child.pid);
  EXPECT_EQ(found->start_ticks, identity_of(child.pid).start_ticks);
  EXPECT_FALSE(find_worker_process(roots_, "w", folder_ + "/other", "boot"));
  EXPECT_FALSE(find_worker_process(roots_, "x", folder_ + "/s", "boot"));
  end_orphans(roots_, child.pid + 1, "w", folder_ + "/s");
  EXPECT_FALSE(reap(child.pidfd.get()));
}

}  // namespace
}  // namespace paramedic::agent
