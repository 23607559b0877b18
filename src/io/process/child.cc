#include "io/process/child.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paramedic::process {

namespace {

constexpr std::size_t kMaxOutput = 4096;

struct Fd {
  explicit Fd(int fd = -1) : value(fd) {}
  ~Fd() {
    if (value >= 0) ::close(value);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int value;
};

bool fill(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count <= 0) return false;
    text.remove_prefix(std::size_t(count));
  }
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

std::vector<std::string> environment_of(const ChildCall& call) {
  std::vector<std::string> names = {"PATH", "HOME", "LANG", "TZ"};
  names.insert(names.end(), call.pass_environment.begin(), call.pass_environment.end());
  std::vector<std::string> out = call.set_environment;
  for (const std::string& name : names)
    if (const char* value = std::getenv(name.c_str())) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Own group, default signals, no descriptor of ours but the three.
int spawn(const ChildCall& call, int in, int out, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, out, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> arguments = {call.program};
  arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
  std::vector<std::string> environment = environment_of(call);
  const int failed = ::posix_spawn(&pid, call.program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

// Reads what is there; beyond the limit it is thrown away, so that a chatty program does not block. False at the end.
bool take_output(int fd, std::string& output) {
  char buffer[4096];
  const ssize_t count = ::read(fd, buffer, sizeof buffer);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  output.append(buffer, std::min(std::size_t(count), kMaxOutput - output.size()));
  return count > 0;
}

enum class End { exited, timeout, cancelled };

// Until the leader has ended; it stays a zombie, so that its number is not given away.
End wait_for_end(int process, int output, int wake, Duration timeout, std::string& text) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  bool open = true;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return End::timeout;
    std::array<pollfd, 3> waits = {pollfd{process, POLLIN, 0}, pollfd{wake, POLLIN, 0},
                                   pollfd{open ? output : -1, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), int(std::min<std::int64_t>(left.count(), 60'000))) < 0) continue;
    if (waits[1].revents) return End::cancelled;
    if (waits[2].revents) open = take_output(output, text);
    if (waits[0].revents) {
      while (open && text.size() < kMaxOutput && ::poll(&waits[2], 1, 0) > 0) open = take_output(output, text);
      return End::exited;
    }
  }
}

}  // namespace

bool is_variable_name(const std::string& name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::optional<Error> check_program(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return errno_error("cannot find " + path, errno);
  const Error wrong{Errc::forbidden, path + ": "};
  if (!S_ISREG(found.st_mode)) return Error{wrong.code, wrong.message + "is no plain file"};
  if (::access(path.c_str(), X_OK) != 0) return Error{wrong.code, wrong.message + "may not be executed"};
  if ((found.st_mode & S_IWOTH) != 0)
    return Error{wrong.code, wrong.message + "everybody may write to it; take that right away (chmod o-w)"};
  return std::nullopt;
}

ChildRunner::ChildRunner() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
ChildRunner::~ChildRunner() {
  if (wake_ >= 0) ::close(wake_);
}

void ChildRunner::cancel() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);  // never read again: cancelled for good
}

Result<ChildResult> ChildRunner::run(const ChildCall& call) {
  const Error cancelled{Errc::unavailable, call.program + ": the call was cancelled"};
  pollfd wake{wake_, POLLIN, 0};
  if (::poll(&wake, 1, 0) > 0) return cancelled;
  const Fd input(::memfd_create("paramedic-input", MFD_CLOEXEC));
  int ends[2] = {-1, -1};
  if (input.value < 0 || !fill(input.value, call.input) || ::pipe2(ends, O_CLOEXEC) != 0)
    return Error{Errc::unavailable, "cannot prepare the program's input and output: no memory or descriptors"};
  const Fd output(ends[0]);
  ::fcntl(output.value, F_SETFL, O_NONBLOCK);
  pid_t pid = -1;
  {
    const Fd write_end(ends[1]);
    if (const int failed = spawn(call, input.value, write_end.value, pid))
      return Error{Errc::io, errno_error("cannot start " + call.program, failed).message};
  }
  const Fd process(int(::syscall(SYS_pidfd_open, pid, 0)));
  ChildResult out;
  const End end =
      process.value < 0 ? End::cancelled : wait_for_end(process.value, output.value, wake_, call.timeout, out.output);
  if (end != End::exited || call.end_leftovers) ::kill(-pid, SIGKILL);  // the group
  siginfo_t info{};
  while (::waitid(P_PID, id_t(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (end == End::timeout)
    return Error{Errc::timeout, fmt::format("{} did not end within {:g} s", call.program, to_seconds(call.timeout))};
  if (end == End::cancelled) return cancelled;
  (info.si_code == CLD_EXITED ? out.code : out.signal) = info.si_status;
  return out;
}

}  // namespace paramedic::process
