// The demo's processes as the hidden subcommands `paramedic demo-broker …` and `paramedic demo-worker …` run them. Each
// owns its process: blocks signals, so call it from main() before any thread exists. `args` = what follows the
// subcommand, as --key value pairs. Returns the exit code; problems go to standard error.
#pragma once
#include <string>
#include <vector>

namespace paramedic::demo {

// --root DIR [--rate TASKS_PER_SECOND] [--parent PID]   ends on TERM or INT, or when PID is no longer its parent
int demo_broker_main(const std::vector<std::string>& args);

// --root DIR --id ID --pool POOL [--memory-limit-mb N] [--disk-quota-mb N] [--cpu N]
// TERM, INT: finish the running task and end with 0. USR1: take no new task. USR2: take tasks again.
int demo_worker_main(const std::vector<std::string>& args);

}  // namespace paramedic::demo
