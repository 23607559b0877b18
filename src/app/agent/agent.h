// Agent: supervises the workers of one host and speaks for them to the monitor. Owns the journal, the workers and the
// link. Everything runs on the one thread that calls start() and runs the io_context: the main thread (spawning needs
// the thread that lives as long as the program). When the monitor is away everything goes on by itself; see
// docs/agent.md.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "app/agent/backlog.h"
#include "app/agent/journal.h"
#include "app/agent/monitor_link.h"
#include "app/agent/worker.h"
#include "base/clock.h"
#include "base/data_dir.h"
#include "base/log.h"
#include "io/config/agent_config.h"

namespace paramedic::agent {

struct AgentOptions {
  config::AgentConfig config;
  std::string version = "0";
  KernelRoots roots;
  // Orphans of workers become children of this process, which reaps them. Only for a program that is nothing but an
  // agent.
  bool subreaper = false;
  // Ends by itself when every worker has ended on purpose: `paramedic run`.
  bool end_with_workers = false;
  Duration longest_reconnect_wait = 10s;
};

class Agent final : private WorkerHost, private LinkHandler {
 public:
  // REQUIRES: `log` and `clock` outlive the agent and the handlers of its io_context.
  Agent(AgentOptions options, Logger& log, const Clock& clock);
  ~Agent();  // ends nothing: the workers run on, the next agent adopts them
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // start(), then the loop until SIGINT, SIGTERM or stop(): a clean end. A second signal hurries.
  Result<void> run(boost::asio::io_context& io);

  // Locks data_dir, reads the journal, adopts or starts the workers, begins to connect. Errors: conflict (another
  // agent), invalid_argument (URL, socket path), io, corrupt (journal of a newer version).
  Result<void> start(boost::asio::io_context& io);
  // Clean end as `on_exit` says. Again, or with `hurry`: KILL at once.
  void stop(bool hurry = false);
  bool finished() const { return finished_; }

  bool online() const override { return link_ && link_->online(); }
  std::size_t backlog_frames() const { return backlog_.size(); }
  const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }

 private:
  struct Schedule {
    SteadyTime next_report{};
    SteadyTime urgent_allowed{};
    bool urgent = false;
  };

  // WorkerHost
  boost::asio::io_context& io() override { return *io_; }
  const Clock& clock() const override { return clock_; }
  Logger& log() override { return log_; }
  Journal& journal() override { return *journal_; }
  const KernelRoots& roots() const override { return options_.roots; }
  const HostFacts& host_facts() const override { return host_facts_; }
  const std::string& host_name() const override { return options_.config.host; }
  const std::string& boot_id() const override { return boot_id_; }
  Duration report_period() const override { return options_.config.report_period; }
  void report_now(Worker& worker) override;
  void report_soon(Worker& worker) override;
  void tell_progress(const wire::AgentProgress& progress) override;
  void tell_start(const JournalStart& start) override;
  bool note_death() override;
  void worker_ended(Worker& worker) override;

  // LinkHandler
  wire::AgentHello hello() override;
  void on_online() override;
  void on_frame(wire::MonitorFrame frame) override;

  Result<void> fill_defaults();
  Result<std::string> socket_folder() const;
  Result<void> begin_workers();
  void forget_removed_workers();
  Worker* find(const std::string& worker_id) const;
  Schedule& schedule_of(const Worker& worker);

  void on_timer();
  void arm();
  void report_due(SteadyTime now);
  void send_reports(std::vector<Report> reports);
  void send_diagnoses();
  void send_unacknowledged();
  void drain_backlog(SteadyTime now);
  void reap_orphans();
  wire::AgentStart start_frame(const JournalStart& start) const;

  void wait_for_signal();
  void end_when_all_ended();
  void say_goodbye();
  void finish();

  AgentOptions options_;
  Logger& log_;
  const Clock& clock_;
  boost::asio::io_context* io_ = nullptr;
  std::string boot_id_;
  HostFacts host_facts_;
  std::optional<DataDir> data_dir_;
  std::optional<Journal> journal_;
  Backlog backlog_;
  std::unique_ptr<MonitorLink> link_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Schedule> schedules_;  // one per worker
  std::optional<boost::asio::steady_timer> timer_;
  std::optional<boost::asio::signal_set> signals_;
  std::shared_ptr<Agent*> self_;  // handlers hold it weakly
  std::deque<SteadyTime> deaths_;
  SteadyTime next_alive_{}, next_resend_{}, next_backlog_{};
  bool ending_ = false;
  bool owns_loop_ = false;
  bool finished_ = false;
  SteadyTime goodbye_until_{};  // set while the last frames leave
};

}  // namespace paramedic::agent
