// WorkerProcess: one life (incarnation) of a worker: its process, what it measures of it and what it hears from it.
// Owns the pidfd; destroying it ends nothing, the process runs on. The agent's thread only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "app/agent/cgroup.h"
#include "app/agent/collectors/collector.h"
#include "app/agent/process_tree.h"
#include "app/agent/spawn.h"
#include "app/agent/voice_state.h"
#include "base/clock.h"

namespace paramedic::agent {

// (boot, pid, start time): no other process on this machine ever has the same.
struct ProcessIdentity {
  int pid = 0;
  std::uint64_t start_ticks = 0;
  std::string boot_id;
};
// The incarnation id: first 8 digits of the boot id, pid and start time: "1f0c9a2b.4711.123456".
std::string make_incarnation(const ProcessIdentity& identity);

struct ProcessSetup {
  const config::WorkerSpec& spec;
  const KernelRoots& roots;
  const HostFacts& host;
};

class WorkerProcess {
 public:
  using ExitHandler = std::function<void(ExitInfo)>;

  // REQUIRES: what `setup` refers to outlives this. `adopted`: not our child, its exit will have no code.
  WorkerProcess(boost::asio::io_context& io, const ProcessSetup& setup, ProcessIdentity identity, UniqueFd pidfd,
                bool adopted, const Now& now);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Calls `handler` once, in the moment the process ends.
  void watch(ExitHandler handler);

  bool alive() const { return !exit_.has_value(); }
  const std::optional<ExitInfo>& exit() const { return exit_; }
  const ProcessIdentity& identity() const { return identity_; }
  const std::string& incarnation() const { return incarnation_; }
  bool adopted() const { return adopted_; }
  SteadyTime seen_since() const { return seen_since_; }
  WallTime started_at() const { return started_at_; }

  // To the process itself; false when it is gone.
  bool signal(int number) const;
  // To its whole process group, also after its own death. False when nobody of the group is left.
  bool signal_group(int number) const;
  // Something of the group lives besides zombies. `thorough` looks through /proc when the cheap test says yes.
  bool group_alive(bool thorough) const;

  // What the process is doing, in one line of at most 1 KiB, for a person.
  std::string diagnose() const;

  // Fills process, resources and disks.
  void measure(SteadyTime now, Report& out);
  // Identity and exit alone: cheap, for urgent reports.
  void describe(Report& out) const;
  // Refreshes the counts against which oom_evidence() compares.
  void note_oom_count(std::optional<std::uint64_t> host_kills);

  VoiceState& voice() { return voice_; }
  const VoiceState& voice() const { return voice_; }

 private:
  void on_readable();
  bool oom_evidence() const;
  bool leader_is_a_stranger() const;

  const ProcessSetup setup_;
  ProcessIdentity identity_;
  std::string incarnation_;
  bool adopted_;
  SteadyTime seen_since_;
  WallTime started_at_;
  boost::asio::posix::stream_descriptor pidfd_;
  std::shared_ptr<WorkerProcess*> self_;  // handlers hold it weakly: they may outlive us
  ExitHandler on_exit_;
  mutable bool group_gone_ = false;
  std::optional<ExitInfo> exit_;
  Cgroup cgroup_;
  ProcessTree tree_;
  std::vector<std::unique_ptr<Collector>> collectors_;
  std::optional<std::uint64_t> cgroup_kills_, host_kills_;
  VoiceState voice_;
};

// oom_kill of /proc/vmstat; nullopt where the kernel does not tell.
std::optional<std::uint64_t> host_oom_kills(const KernelRoots& roots);

// A living process that was started as this worker (PARAMEDIC_WORKER_ID and PARAMEDIC_SOCKET in its environment, leader
// of its group). For an agent that was killed between starting a worker and writing down its pid.
std::optional<ProcessIdentity> find_worker_process(const KernelRoots& roots, const std::string& worker_id,
                                                   const std::string& socket, const std::string& boot_id);

// Ends (KILL) what is left of the group of a worker that died while no agent was there. Only processes that carry the
// worker's settings in their environment: the number of the group may belong to somebody else by now.
void end_orphans(const KernelRoots& roots, int pgid, const std::string& worker_id, const std::string& socket);

}  // namespace paramedic::agent
