#include "app/demo/broker_process.h"

#include <array>
#include <thread>

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace paramedic::demo {

BrokerProcess::BrokerProcess(std::filesystem::path program, std::filesystem::path root, double tasks_per_second)
    : program_(std::move(program)), layout_{std::move(root)}, tasks_per_second_(tasks_per_second) {}

BrokerProcess::~BrokerProcess() { stop(); }

void BrokerProcess::reap() {
  if (pid_ == 0 || ::waitpid(pid_, nullptr, WNOHANG) == 0) return;
  pid_ = 0;
  asked_to_end_ = false;
}

Result<void> BrokerProcess::tick(SteadyTime now) {
  reap();
  const bool wanted = broker_wanted(layout_.root);
  if (!wanted && pid_ > 0 && !asked_to_end_) {
    ::kill(pid_, SIGTERM);
    asked_to_end_ = true;
  }
  if (!wanted || pid_ > 0 || now < not_before_) return {};
  not_before_ = now + 1s;
  return start();
}

Result<void> BrokerProcess::start() {
  const std::string program = program_.string();
  std::array<std::string, 8> args{program,    "demo-broker",
                                  "--root",   layout_.root.string(),
                                  "--rate",   fmt::format("{}", tasks_per_second_),
                                  "--parent", fmt::format("{}", ::getpid())};
  std::array<char*, 9> argv{};
  for (std::size_t i = 0; i < args.size(); ++i) argv[i] = args[i].data();
  // Its own process group: Ctrl-C on the terminal is the demo's business. Signals as a fresh process has them.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // Asio opens sockets without CLOEXEC: a queue server that inherits the monitor's port would keep it after a kill -9.
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addclosefrom_np(&files, 3);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program.c_str(), &files, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) return errno_error("cannot start the demo's queue server " + program, failed);
  pid_ = pid;
  return {};
}

void BrokerProcess::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 50 && pid_ > 0; ++i) {
    reap();
    if (pid_ > 0) std::this_thread::sleep_for(20ms);
  }
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace paramedic::demo
