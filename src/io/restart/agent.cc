#include "io/restart/agent.h"

namespace paramedic {

bool AgentExecutor::perform(const Act& act) {
  const auto send = [this](const std::string& source, wire::MonitorFrame frame) {
    if (!send_(source, frame)) ++lost_;
    return true;
  };
  if (const auto* ladder = std::get_if<SendLadder>(&act)) return send(ladder->source, ladder->ladder);
  if (const auto* lease = std::get_if<SendLease>(&act)) return send(lease->source, lease->lease);
  if (const auto* ack = std::get_if<SendAck>(&act)) return send(ack->source, wire::MonitorAck{ack->action_ids});
  if (const auto* command = std::get_if<SendWorkerCommand>(&act))
    return send(command->source, wire::MonitorWorkerCommand{command->worker_id, command->incarnation, command->verb});
  return false;
}

}  // namespace paramedic
