// Inputs of engine.step: everything from outside, already parsed. Made by sources, API and dispatcher on any thread.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/notification.h"
#include "model/remedy.h"
#include "model/report.h"
#include "model/rolling.h"

namespace paramedic {

// What a source declares of itself.
enum class IdScope { worker, incarnation };  // whether a worker id survives a restart
PARAMEDIC_ENUM_NAMES(IdScope, "worker", "incarnation")
enum class SourceKind { agent, http, demo };
PARAMEDIC_ENUM_NAMES(SourceKind, "agent", "http", "demo")
enum class SourceState { connected, silent, disconnected };
PARAMEDIC_ENUM_NAMES(SourceState, "connected", "silent", "disconnected")

struct ReportInput {
  Report report;
  std::string source;  // source id: "agent/<agent_id>", "http"
  SteadyTime received{};
  bool backlog = false;  // measured during an outage and sent later: to history, never into a round
};

// A source came, spoke (any frame), or went.
struct SourceInput {
  std::string source;
  SourceKind kind = SourceKind::agent;
  IdScope id_scope = IdScope::worker;
  SourceState state = SourceState::connected;
  std::string host;
  std::string boot_id;
  std::string version;
  Duration period = 5s;      // its frame period: silent after max(10 s, 2 periods)
  bool can_restart = false;  // owns an executor for its workers
  Duration expiry{};         // its own deadline for a silent worker (RQ 90/480 s, Sidekiq 60 s); 0 = none
  SteadyTime received{};
};
struct SourceFrameInput {
  std::string source;
  SteadyTime received{};
};

// Progress of a ladder, told by its executor. `step` is the one begun; `done` ends it.
struct ProgressInput {
  std::string source;
  std::string action_id;
  std::string worker_id;
  LadderStep step = LadderStep::accepted;
  bool done = false;
  bool ok = true;
  std::string new_incarnation;
  std::string message;
  SteadyTime received{};
  // With done and !ok: nothing was done and nothing failed; `message` says who holds it back. nullopt = it did not say
  // how long.
  bool held_back = false;
  std::optional<Duration> retry_after;
};

// A start that an agent decided by itself under its lease; journalled there, counted here once by action_id.
struct AgentStartInput {
  std::string source;
  std::string action_id;
  std::string worker_id;
  std::string previous_incarnation;
  std::string incarnation;
  int crashes = 0;
  Duration ago{};  // how long before it was sent
  ExitInfo exit;
  std::string last_words;  // of the life before, when no report could tell them; at most kMaxLastWords count
  SteadyTime received{};
};

enum class Verb {
  restart,
  drain,
  resume,
  quarantine,
  release,
  forget,
  approve,
  maintenance_on,
  maintenance_off,
  freeze,
  thaw,
  acknowledge,
  unacknowledge,
  silence,
  unsilence,
  reject,
  rolling_start,
  rolling_pause,
  rolling_resume,
  rolling_abort
};
PARAMEDIC_ENUM_NAMES(Verb, "restart", "drain", "resume", "quarantine", "release", "forget", "approve", "maintenance_on",
                     "maintenance_off", "freeze", "thaw", "acknowledge", "unacknowledge", "silence", "unsilence",
                     "reject", "rolling_start", "rolling_pause", "rolling_resume", "rolling_abort")

// An operator's wish. Answered by exactly one Answer effect with the same command_id.
struct CommandInput {
  std::string command_id;
  Verb verb = Verb::restart;
  std::string worker_id;  // empty for fleet-wide verbs
  std::string pool;       // maintenance of a pool; both empty = the whole fleet
  std::string actor;      // token name or "anonymous@127.0.0.1"
  std::string reason;
  bool force = false;
  std::optional<Duration> duration;  // maintenance
  std::string idempotency_key;
  // acknowledge: id of an incident or key of an alert; unsilence: id of a silence; rolling_…: its id; approve, reject:
  // an action's
  std::string target;
  std::string author;                  // acknowledge: on whose behalf; empty = the actor
  bool dry_run = false;                // restart: tell what it would do, and do nothing
  std::optional<Silence> silence;      // its id and created_at are given by the engine
  std::optional<RollingWish> rolling;  // rolling_start
  SteadyTime received{};
};

// The ledger can or cannot commit.
struct LedgerStateInput {
  bool degraded = false;
  std::string text;
};
// What became of a notification.
struct DeliveryInput {
  DeliveryOutcome outcome;
  SteadyTime received{};
};
// No new acts from here on.
struct ShutdownInput {};

// One try of an active probe (io/probes): every miss, every change, and a sign of life each 10 s.
struct ProbeInput {
  std::string name;    // key under `probes:`
  std::string kind;    // "tcp", "redis_ping", "http"
  std::string broker;  // what it stands for; empty = the monitor's own connectivity
  bool ok = false;
  std::string text;  // of a miss: why; at most 300 printable characters
  Duration took{};
  SteadyTime at{};  // when the try ended
};

using Input = std::variant<ReportInput, SourceInput, SourceFrameInput, ProgressInput, AgentStartInput, CommandInput,
                           LedgerStateInput, DeliveryInput, ShutdownInput, ProbeInput>;

// Wakes the engine at once: exit, connection, state change, operator command, first report of an incarnation is decided
// by the inbox from this.
bool is_urgent(const Input& input);

}  // namespace paramedic
