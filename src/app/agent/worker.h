// Worker: one supervised worker over all its incarnations: starts it (under its lease, journalled first), sees it die,
// performs ladders and commands on it, hears its voice, writes its reports. Everything happens on the agent's one
// thread; each event ends in poll(), which looks at all facts, does what is due and arms one timer.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "app/agent/diagnosis.h"
#include "app/agent/journal.h"
#include "app/agent/ladder_run.h"
#include "app/agent/smoke.h"
#include "app/agent/voice_socket.h"
#include "app/agent/worker_process.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/recovery/lease.h"
#include "io/config/agent_config.h"
#include "io/wire/agent_protocol.h"

namespace paramedic::agent {

class Worker;

// What a worker needs from its agent. Called on the agent's thread only.
class WorkerHost {
 public:
  virtual ~WorkerHost() = default;
  virtual boost::asio::io_context& io() = 0;
  virtual const Clock& clock() const = 0;
  virtual Logger& log() = 0;
  virtual Journal& journal() = 0;
  virtual const KernelRoots& roots() const = 0;
  virtual const HostFacts& host_facts() const = 0;
  virtual const std::string& host_name() const = 0;
  virtual const std::string& boot_id() const = 0;
  virtual Duration report_period() const = 0;

  // A monitor takes what is sent now.
  virtual bool online() const = 0;
  // Sends its state in a frame of its own: at once (deaths, starts), or as soon as the worker's rate allows.
  virtual void report_now(Worker& worker) = 0;
  virtual void report_soon(Worker& worker) = 0;
  virtual void tell_progress(const wire::AgentProgress& progress) = 0;
  virtual void tell_start(const JournalStart& start) = 0;
  // True when so many workers of this host died just now that starts must be spread.
  virtual bool note_death() = 0;
  // stop() has done its work, or the worker ended on purpose. May come again.
  virtual void worker_ended(Worker& worker) = 0;
};

class Worker {
 public:
  // REQUIRES: `host` outlives this. `socket_path` as VoiceSocket wants it.
  Worker(config::WorkerSpec spec, std::string socket_path, WorkerHost& host);
  ~Worker();  // leaves the process running
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Once: opens the socket, adopts what the journal says still runs, resumes a ladder, else starts. Errors: the socket.
  Result<void> begin();

  void on_lease(const Lease& lease);
  void on_ladder(const Ladder& ladder);
  void on_command(const wire::MonitorWorkerCommand& command);
  // Ends the process for good: TERM, grace, KILL. `hurry`: KILL now. May be called again to hurry.
  void stop(bool hurry);

  const std::string& id() const { return spec_.id; }
  const config::WorkerSpec& spec() const { return spec_; }
  bool alive() const { return process_ && process_->alive(); }
  bool ended() const { return stop_told_; }
  // Ended on purpose: nothing will start it but a ladder.
  bool stopped() const;
  const ExitInfo& last_exit() const { return last_exit_; }
  std::string incarnation() const;
  int pid() const { return alive() ? process_->identity().pid : 0; }
  Duration period() const { return spec_.period.value_or(host_.report_period()); }

  // `measured`: with resources, read now. Else identity, state and what the worker said, without a system call.
  Report report(bool measured);
  void note_oom_count(std::optional<std::uint64_t> host_kills);

  // Datagrams heard and refused since the agent started.
  std::uint64_t datagrams() const { return datagrams_; }
  std::uint64_t garbage() const { return garbage_; }

 private:
  // -- worker.cc: life and death
  void restore(const JournalWorker& record);
  bool adopt(const JournalWorker& record);
  void name_journalled_start();
  void take_process(ProcessIdentity identity, UniqueFd pidfd, bool adopted);
  Result<void> start(const std::string& action_id, int crashes);
  void start_failed(const Error& error);
  void start_by_lease(const StartDecision& decision);
  void on_exit(const ExitInfo& exit);
  void journal_worker(JournalWorker::Phase phase);
  SpawnOptions spawn_options() const;
  std::string output_file() const;  // empty = its output goes into no file
  void hear_last_words();

  // -- worker_poll.cc: what is due
  void poll();
  void poll_start();
  void poll_stop();
  bool end_leftovers();
  bool group_left() const;
  void say_once(const StartDecision& decision);
  void arm(std::optional<SteadyTime> deadline);
  void wake_within(Duration d);

  // -- worker_ladder.cc
  void poll_ladder();
  void resume_ladder();
  void perform(const LadderAct& act);
  void diagnose();
  void ladder_start();
  void end_ladder(bool ok, const std::string& message);
  void progress(LadderStep step, bool done, bool ok, std::string message);
  std::optional<std::string> reason_to_refuse(const Ladder& ladder) const;
  LadderFacts facts() const;

  // -- worker_report.cc
  void on_datagram(std::string_view datagram, bool whole);
  std::optional<WorkerState> state() const;

  SteadyTime steady() const { return host_.clock().now().steady; }

  const config::WorkerSpec spec_;
  const std::string socket_path_;
  WorkerHost& host_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Worker*> self_;  // the timer's handler holds it weakly
  std::unique_ptr<VoiceSocket> socket_;
  LeaseHolder lease_;
  std::string hold_reason_;  // of the last lease, journalled
  bool hold_ = false;

  std::unique_ptr<WorkerProcess> process_;  // the living one or the one that died last; null before the first start
  ExitInfo last_exit_;
  std::uint64_t output_from_ = 0;   // where the output of the present incarnation begins
  std::string last_words_;          // until they are told
  std::string failed_incarnation_;  // set when the latest start came to nothing: its name
  std::string previous_incarnation_;

  std::optional<LadderRun> ladder_;
  std::unique_ptr<Smoke> smoke_;          // beside a living process, when configured
  std::unique_ptr<Diagnosis> diagnosis_;  // set while the hook is at work; only beside a ladder
  std::optional<SteadyTime> leftovers_since_;
  bool draining_ = false;
  bool killed_by_us_ = false;
  bool ladder_failed_ = false;  // it ended the process and could not start another one
  bool stopping_ = false;       // the agent ends
  bool stop_told_ = false;
  SteadyTime kill_at_{};  // of a stop
  std::optional<SteadyTime> wake_at_;
  StartDecision::Kind said_ = StartDecision::Kind::alive;  // logged last

  std::uint64_t seq_ = 0;
  std::uint64_t datagrams_ = 0, garbage_ = 0;
  SteadyTime garbage_logged_{};
  SteadyTime beat_forwarded_{};
};

}  // namespace paramedic::agent
