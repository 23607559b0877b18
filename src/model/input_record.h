// An input that is not a sample, as the engine took it, for replay and for the story of an incident. Appended to the
// ledger by core/engine, kept for 7 days. Plain values.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/input.h"

namespace paramedic {

// The end of a life, and what it had in its hands.
struct RecordedExit {
  static constexpr std::size_t kMaxInFlight = 64;
  ExitInfo exit;
  std::vector<InFlightTask> in_flight;  // without trace context; at most kMaxInFlight
};
struct RecordedSource {
  SourceState from = SourceState::connected, to = SourceState::connected;
};
struct RecordedBroker {
  std::string broker;
  bool down = false;
};
// An operator's wish, also one that was refused (the audit tells the result).
struct RecordedCommand {
  Verb verb = Verb::restart;
  std::string actor, reason;
  bool force = false;
  std::optional<Duration> duration;
};
// Progress of a ladder or its end.
struct RecordedOutcome {
  std::string action_id;
  LadderStep step = LadderStep::accepted;
  bool done = false, ok = true;
  std::string new_incarnation, message;
};
// A start that an agent decided under its lease.
struct RecordedStart {
  std::string action_id, previous_incarnation;
  int crashes = 0;
  Duration ago{};
  ExitInfo exit;
};

enum class InputKind { exit, source, broker, command, outcome, agent_start };  // in the order of `what`
PARAMEDIC_ENUM_NAMES(InputKind, "exit", "source", "broker", "command", "outcome", "agent_start")

struct InputRecord {
  WallTime at{};
  std::string source, worker_id, pool, host, incarnation;  // as far as the input names them
  std::variant<RecordedExit, RecordedSource, RecordedBroker, RecordedCommand, RecordedOutcome, RecordedStart> what;
  InputKind kind() const { return static_cast<InputKind>(what.index()); }
};

}  // namespace paramedic
