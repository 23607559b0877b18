// paramedic agent and paramedic run: the agent as a program, for a host or for one command.
#include <csignal>

#include <sys/prctl.h>
#include <unistd.h>

#include "app/agent/agent_program.h"
#include "app/cli/commands.h"
#include "app/cli/version.h"

namespace paramedic::cli {

int agent(const AgentOptions& options) {
  if (options.parent != 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != options.parent) return fail({Errc::unavailable, "the process that started this agent has ended"});
  }
  return paramedic::agent::run_agent_file(options.config_file, kVersion);
}

int run(const RunOptions& options) {
  return paramedic::agent::run_single_worker({.id = options.id,
                                              .pool = options.pool,
                                              .monitor_url = options.monitor,
                                              .token_file = options.token_file,
                                              .data_dir = options.data_dir,
                                              .command = options.command},
                                             kVersion);
}

}  // namespace paramedic::cli
