// Configuration of the agent (docs/configuration.md, examples/agent.yaml). A plain value.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"
#include "model/report.h"

namespace paramedic::config {

// What the agent does with its workers when it stops itself. stop: drain and end them. leave: they run on and the next
// agent adopts them.
enum class OnExit { stop, leave };

// What is asked of a worker before a restart ends it, and kept with the incident (docs/agent.md).
struct DiagnosticsHook {
  std::vector<std::string> command;  // argv, no shell; {pid}, {worker_id}, {incarnation} and {action_id} are replaced
  int signal = 0;                    // makes its runtime write a stack dump; 0 = none
  Duration timeout = 10s;            // of both together
  bool on() const { return !command.empty() || signal != 0; }
};

// Asks a worker that serves a model whether it really answers (docs/agent.md).
struct SmokeHook {
  std::vector<std::string> command;  // as above; exit 0 = it works. Empty = none
  Duration interval = 30s;           // between two tries; 2 s while it loads and after a miss
  Duration deadline = 10s;           // of one try
  std::string model = "smoke";       // the name under which it is told, of a worker that tells no models itself
  bool on() const { return !command.empty(); }
};

// One worker to supervise: `count: 3` in the file has already become three of these, with %i replaced by 1, 2, 3 in id,
// command, env values, cwd, disk_quota_dir and stdout.
struct WorkerSpec {
  std::string id;
  std::string pool;                        // empty = the monitor's "default"
  std::vector<std::string> command;        // argv, no shell
  std::string cwd;                         // empty = the agent's
  std::map<std::string, std::string> env;  // over the agent's own environment
  std::optional<std::uint64_t> memory_limit_mb;
  std::optional<std::uint64_t> disk_quota_mb;  // of what lies below disk_quota_dir
  std::string disk_quota_dir;
  std::vector<int> no_restart_exit_codes = {0};
  int drain_signal = 0;   // 0 = none: drain is skipped
  int resume_signal = 0;  // 0 = none
  Duration term_grace = 30s;
  DiagnosticsHook diagnostics;
  SmokeHook smoke;
  std::string user;  // empty = the agent's
  Labels labels;
  std::optional<int> concurrency;
  std::optional<Duration> period;  // of its reports; default = the agent's report_period
  std::string version;
  std::uint64_t last_words_bytes = 2048;  // of stdout_to, told when it dies; 0 = none
  std::string stdout_to = "inherit";      // "inherit", "null" or a file to append to; standard error goes along
  // The silence after which the monitor calls this worker dead. A sign of life is forwarded at once when the last
  // forwarded one is older than half of it, else with the next report.
  Duration heartbeat_deadline = 60s;
  Duration watchdog{0};  // told to the worker as WATCHDOG_USEC (sd_notify); 0 = not told
};

struct AgentConfig {
  std::string monitor_url = "http://127.0.0.1:8420";  // http or https
  std::string token_file;
  std::string ca_file;   // https only; empty = the system's
  std::string agent_id;  // empty = the host name
  std::string host;      // empty = the host name
  std::string data_dir = "/var/lib/paramedic-agent";
  std::string socket_dir;  // of the workers' sockets; empty = data_dir/s. Their paths must not be longer than 107 bytes
  Duration report_period = 5s;
  OnExit on_exit = OnExit::stop;
  std::string log_level = "info";
  std::vector<WorkerSpec> workers;
};

// Reads everything and adds a Problem per mistake; use the value only when none was added.
AgentConfig parse_agent_config(const Params& tree, Problems& problems);

// "TERM", "SIGTERM" or "15" → 15; nullopt when it is no signal.
std::optional<int> parse_signal(std::string_view text);

}  // namespace paramedic::config

namespace paramedic {
template <>
struct EnumNames<config::OnExit> {
  static constexpr auto kNames = std::to_array<std::string_view>({"stop", "leave"});
};
}  // namespace paramedic
