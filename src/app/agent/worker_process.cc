#include "app/agent/worker_process.h"

#include <algorithm>

#include <dirent.h>
#include <signal.h>
#include <time.h>

namespace paramedic::agent {
namespace {

constexpr std::size_t kDiagnosisBytes = 1024;

WallTime start_time(std::uint64_t start_ticks, double ticks_per_second, const Now& now) {
  ::timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  const auto since_boot = std::chrono::seconds(boot.tv_sec) + std::chrono::nanoseconds(boot.tv_nsec);
  return now.wall - (since_boot - from_seconds(static_cast<double>(start_ticks) / ticks_per_second));
}

// The first words of a /proc file, on one line.
std::string one_line(const std::string& path, std::size_t limit) {
  auto text = read_whole(path, limit);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

bool has_setting(std::string_view environ, const std::string& setting) {
  while (!environ.empty()) {
    const auto end = std::min(environ.find('\0'), environ.size());
    if (environ.substr(0, end) == setting) return true;
    environ.remove_prefix(std::min(end + 1, environ.size()));
  }
  return false;
}

// Living processes with this worker's settings in their environment.
template <class F>
void for_each_process_of(const KernelRoots& roots, const std::string& worker_id, const std::string& socket, F use) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(roots.proc.c_str()), &::closedir);
  for (auto* entry = dir ? ::readdir(dir.get()) : nullptr; entry; entry = ::readdir(dir.get())) {
    std::vector<int> pid;
    parse_pids(entry->d_name, pid);
    const auto stat = pid.size() == 1 ? read_stat(roots.proc, pid[0]) : std::nullopt;
    if (!stat || stat->state == 'Z') continue;
    const auto environ = read_whole(roots.proc + "/" + entry->d_name + "/environ", 256 * 1024);
    if (has_setting(environ, "PARAMEDIC_WORKER_ID=" + worker_id) && has_setting(environ, "PARAMEDIC_SOCKET=" + socket))
      use(pid[0], *stat);
  }
}

}  // namespace

std::string make_incarnation(const ProcessIdentity& identity) {
  std::string boot;
  for (const char c : identity.boot_id)
    if (std::isxdigit(static_cast<unsigned char>(c)) && boot.size() < 8) boot += c;
  return (boot.empty() ? "0" : boot) + "." + std::to_string(identity.pid) + "." + std::to_string(identity.start_ticks);
}

WorkerProcess::WorkerProcess(boost::asio::io_context& io, const ProcessSetup& setup, ProcessIdentity identity,
                             UniqueFd pidfd, bool adopted, const Now& now)
    : setup_(setup),
      identity_(std::move(identity)),
      incarnation_(make_incarnation(identity_)),
      adopted_(adopted),
      seen_since_(now.steady),
      started_at_(start_time(identity_.start_ticks, setup.host.ticks_per_second, now)),
      pidfd_(io, pidfd.release()),
      self_(std::make_shared<WorkerProcess*>(this)),
      cgroup_(setup.roots, identity_.pid),
      tree_(setup.roots.proc, identity_.pid, identity_.start_ticks) {
  const CollectorSetup collector_setup{setup.spec, setup.roots, setup.host, cgroup_, identity_.pid};
  collectors_ = make_collectors(collector_setup);
}

WorkerProcess::~WorkerProcess() = default;

void WorkerProcess::watch(ExitHandler handler) {
  on_exit_ = std::move(handler);
  pidfd_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [weak = std::weak_ptr(self_)](const boost::system::error_code& failed) {
                      const auto self = weak.lock();
                      if (self && !failed) (*self)->on_readable();
                    });
}

void WorkerProcess::on_readable() {
  auto exit = reap(pidfd_.native_handle());
  if (!exit) return watch(std::move(on_exit_));  // woken without an end
  exit->oom = (exit->signal == SIGKILL || exit->unknown_cause) && oom_evidence();
  exit_ = exit;
  // The handler may destroy us.
  const auto handler = std::move(on_exit_);
  if (handler) handler(*exit);
}

bool WorkerProcess::signal(int number) const {
  return alive() && send_signal(const_cast<WorkerProcess*>(this)->pidfd_.native_handle(), number);
}

bool WorkerProcess::signal_group(int number) const { return group_alive(false) && ::kill(-identity_.pid, number) == 0; }

// A number that names a group is not given to a new process, so a group that has never been seen empty is still ours.
// Once it is empty it may be anybody's: it is never signalled again.
bool WorkerProcess::group_alive(bool thorough) const {
  if (group_gone_) return false;
  const bool exists = ::kill(-identity_.pid, 0) == 0;
  if (!exists || leader_is_a_stranger()) {
    group_gone_ = !alive();
    return false;
  }
  return !thorough || group_has_living_member(setup_.roots.proc, identity_.pid);
}

// Nobody looked while our group became empty, and its number leads another one by now.
bool WorkerProcess::leader_is_a_stranger() const {
  if (alive()) return false;
  const auto stat = read_stat(setup_.roots.proc, identity_.pid);
  return stat && stat->start_ticks != identity_.start_ticks;
}

std::string WorkerProcess::diagnose() const {
  const auto folder = setup_.roots.proc + "/" + std::to_string(identity_.pid);
  std::string text;
  if (const auto stat = read_stat(setup_.roots.proc, identity_.pid)) {
    text = std::string("state ") + stat->state + ", " + std::to_string(stat->threads) + " threads, " +
           std::to_string(stat->rss_pages * setup_.host.page_bytes / 1024 / 1024) + " MiB";
  } else {
    return "the process is gone";
  }
  if (const auto wchan = one_line(folder + "/wchan", 64); !wchan.empty() && wchan != "0") text += ", waits in " + wchan;
  if (const auto call = one_line(folder + "/syscall", 128); !call.empty()) text += ", syscall " + call;
  if (const auto n = voice_.in_flight()) text += ", " + std::to_string(*n) + " tasks in flight";
  if (!voice_.status_text().empty()) text += ", says: " + voice_.status_text();
  if (const auto stack = one_line(folder + "/stack", 700); !stack.empty()) text += ", stack " + stack;
  if (text.size() > kDiagnosisBytes) text.resize(kDiagnosisBytes);
  return text;
}

void WorkerProcess::measure(SteadyTime now, Report& out) {
  describe(out);
  if (!alive()) return;
  const auto tree = tree_.read(now);
  for (const auto& collector : collectors_) collector->collect(tree, now, out);
}

void WorkerProcess::describe(Report& out) const {
  out.incarnation = incarnation_;
  auto& process = out.process.emplace();
  process.pid = identity_.pid;
  process.started_at = started_at_;
  process.exit = exit_;
  Capabilities can;
  can.process = true;
  out.capabilities = can;
  voice_.fill(out);
}

void WorkerProcess::note_oom_count(std::optional<std::uint64_t> host_kills) {
  cgroup_kills_ = cgroup_.oom_kills();
  host_kills_ = host_kills;
}

bool WorkerProcess::oom_evidence() const {
  const auto grew = [](std::optional<std::uint64_t> now, std::optional<std::uint64_t> before) {
    return now && before && *now > *before;
  };
  return grew(cgroup_.oom_kills(), cgroup_kills_) || grew(host_oom_kills(setup_.roots), host_kills_);
}

std::optional<std::uint64_t> host_oom_kills(const KernelRoots& roots) {
  return find_count(read_whole(roots.proc + "/vmstat", 32 * 1024), "oom_kill");
}

std::optional<ProcessIdentity> find_worker_process(const KernelRoots& roots, const std::string& worker_id,
                                                   const std::string& socket, const std::string& boot_id) {
  std::optional<ProcessIdentity> found;
  for_each_process_of(roots, worker_id, socket, [&](int pid, const ProcStat& stat) {
    if (stat.pgrp == pid) found = ProcessIdentity{pid, stat.start_ticks, boot_id};
  });
  return found;
}

void end_orphans(const KernelRoots& roots, int pgid, const std::string& worker_id, const std::string& socket) {
  for_each_process_of(roots, worker_id, socket, [&](int pid, const ProcStat& stat) {
    if (stat.pgrp == pgid) ::kill(pid, SIGKILL);
  });
}

}  // namespace paramedic::agent
