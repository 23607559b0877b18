#include "app/agent/agent.h"

#include <algorithm>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/text.h"

namespace paramedic::agent {
namespace {

// More deaths than this within the window: the next starts are spread (design section 8).
constexpr std::size_t kMassDeaths = 3;
constexpr Duration kMassDeathWindow = 10s;
constexpr int kOrphansPerTurn = 100;

std::string local_host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string();
}

std::string read_boot_id(const KernelRoots& roots) {
  auto id = read_whole(roots.proc + "/sys/kernel/random/boot_id", 64);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace

Agent::Agent(AgentOptions options, Logger& log, const Clock& clock)
    : options_(std::move(options)), log_(log), clock_(clock), self_(std::make_shared<Agent*>(this)) {}

Agent::~Agent() {
  if (link_) link_->close();
}

Result<void> Agent::run(boost::asio::io_context& io) {
  owns_loop_ = true;
  if (auto started = start(io); !started) return started;
  signals_.emplace(io, SIGINT, SIGTERM);
  wait_for_signal();
  io.run();
  return {};
}

void Agent::wait_for_signal() {
  signals_->async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& failed, int number) {
    const auto self = weak.lock();
    if (!self || failed) return;
    auto& agent = **self;
    agent.log_.info("agent_signal", {{"signal", number}, {"hurry", agent.ending_}});
    agent.stop();
    if (!agent.finished_) agent.wait_for_signal();
  });
}

Result<void> Agent::start(boost::asio::io_context& io) {
  io_ = &io;
  if (auto filled = fill_defaults(); !filled) return filled;
  auto folder = DataDir::open(options_.config.data_dir);
  if (!folder) return folder.error();
  data_dir_.emplace(std::move(*folder));
  auto journal = Journal::open(data_dir_->path(), log_);
  if (!journal) return journal.error();
  journal_.emplace(std::move(*journal));
  boot_id_ = read_boot_id(options_.roots);
  host_facts_ = read_host_facts(options_.roots);
  if (options_.subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 1);

  LinkOptions link;
  link.url = options_.config.monitor_url;
  link.token_file = options_.config.token_file;
  link.agent_id = options_.config.agent_id;
  link.longest_wait = options_.longest_reconnect_wait;
  auto opened = MonitorLink::open(io, std::move(link), *this, log_);
  if (!opened) return opened.error();
  link_ = std::move(*opened);
  timer_.emplace(io);
  if (auto begun = begin_workers(); !begun) return begun;
  arm();
  return {};
}

Result<void> Agent::fill_defaults() {
  auto& config = options_.config;
  const auto name = local_host_name();
  if (config.host.empty()) config.host = name;
  if (config.agent_id.empty()) config.agent_id = config.host;
  if (!valid_id(config.agent_id))
    return make_error(Errc::invalid_argument, "agent_id: " + explain_bad_id(config.agent_id) + "; set agent_id");
  return {};
}

// Short names, stable over restarts: a unix socket's path ends after 107 bytes.
Result<std::string> Agent::socket_folder() const {
  const auto& config = options_.config;
  const auto folder = config.socket_dir.empty() ? data_dir_->path() + "/s" : config.socket_dir;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error("cannot make socket_dir " + folder, errno);
  const bool other_users = std::any_of(config.workers.begin(), config.workers.end(),
                                       [](const auto& worker) { return !worker.user.empty(); });
  if (other_users) {  // they have to find their socket, and nothing else
    ::chmod(folder.c_str(), 0711);
    if (config.socket_dir.empty()) ::chmod(data_dir_->path().c_str(), 0711);
  }
  return folder;
}

Result<void> Agent::begin_workers() {
  const auto folder = socket_folder();
  if (!folder) return folder.error();
  forget_removed_workers();
  const auto now = clock_.now().steady;
  const auto phase = hash_jitter(stable_hash(options_.config.agent_id), report_period());
  for (const auto& spec : options_.config.workers) {
    workers_.push_back(std::make_unique<Worker>(spec, *folder + "/" + hash_hex(stable_hash(spec.id)),
                                                static_cast<WorkerHost&>(*this)));
    Schedule schedule;
    schedule.next_report = now + phase;
    schedules_.push_back(schedule);
  }
  next_alive_ = now + report_period();
  for (const auto& worker : workers_)
    if (auto begun = worker->begin(); !begun) return begun;
  log_.info("agent_started", {{"agent", options_.config.agent_id},
                              {"workers", workers_.size()},
                              {"monitor", options_.config.monitor_url},
                              {"data_dir", data_dir_->path()}});
  return {};
}

// Of workers that the configuration does not name any more. A process of theirs is nobody's to end: said and left.
void Agent::forget_removed_workers() {
  std::vector<std::string> gone;
  for (const auto& [id, record] : journal_->state().workers) {
    const auto known = std::any_of(options_.config.workers.begin(), options_.config.workers.end(),
                                   [&id = id](const auto& spec) { return spec.id == id; });
    if (known) continue;
    gone.push_back(id);
    const auto stat = read_stat(options_.roots.proc, record.pid);
    if (record.phase == JournalWorker::Phase::running && record.boot_id == boot_id_ && stat &&
        stat->start_ticks == record.start_ticks)
      log_.warning("worker_left_alone",
                   {{"worker", id}, {"pid", record.pid}, {"reason", "it runs but is no longer configured"}});
  }
  for (const auto& id : gone) journal_->forget_worker(id);
}

Worker* Agent::find(const std::string& worker_id) const {
  const auto it = std::find_if(workers_.begin(), workers_.end(), [&](const auto& w) { return w->id() == worker_id; });
  return it == workers_.end() ? nullptr : it->get();
}

bool Agent::note_death() {
  const auto now = clock_.now().steady;
  while (!deaths_.empty() && now - deaths_.front() > kMassDeathWindow) deaths_.pop_front();
  deaths_.push_back(now);
  return deaths_.size() > kMassDeaths;
}

// As subreaper we inherit what workers leave behind. Children that are workers have their pidfds and are left to these.
void Agent::reap_orphans() {
  if (!options_.subreaper) return;
  for (int i = 0; i < kOrphansPerTurn; ++i) {
    ::siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const bool ours =
        std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return w->pid() == info.si_pid; });
    if (ours) return;
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

void Agent::stop(bool hurry) {
  if (finished_) return;
  const bool again = std::exchange(ending_, true);
  if (!again) log_.info("agent_ending", {{"on_exit", to_string(options_.config.on_exit)}});
  if (options_.config.on_exit == config::OnExit::leave || workers_.empty()) return say_goodbye();
  for (const auto& worker : workers_) worker->stop(hurry || again);
}

void Agent::worker_ended(Worker& worker) {
  (void)worker;
  // Later: the worker that calls this is in the middle of its work.
  boost::asio::post(*io_, [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->end_when_all_ended();
  });
}

void Agent::end_when_all_ended() {
  if (finished_ || goodbye_until_ != SteadyTime{}) return;
  const auto all = [&](auto is) { return std::all_of(workers_.begin(), workers_.end(), is); };
  if (!ending_) {
    if (!options_.end_with_workers || !all([](const auto& w) { return w->stopped(); })) return;
    return stop();
  }
  if (!all([](const auto& w) { return w->ended(); })) return;
  journal_->mark_clean();
  std::vector<Report> last;
  for (const auto& worker : workers_) last.push_back(worker->report(false));
  send_reports(std::move(last));
  say_goodbye();
}

}  // namespace paramedic::agent
