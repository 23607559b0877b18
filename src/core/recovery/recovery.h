// Recovery: which remedy runs when, under which brakes, and whether the cure is proven. Pure: (inputs, now) →
// RecoveryOutput. One strand (the engine's) calls everything. Per engine step: restore() once at first; then for each
// changed thing one of the update/on calls; at the end settle(), which decides, since one step may show that N wishes
// have one cause. Timers run in settle() as well: call it at next_deadline(). Ledger entries of one step must be
// durable before its acts are released (design section 4).
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/recovery/governor.h"
#include "core/recovery/lease.h"
#include "core/recovery/policy.h"
#include "core/recovery/recycle.h"
#include "model/effects.h"
#include "model/finding.h"
#include "model/input.h"
#include "model/view.h"

namespace paramedic {

// What a critical cause asks for. A score alone never asks for anything.
struct RemedyWish {
  RemedyKind kind = RemedyKind::none;
  Reason reason = Reason::none;
  std::string check;
  std::string text;      // "silent for 72 s (limit 60 s)"
  bool planned = false;  // the worker is well: a recycle
};
// The strongest wish of all critical causes: restart > drain_restart > start > none; of equals the first.
RemedyWish strongest_wish(std::span<const Finding> findings);

// All that recovery must know of one worker; the engine states it anew whenever something of it changed (each round is
// fine).
struct RecoveryWorkerFacts {
  std::string id, pool, host, version, source;
  std::string incarnation;  // the newest
  IdScope id_scope = IdScope::worker;
  bool by_agent = false;     // its source is an agent: it starts under leases
  bool can_restart = false;  // its source owns an executor
  bool source_connected = false;
  std::optional<WallTime> started_at;  // of this incarnation, as far as it is known
  // By an agent: what it told of the worker is news until then. Later a stop waits for its next word: on a line that is
  // dead without a sign every worker falls silent. nullopt = no agent, whose own silence is the evidence.
  std::optional<SteadyTime> news_until;
  WorkerState state = WorkerState::running;  // as reported; stopped, gone = inactive
  bool announced_stop = false;               // a stop notice is in force, or it said draining/stopping/stopped
  Status status = Status::unknown;
  RemedyWish wish;
  bool dead = false;  // the newest incarnation was seen to end
  std::optional<ExitInfo> exit;
  std::optional<SteadyTime> died_at;  // now when absent
  // Evidence of the newest incarnation, for the proof of a cure; nullopt = cannot be known.
  bool heard = false;  // it reported at least once (a real report, not only a start notice)
  bool has_model = false;
  std::optional<bool> took_task;              // since it began
  std::optional<bool> idle_with_empty_queue;  // no task runs and no ready work (a paused queue counts as empty)
  std::optional<bool> smoke_ok;
  // For the answer to a restart; by operators' commands only, else of the last one.
  bool tasks_known = false;  // it tells its tasks
  std::vector<InFlightTask> in_flight;
  std::vector<std::optional<double>> usual_seconds;  // of each: 99 % of its type end within; nullopt = not learned yet
  Acknowledge acknowledge = Acknowledge::unknown;
  bool idle = false;  // it is known to have nothing in flight
  RecycleFacts recycle;
};

struct RecoveryPoolFacts {
  std::string pool;
  std::string broker_down;   // name of the broker; empty = fine
  std::string source_blind;  // name of the source; empty = fine
  std::optional<SteadyTime> queue_stalled_since;
  std::optional<double> load_percent;  // slots that work on a task; nullopt = not known
};

// The end of a life against its will: a crash, or a stop by a ladder because it was ill. May be told twice.
struct RecoveryDeath {
  std::string worker_id, incarnation;
  std::string how;  // "signal 9, out of memory"; "stopped: hung task: …"
  bool stopped = false;
  SteadyTime at{};
};

struct RecoveryOutput {
  std::vector<LedgerEntry> ledger;
  std::vector<Act> acts;              // SendLadder, SendLease, SendWorkerCommand, Answer
  std::vector<AlertWish> alerts;      // for core/alerting
  std::vector<IncidentNote> notes;    // for core/alerting
  std::vector<RecoveryDeath> deaths;  // for core/analysis
  std::vector<FleetEvent> events;     // id 0: the engine numbers them
  std::vector<std::string> changed;   // workers whose RecoveryWorkerView changed; may repeat
  std::vector<std::string> changed_pools;
  void clear();
};

// For WorkerView and PoolView.
struct RecoveryWorkerView {
  std::optional<WorkerState> state;  // restarting, quarantined or maintenance, shown instead of the reported one
  std::optional<HoldBack> held;
  Boxed<ActionRecord> action;
  int crashes = 0, stops_used = 0, stops_allowed = 0;
};
struct RecoveryPoolView {
  RecoveryMode mode = RecoveryMode::automatic;
  std::optional<std::string> frozen;
  std::optional<WallTime> frozen_since;
  bool maintenance = false;
  int down_now = 0, down_allowed = 1, stops_hour = 0, stops_hour_allowed = 5;
};
// The same counters as EngineStats has; cumulative. Of the stops ordered those were done that have ended a worker, as
// far as their executors tell: not the refused, the overtaken and the held back ones.
struct RecoveryStats {
  std::uint64_t starts_wanted = 0, starts_done = 0, stops_wanted = 0, stops_ordered = 0, stops_done = 0,
                actions_succeeded = 0, actions_failed = 0;
  std::map<std::string, std::uint64_t> held;  // "start/backoff", "stop/frozen", …
};

class Recovery {
 public:
  Recovery(RecoveryPolicies policies, const Now& started);
  ~Recovery();
  Recovery(const Recovery&) = delete;
  Recovery& operator=(const Recovery&) = delete;

  // Budgets, backoff, quarantines, maintenance, the big switch and running ladders of the last life. REQUIRES: called
  // first.
  void restore(const LedgerState& state, const Now& now);
  // Changed configuration: clears backoff, budget and quarantine of the pools whose policy changed (not an operator's
  // quarantine).
  void set_policies(RecoveryPolicies policies, const Now& now, RecoveryOutput& out);

  void update_worker(const RecoveryWorkerFacts& facts, const Now& now, RecoveryOutput& out);
  void update_pool(const RecoveryPoolFacts& facts, const Now& now, RecoveryOutput& out);
  // The shared causes that may hold stops now (the whole list; `grave` is counted here). The engine tells them before
  // settle() of the same step, so that none is stopped for a cause that is known.
  void update_causes(std::vector<RecoveryCause> causes, const Now& now);
  // Forgotten or gone for good: its action ends as abandoned, its holds and alerts end.
  void remove_worker(std::string_view id, const Now& now, RecoveryOutput& out);
  void set_own_lag(Duration lag);
  void set_ledger_degraded(bool degraded);
  // No new acts from here on.
  void shut_down();

  void on_progress(const ProgressInput& progress, const Now& now, RecoveryOutput& out);
  void on_agent_start(const AgentStartInput& start, const Now& now, RecoveryOutput& out);
  // Answers restart, drain, resume, quarantine, release, approve, maintenance_on/off, freeze, thaw and rolling_… with
  // one Answer and one AuditRecord. False: not its verb (forget); the engine answers.
  bool on_command(const CommandInput& command, const Now& now, RecoveryOutput& out);

  void settle(const Now& now, RecoveryOutput& out);
  std::optional<SteadyTime> next_deadline() const;

  RecoveryWorkerView worker_view(std::string_view id, const Now& now) const;
  RecoveryPoolView pool_view(std::string_view pool, const Now& now) const;
  // Open ones first, then the latest that are over; each by start, the newest first.
  std::vector<RollingRecord> rollings() const;
  std::vector<MaintenanceRecord> maintenance() const;
  // The scope that mutes this worker: "worker/w", "pool/p", "fleet"; empty = none.
  std::string maintenance_of(std::string_view worker, std::string_view pool) const;
  bool big_switch_held() const;
  std::string big_switch_reason() const;
  const RecoveryStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
