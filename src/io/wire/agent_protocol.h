// The agent protocol: JSON text frames over one WebSocket (/health/agents), docs/formats/agent-protocol.md. Both sides
// use this file: the agent encodes AgentFrame and decodes MonitorFrame, the monitor the other way round. Pure; any
// thread. Unknown members are ignored; an unknown frame type decodes to std::monostate, so that one version of skew
// works.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/input.h"

namespace paramedic::wire {

inline constexpr int kAgentProtocol = 1;

// ---- agent → monitor ----------------------------------------------------------------------------------------------
struct AgentHello {
  int protocol = kAgentProtocol;
  std::string agent_id, host, boot_id, version;
  Duration period = 5s;
  struct Worker {
    std::string worker_id, incarnation;
  };
  std::vector<Worker> workers;  // alive or being started right now
};
struct AgentReports {
  bool backlog = false;  // measured earlier; each report carries age_ms
  std::vector<Report> reports;
  int skipped = 0;            // decode only: reports of this frame that were refused (counted, the others are taken)
  std::string first_refusal;  // decode only: why the first of them was refused
};
struct AgentProgress {
  std::string action_id, worker_id;
  LadderStep step = LadderStep::accepted;
  bool done = false, ok = true;
  std::string new_incarnation, message;
};
struct AgentStart {
  std::string action_id, worker_id, previous_incarnation, incarnation;
  int crashes = 0;
  Duration ago{};
  ExitInfo exit;
  std::string last_words;  // of the life before, when no report could tell them: the monitor was away
};
struct AgentStarts {
  std::vector<AgentStart> starts;  // resent until acknowledged
};
struct AgentAlive {};  // nothing to say, still here
using AgentFrame = std::variant<std::monostate, AgentHello, AgentReports, AgentProgress, AgentStarts, AgentAlive>;

// ---- monitor → agent ----------------------------------------------------------------------------------------------
struct MonitorWelcome {
  int protocol = kAgentProtocol;
  std::string version;
};
struct MonitorRefusal {  // sent before closing: bad token, protocol, agent id in use
  std::string message;
};
struct MonitorAck {
  std::vector<std::string> action_ids;  // starts and final progress that the monitor has committed
};
struct MonitorWorkerCommand {
  std::string worker_id, incarnation;
  Verb verb = Verb::drain;  // drain or resume
};
using MonitorFrame =
    std::variant<std::monostate, MonitorWelcome, MonitorRefusal, Lease, Ladder, MonitorAck, MonitorWorkerCommand>;

std::string encode(const AgentFrame& frame);
std::string encode(const MonitorFrame& frame);
// Errors: invalid_argument with the position or member that is wrong. Never throws.
Result<AgentFrame> decode_agent_frame(std::string_view text);
Result<MonitorFrame> decode_monitor_frame(std::string_view text);

}  // namespace paramedic::wire
