// The executor `agent`: hands ladders, leases and worker commands to the agent that owns the worker.
// perform() from the dispatcher's thread, after the ledger commit. The port is the agent's connection
// (io/sources/agent_link); the daemon wires the two.
#pragma once
#include <functional>
#include <string>

#include "io/wire/agent_protocol.h"
#include "model/effects.h"

namespace paramedic {

class AgentExecutor {
 public:
  // False when that source is not connected.
  using SendFrame = std::function<bool(const std::string& source, const wire::MonitorFrame& frame)>;

  explicit AgentExecutor(SendFrame send) : send_(std::move(send)) {}
  // True when `act` belongs to this executor (sent or not).
  bool perform(const Act& act);
  std::uint64_t lost() const { return lost_; }  // frames for agents that were away

 private:
  SendFrame send_;
  std::uint64_t lost_ = 0;  // dispatcher's thread
};

}  // namespace paramedic
