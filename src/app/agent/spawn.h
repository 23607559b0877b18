// Starts one process as a child of this one, by clone(CLONE_VM | CLONE_VFORK): costs the same however big the caller
// is, and tells at once when exec fails. Call from the thread that lives as long as the program (the main thread).
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "app/agent/unique_fd.h"
#include "base/result.h"
#include "model/report.h"

namespace paramedic::agent {

struct SpawnOptions {
  std::vector<std::string> command;  // [0] is looked up in PATH of `env` when it has no slash
  std::string cwd;                   // empty = the caller's
  // Laid over the caller's environment.
  std::vector<std::pair<std::string, std::string>> env;
  std::string output_file;  // standard output and error are appended here; empty = the caller's
  int output_fd = -1;       // … or go here instead; stays the caller's
  std::string user;  // whose rights it gets, with all groups of that user, HOME, USER and LOGNAME; empty = the caller's
};

struct Spawned {
  int pid = 0;
  UniqueFd pidfd;  // readable when the process has ended
};

// The child leads a process group of its own, has default signal handling, an empty signal mask, /dev/null as standard
// input and no other descriptor of ours. Returns after exec has begun.
// Errors: not_found (binary, cwd or user missing), forbidden (not executable, no right to become that user), io.
// Nothing is left behind then.
Result<Spawned> spawn_process(const SpawnOptions& options);

// A pidfd for a process that runs already. Errors: not_found.
Result<UniqueFd> open_pidfd(int pid);

// Reaps the ended child behind `pidfd`. ExitInfo.unknown_cause when it is not our child (adopted). nullopt = still
// alive.
std::optional<ExitInfo> reap(int pidfd);

// Signals the process behind pidfd; false when it has ended.
bool send_signal(int pidfd, int signal);

}  // namespace paramedic::agent
