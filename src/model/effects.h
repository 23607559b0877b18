// Effects of engine.step: plain values that the dispatcher performs in this order: ledger entries (committed durably),
// then acts; history rows and view changes independently.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/alert.h"
#include "model/death_record.h"
#include "model/history_row.h"
#include "model/input.h"
#include "model/input_record.h"
#include "model/notification.h"
#include "model/remedy.h"
#include "model/saved_state.h"
#include "model/task_fate.h"

namespace paramedic {

// ---- ledger -------------------------------------------------------------------------------------------------------

// A worker that is known, so that a restarted monitor misses it when it does not come back.
struct WorkerRecord {
  std::string worker_id, pool, host, source, version, incarnation;
  WorkerState state = WorkerState::running;
  Status status = Status::unknown;
  std::optional<Duration> back_within;  // of an announced stop
  WallTime since{};                     // when `state` began
  bool forgotten = false;               // the record ends here
};
// One automatic start or stop that counts against a brake; what the budgets are rebuilt from.
struct BudgetRecord {
  std::string action_id, worker_id, pool, host;
  bool stop = false;   // else a start
  bool crash = false;  // a start that followed a death
  WallTime at{};
  bool returned = false;  // takes the earlier record of this action back: it was held back, nothing was stopped
};
struct QuarantineRecord {
  std::string worker_id, pool, reason, actor;
  bool on = false;
  bool by_operator = false;
  WallTime at{};
};
struct MaintenanceRecord {
  std::string id;  // "worker/<id>", "pool/<pool>", "fleet"
  std::string reason, actor;
  bool on = false;
  std::optional<WallTime> until;
  WallTime at{};
};
struct BigSwitchRecord {
  bool held = false;
  std::string reason, actor;
  WallTime at{};
};
// What was counted of a worker is forgotten: its crashes because it was healthy for long; its stops, too, by an
// operator's release, a new version or a recovered broker.
struct BackoffClearedRecord {
  std::string worker_id;
  std::string reason;
  bool crashes_only = false;
  WallTime at{};
};
struct AuditRecord {
  WallTime at{};
  std::string actor, verb, target, reason, result;
};

// The last record of a key wins (key by kind: action_id, worker_id, incident id, alert key …); BudgetRecord,
// AuditRecord, InputRecord and DeathRecord only append. A new alternative comes last: its number is stored.
using LedgerBody =
    std::variant<ActionRecord, WorkerRecord, BudgetRecord, QuarantineRecord, MaintenanceRecord, BigSwitchRecord,
                 BackoffClearedRecord, AuditRecord, Incident, Alert, InputRecord, NotificationRecord, Silence,
                 Acknowledgement, NotificationGroup, RollingRecord, RollingTarget, DeathRecord>;
struct LedgerEntry {
  WallTime at{};
  LedgerBody body;
};

// What start-up reads back: the latest value of each key that still matters, budgets and actions of the last 2 h.
struct LedgerState {
  std::vector<ActionRecord> actions;  // not final, or ended within 2 h
  std::vector<WorkerRecord> workers;  // not forgotten
  std::vector<BudgetRecord> budgets;
  std::vector<QuarantineRecord> quarantines;   // on
  std::vector<MaintenanceRecord> maintenance;  // on
  std::optional<BigSwitchRecord> big_switch;
  std::vector<BackoffClearedRecord> backoff_cleared;
  std::vector<Incident> incidents;                // open
  std::vector<Alert> alerts;                      // firing
  std::vector<NotificationRecord> notifications;  // not delivered or failed yet, or of the last 2 h
  std::vector<Silence> silences;                  // not over
  std::vector<Acknowledgement> acknowledgements;  // on
  std::vector<NotificationGroup> groups;          // open
  std::vector<RollingRecord> rollings;            // open, and those of the last 30 days
  std::vector<RollingTarget> rolling_targets;     // waiting and running
  std::vector<DeathRecord> deaths;                // of the last 7 days
};

// ---- acts ---------------------------------------------------------------------------------------------------------

struct SendLadder {
  std::string source;
  Ladder ladder;
};
struct SendLease {
  std::string source;
  Lease lease;
};
// drain or resume of a living worker, outside a ladder.
struct SendWorkerCommand {
  std::string source, worker_id, incarnation;
  Verb verb = Verb::drain;
};
// What the executor told is committed: it need not tell it again.
struct SendAck {
  std::string source;
  std::vector<std::string> action_ids;
};
// An alert began, rose or ended: for the log.
struct Notify {
  Alert alert;
};
// Send it, again after a restart when its outcome is not known: io/notify drops an id it has delivered.
struct SendNotification {
  Notification notification;
};
struct CommandResult {
  bool success = false;
  std::optional<Error> error;  // set when refused
  std::string action_id;       // of a restart
  bool running = false;        // 202: goes on
  std::string message;
  std::string id;                        // of what was made: a silence, a rolling restart
  std::optional<LossForecast> forecast;  // of a restart: its tasks in flight
};
struct Answer {
  std::string command_id;
  CommandResult result;
};
using Act = std::variant<SendLadder, SendLease, SendWorkerCommand, SendAck, Notify, SendNotification, Answer>;

struct Effects {
  std::vector<LedgerEntry> ledger;
  std::vector<Act> acts;
  std::vector<HistoryRow> history;
  std::vector<SavedState> states;  // of the analysis, to be kept with the history
  bool publish_now = false;        // a transition, exit, incident or action: do not wait for the 250 ms tick
  std::optional<SteadyTime> next_deadline;

  void clear() {
    ledger.clear();
    acts.clear();
    history.clear();
    states.clear();
    publish_now = false;
    next_deadline.reset();
  }
};

}  // namespace paramedic
