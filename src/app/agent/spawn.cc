#include "app/agent/spawn.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD static_cast<idtype_t>(3)
#endif

extern char** environ;

namespace paramedic::agent {
namespace {

constexpr std::size_t kChildStackBytes = 64 * 1024;
enum class Stage { none, user, cwd, exec };

struct Identity {
  ::uid_t uid = 0;
  ::gid_t gid = 0;
  std::vector<::gid_t> groups;
  std::string home;
};

// Shared with the child, which runs in our memory until exec: everything is prepared, so that it only makes system
// calls.
struct ChildPlan {
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* cwd = nullptr;           // null = stay
  const Identity* identity = nullptr;  // null = stay
  int null_fd = -1;
  int output_fd = -1;  // -1 = inherit
  Stage failed_at = Stage::none;
  int error = 0;
};

// Between clone and exec, on a stack of its own. Not instrumented: a sanitizer's bookkeeping would be the parent's.
__attribute__((no_sanitize("address", "undefined", "thread"))) int child_main(void* argument) {
  auto& plan = *static_cast<ChildPlan*>(argument);
  struct ::sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) ::sigaction(signal, &action, nullptr);
  ::setpgid(0, 0);
  // Plain system calls: the C library's versions would change the parent's threads, whose memory this is.
  if (const auto* who = plan.identity;
      who && (::syscall(SYS_setgroups, who->groups.size(), who->groups.data()) != 0 ||
              ::syscall(SYS_setgid, who->gid) != 0 || ::syscall(SYS_setuid, who->uid) != 0)) {
    plan.failed_at = Stage::user;
    plan.error = errno;
    ::_exit(127);
  }
  if (plan.cwd && ::chdir(plan.cwd) != 0) {
    plan.failed_at = Stage::cwd;
    plan.error = errno;
    ::_exit(127);
  }
  ::dup2(plan.null_fd, 0);
  if (plan.output_fd >= 0) {
    ::dup2(plan.output_fd, 1);
    ::dup2(plan.output_fd, 2);
  }
  ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.path, plan.argv, plan.envp);
  plan.failed_at = Stage::exec;
  plan.error = errno;
  ::_exit(127);
}

std::vector<std::string> merged_environment(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::map<std::string, std::string> env;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    if (const auto equals = text.find('='); equals != std::string_view::npos)
      env[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  // What a service manager told the agent is not for its workers.
  for (const auto* own : {"WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
    env.erase(own);
  for (const auto& [key, value] : settings) env[key] = value;
  std::vector<std::string> lines;
  lines.reserve(env.size());
  for (const auto& [key, value] : env) lines.push_back(key + "=" + value);
  return lines;
}

Result<Identity> find_user(const std::string& name) {
  const auto* entry = ::getpwnam(name.c_str());
  if (!entry) return make_error(Errc::not_found, "user " + name + " does not exist");
  Identity who{entry->pw_uid, entry->pw_gid, {}, entry->pw_dir ? entry->pw_dir : "/"};
  int count = 64;
  who.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(name.c_str(), entry->pw_gid, who.groups.data(), &count) < 0) {
    who.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(name.c_str(), entry->pw_gid, who.groups.data(), &count);
  }
  who.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return who;
}

std::string search_path(const std::vector<std::string>& env) {
  for (const auto& line : env)
    if (line.starts_with("PATH=")) return line.substr(5);
  return "/usr/local/bin:/usr/bin:/bin";
}

// As execvp does: the first match that may be executed. The name itself when nothing matches, for the error of exec.
std::string resolve(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  while (!path.empty()) {
    const auto end = std::min(path.find(':'), path.size());
    const auto candidate = std::string(end ? path.substr(0, end) : ".") + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return name;
}

std::vector<char*> pointers(std::vector<std::string>& lines) {
  std::vector<char*> out;
  out.reserve(lines.size() + 1);
  for (auto& line : lines) out.push_back(line.data());
  out.push_back(nullptr);
  return out;
}

Error spawn_error(const ChildPlan& plan, const SpawnOptions& options) {
  const auto code = plan.error == ENOENT || plan.error == ENOTDIR ? Errc::not_found
                    : plan.error == EACCES || plan.error == EPERM ? Errc::forbidden
                                                                  : Errc::io;
  const std::string why = std::strerror(plan.error);
  if (plan.failed_at == Stage::user) return make_error(code, "cannot become user " + options.user + ": " + why);
  if (plan.failed_at == Stage::cwd)
    return make_error(code, "cannot enter working directory " + options.cwd + ": " + why);
  if (code == Errc::not_found) return make_error(code, "binary missing: " + options.command[0] + ": " + why);
  return make_error(code, "cannot execute " + options.command[0] + ": " + why);
}

// A stack for the child, given back on return: with CLONE_VFORK the child has left it by then.
class ChildStack {
 public:
  ChildStack()
      : base_(::mmap(nullptr, kChildStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                     0)) {}
  ~ChildStack() {
    if (valid()) ::munmap(base_, kChildStackBytes);
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  bool valid() const { return base_ != MAP_FAILED; }
  void* top() const { return static_cast<char*>(base_) + kChildStackBytes; }

 private:
  void* base_;
};

Result<Spawned> clone_child(ChildPlan& plan, const SpawnOptions& options) {
  const ChildStack stack;
  if (!stack.valid()) return errno_error("cannot map a stack for " + options.command[0], errno);
  ::sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // no handler of ours may run in the child while it shares our memory
  int pidfd = -1;
  const int pid = ::clone(child_main, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  const int clone_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return errno_error("cannot start " + options.command[0], clone_error);
  Spawned spawned{pid, UniqueFd(pidfd)};
  if (plan.failed_at == Stage::none) return spawned;
  ::waitpid(pid, nullptr, 0);
  return spawn_error(plan, options);
}

}  // namespace

Result<Spawned> spawn_process(const SpawnOptions& options) {
  if (options.command.empty() || options.command[0].empty())
    return make_error(Errc::invalid_argument, "a worker's command is empty; set `command`");
  auto command = options.command;
  std::optional<Identity> identity;
  auto settings = options.env;
  if (!options.user.empty()) {
    auto found = find_user(options.user);
    if (!found) return found.error();
    identity = std::move(*found);
    settings.insert(settings.begin(), {{"HOME", identity->home}, {"USER", options.user}, {"LOGNAME", options.user}});
  }
  auto env = merged_environment(settings);
  const auto path = resolve(command[0], search_path(env));
  const auto argv = pointers(command);
  const auto envp = pointers(env);
  const UniqueFd null_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  UniqueFd output;
  if (!options.output_file.empty()) {
    output.reset(::open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!output) return errno_error("cannot open output file " + options.output_file, errno);
  }
  ChildPlan plan;
  plan.path = path.c_str();
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.cwd = options.cwd.empty() ? nullptr : options.cwd.c_str();
  plan.identity = identity ? &*identity : nullptr;
  plan.null_fd = null_fd.get();
  plan.output_fd = options.output_fd >= 0 ? options.output_fd : output.get();
  return clone_child(plan, options);
}

Result<UniqueFd> open_pidfd(int pid) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return make_error(Errc::not_found, "process " + std::to_string(pid) + " does not exist");
  return UniqueFd(fd);
}

std::optional<ExitInfo> reap(int pidfd) {
  ::siginfo_t info{};
  ExitInfo exit;
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0) {
    if (errno != ECHILD) return std::nullopt;
    // Not our child: only the pidfd knows. Signal 0 still reaches a zombie, so poll() has decided before us.
    exit.unknown_cause = true;
    return exit;
  }
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED)
    exit.code = info.si_status;
  else
    exit.signal = info.si_status;
  return exit;
}

bool send_signal(int pidfd, int signal) { return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0; }

}  // namespace paramedic::agent
