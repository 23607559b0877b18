// Remedies: what may be done to a worker, how far it has come, and why it is held back. Decided by core/recovery,
// performed by an executor (the agent), persisted in the ledger, shown in the API. Plain values.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/remedy_kind.h"
#include "model/status.h"

namespace paramedic {

// How remedies run in a pool. automatic: at once. approve: wait for an operator. shadow: say what would be done. off:
// nothing.
enum class RecoveryMode { automatic, approve, shadow, off };
PARAMEDIC_ENUM_NAMES(RecoveryMode, "auto", "approve", "shadow", "off")

// One step of a ladder, in order. The agent reports each.
enum class LadderStep { accepted, diagnostics, drain, term, kill, start, verify };
PARAMEDIC_ENUM_NAMES(LadderStep, "accepted", "diagnostics", "drain", "term", "kill", "start", "verify")

// held_back: what its executor asked said "not now" (a disruption budget); nothing was done and nothing has failed.
enum class ActionState { waiting_approval, sent, running, verifying, succeeded, failed, refused, abandoned, held_back };
PARAMEDIC_ENUM_NAMES(ActionState, "waiting_approval", "sent", "running", "verifying", "succeeded", "failed", "refused",
                     "abandoned", "held_back")
inline bool is_final(ActionState s) { return s >= ActionState::succeeded; }

// What happened to a remedy, in the words of its history. From `accepted` to `verify` as LadderStep.
enum class ActionMoment {
  requested,
  approved,
  rejected,
  sent,
  accepted,
  diagnostics,
  drain,
  term,
  kill,
  start,
  verify,
  ended
};
PARAMEDIC_ENUM_NAMES(ActionMoment, "requested", "approved", "rejected", "sent", "accepted", "diagnostics", "drain",
                     "term", "kill", "start", "verify", "ended")

struct ActionStep {
  ActionMoment step = ActionMoment::requested;
  WallTime at{};
  std::string message;  // at most kMaxStepMessage bytes
};
inline constexpr std::size_t kMaxActionSteps = 16;
inline constexpr std::size_t kMaxCanaryOf = 16;
inline constexpr std::size_t kMaxStepMessage = 300;

// A whole restart, sent to the executor at once, so that it can finish alone. Deadlines are relative: the clocks of two
// machines are never compared.
struct Ladder {
  std::string action_id;  // idempotency key: the executor performs it at most once
  std::string worker_id;
  std::string expected_incarnation;  // another one alive = refused
  RemedyKind kind = RemedyKind::restart;
  Duration diagnostics{};  // for the worker's diagnostics hook; 0 = it is not asked
  Duration drain{};        // 0 = no drain step
  Duration max_drain{};    // while tasks progress
  Duration term_grace{};   // TERM → KILL
  Duration start_delay{};
  std::string reason;  // in words, for the executor's log
};

// The right to start a dead worker without asking. Never grants a stop. Renewed every 20 s, valid 60 s on the agent's
// steady clock.
struct Lease {
  std::string worker_id;
  std::string incarnation;
  int crashes = 0;           // so far; the agent counts on from here
  Duration next_start_in{};  // 0 = at once
  bool hold = false;         // held, stopped, quarantined by an operator, maintenance or the big switch: do not start
  std::string hold_reason;
  bool adds_jitter = false;  // many died at once: 0–10 s before the start
  Duration valid_for = 60s;
};

// One remedy from the wish to its end; the unit of the ledger and of GET /restarts.
struct ActionRecord {
  std::string action_id;
  std::string worker_id;
  std::string pool;
  std::string host;
  std::string incarnation;      // the one acted upon
  std::string new_incarnation;  // the successor, once known
  RemedyKind kind = RemedyKind::restart;
  ActionState state = ActionState::sent;
  LadderStep step = LadderStep::accepted;
  Reason reason = Reason::none;
  std::string text;            // why, in words
  std::string actor;           // "paramedic", or the operator
  std::string executor;        // source id that performs it
  std::string rolling_id;      // the rolling restart that it is part of; empty = none
  bool by_operator = false;    // skips budget and freeze and is not counted
  bool counted_start = false;  // counts against the start backoff
  bool counted_stop = false;   // counts against the stop budgets
  // What it is the canary of, the one stop that tries whether restarts help at all: "pool/thumbs", frozen, or
  // "cause/host/h3", a shared cause. Mostly empty; at most kMaxCanaryOf.
  std::vector<std::string> canary_of;
  WallTime requested_at{};
  std::optional<WallTime> sent_at;
  std::optional<WallTime> verify_since;
  std::optional<WallTime> ended_at;
  std::string outcome;            // in words, when ended
  std::vector<ActionStep> steps;  // in the order in which they were told; each at most once, at most kMaxActionSteps
};

// Why a wanted remedy does not run now. `code` is the label of paramedic_remedies_held_total.
enum class HoldCode {
  none,
  mode_off,
  mode_shadow,
  mode_approve,
  big_switch,
  maintenance,
  frozen,
  stop_budget_worker,
  stop_budget_pool,
  stop_rate_pool,
  down_cap,
  last_healthy,
  monitor_lag,
  monitor_young,
  ledger_degraded,
  backoff,
  crash_loop,
  quarantined,
  action_running,
  source_away,
  no_executor,
  exit_code,
  announced_stop,
  waits_for_quiet,  // a planned recycle: its pool is not well, or works hard
  disruption_budget,
  shared_cause,
};
PARAMEDIC_ENUM_NAMES(HoldCode, "none", "mode_off", "mode_shadow", "mode_approve", "big_switch", "maintenance", "frozen",
                     "stop_budget_worker", "stop_budget_pool", "stop_rate_pool", "down_cap", "last_healthy",
                     "monitor_lag", "monitor_young", "ledger_degraded", "backoff", "crash_loop", "quarantined",
                     "action_running", "source_away", "no_executor", "exit_code", "announced_stop", "waits_for_quiet",
                     "disruption_budget", "shared_cause")

struct HoldBack {
  RemedyKind wanted = RemedyKind::none;
  HoldCode code = HoldCode::none;
  std::string text;               // "2 of 3 stops used in 30 min, next in 40 s"
  std::optional<WallTime> until;  // when it may go on by itself, if known
};

}  // namespace paramedic
