// The agent as a program: what `paramedic-agent --config FILE`, `paramedic agent --config FILE` and `paramedic run --
// CMD` do. Call from main's thread, once. Say what is wrong on standard error; return the process's exit code
// (docs/agent.md).
#pragma once
#include <string>
#include <vector>

namespace paramedic::agent {

int run_agent_file(const std::string& config_file, const std::string& version);

struct SingleWorker {
  std::string id;  // empty = host name + "." + the command's name
  std::string pool;
  std::string monitor_url = "http://127.0.0.1:8420";
  std::string token_file;
  std::string data_dir;  // empty = below XDG_STATE_HOME or the home directory, by id
  std::vector<std::string> command;
};
// Supervises one command until it ends on purpose; then its exit code is ours.
int run_single_worker(const SingleWorker& single, const std::string& version);

}  // namespace paramedic::agent
