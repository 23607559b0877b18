// The state of class Recovery, private to its .cc files. Each file is one concern: facts (what happened), actions
// (ladders), approval (a person's word is asked), heldback (an executor was told "not now"), recycle (planned stops),
// verify (proof), decide (who may), timers (settle, leases), commands (operators), rolling (restarts in turn), restore
// (the ledger read back).
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/recovery/recovery.h"
#include "core/recovery/rolling.h"
#include "model/answered_commands.h"

namespace paramedic {

struct Recovery::Impl {
  // The proof of a cure: of a restart, or of the start after a crash (then perhaps without an action of ours).
  struct Verification {
    SteadyTime since{};                    // of the start
    std::optional<SteadyTime> heard_at;    // the new incarnation's first report
    std::optional<SteadyTime> calm_since;  // heard and without a critical finding since then
    std::optional<SteadyTime> paused_at;   // its source is away: nothing can be proven and nothing fails
    bool failed = false;                   // too late, but a late proof still ends the alerts
  };

  struct Worker {
    RecoveryWorkerFacts facts;
    bool seen = false;  // facts came in this life of the monitor (not only a record of the ledger)
    // What it adds to its pool's counts; kept so that it can be taken away again.
    bool counted = false, counted_known = false, counted_ill = false;
    std::optional<SteadyTime> ill_since;

    Backoff backoff;
    std::vector<std::string> past;  // earlier incarnations, the latest last: late facts of them are no births
    std::string ended_incarnation;  // whose end was handled
    bool crashed = false;           // dead against its will: wants a start
    bool stopped = false;           // ended on purpose
    bool end_was_ours = false;      // a ladder ended it
    std::optional<SteadyTime> next_start;
    std::optional<SteadyTime> not_before;  // a refused start is not repeated at once
    bool adds_jitter = false;

    RemedyWish stop_wish;  // in force; kind none = no wish
    std::optional<SteadyTime> wish_since;
    bool approved = false;
    std::optional<SteadyTime> rejected_until;  // a person said no to this wish
    std::string rejected;                      // "by ann: it is being looked at"
    Quarantine quarantine;
    std::optional<SteadyTime> calm_since;  // known, alive and not ill since then

    Boxed<ActionRecord> action;  // the running or the latest one
    std::optional<SteadyTime> action_deadline;
    bool unsure = false;  // the action comes from the last life of the monitor, and nobody has told of it yet
    std::optional<SteadyTime> first_words_by;  // its executor is here and must tell of the action by then
    std::optional<SteadyTime> counted_at;      // when the running action was counted as a stop
    Boxed<ExecutorHold> executor_hold;
    std::optional<Verification> verify;
    std::optional<HoldBack> held;

    std::optional<Lease> lease;  // the last one sent
    SteadyTime lease_sent{};
    bool crash_alert = false, crash_critical = false, verify_alert = false, quarantine_alert = false,
         approval_alert = false;
    std::optional<SteadyTime> crash_rises_at;
    std::string crash_loop_key;  // set while it crash-loops
    std::optional<SteadyTime> timer;
    SteadyTime looked_at{};  // by the last settle(): verification deadlines before it have been judged

    bool action_open() const { return action && !is_final(action->state); }
    bool action_running() const { return action_open() && action->state != ActionState::waiting_approval; }
    bool stop_running() const { return action_running() && is_stop(action->kind); }
  };

  // The key of a frozen pool in ActionRecord::canary_of; a shared cause has its own.
  static std::string pool_key(const std::string& pool) { return "pool/" + pool; }
  // Whether a stop counts towards the share of a pool that may be down through us.
  static bool takes_place(const ActionRecord& a) { return a.counted_stop || !a.rolling_id.empty(); }

  struct Pool {
    RecoveryPoolFacts facts;
    int size = 0, known = 0, ill = 0;
    std::deque<std::pair<SteadyTime, std::string>> turned_ill;
    std::set<std::string> members;
    std::set<std::pair<SteadyTime, std::string>> wanting;  // wish since, worker
    std::set<std::string> crashed;                         // want a start
    std::set<std::string> down;                            // through us
    BudgetWindow stops;
    Freeze freeze;
    WallTime frozen_since{};
    bool canary_alert = false;
    std::optional<ExecutorHold> executor_hold;
    std::deque<SteadyTime> deaths;
    std::optional<SteadyTime> recheck;
  };

  struct MaintenanceEntry {
    MaintenanceRecord record;
    std::optional<SteadyTime> until;
  };

  // On whose behalf a remedy runs, when not Paramedic's own.
  struct Asker {
    std::string actor;
    std::string rolling;  // the rolling restart that it is part of; empty = an order for this worker alone
  };

  // An open rolling restart.
  struct Rolling {
    RollingRecord record;
    std::vector<RollingTarget> targets;    // waiting and running ones, by turn
    std::optional<SteadyTime> look_at;     // when a turn may be due
    std::optional<SteadyTime> away_since;  // only workers of absent agents are left
    std::string unknown;                   // whose restart was lost sight of while the monitor was away
    bool unsaved = false;                  // the record changed since the ledger heard of it
  };

  explicit Impl(RecoveryPolicies p, const Now& started) : policies(std::move(p)) {
    fleet.monitor_started = started.steady;
  }

  // ---- recovery_facts.cc
  Worker& worker(const std::string& id) { return workers[id]; }
  Worker* find(std::string_view id);
  Pool& pool_of(const Worker& w) { return pools[w.facts.pool]; }
  const RecoveryPolicy& policy_of(const Worker& w) const { return policies.of(w.facts.pool); }
  std::string budget_key(const Worker& w) const;
  void take_facts(Worker& w, const RecoveryWorkerFacts& facts, const Now& now, RecoveryOutput& out);
  void uncount(Worker& w);
  void recount(Worker& w, const Now& now);
  void update_wish(Worker& w, const Now& now, RecoveryOutput& out);
  void set_wish(Worker& w, RemedyWish wish, const Now& now, RecoveryOutput& out);
  void born(Worker& w, const Now& now, RecoveryOutput& out);
  void ended(Worker& w, SteadyTime at, const Now& now, RecoveryOutput& out);
  // is_death false: its life had ended before, and nothing started it again.
  void crashed(Worker& w, SteadyTime at, bool is_death, const Now& now, RecoveryOutput& out);
  void note_stop_death(const Worker& w, SteadyTime at, RecoveryOutput& out) const;
  void note_mass_death(Worker& w, SteadyTime at);
  void check_crash_loop(Worker& w, const Now& now, RecoveryOutput& out);
  void end_crash_loop(Worker& w, RecoveryOutput& out);
  void clear_history(Worker& w, const std::string& reason, bool also_quarantine, const Now& now, RecoveryOutput& out);
  static bool is_past(const Worker& w, const std::string& incarnation);
  static void remember_past(Worker& w, const std::string& incarnation);
  void adopt_successor(Worker& w, const Now& now);
  void set_next_start(Worker& w);

  // ---- recovery_actions.cc
  void begin_stop(Worker& w, RemedyKind kind, Reason reason, std::string text, const Asker* by, const Now& now,
                  RecoveryOutput& out);
  void count_stop(Worker& w, const Now& now, RecoveryOutput& out);
  void begin_start(Worker& w, Reason reason, std::string text, const Asker* by, const Now& now, RecoveryOutput& out);
  bool count_start(const std::string& action_id);  // false: counted before
  void count_death_of(Worker& w, const AgentStartInput& start, SteadyTime at, const Now& now, RecoveryOutput& out);
  void announce(Worker& w, const std::string& incarnation, const Now& now, RecoveryOutput& out);
  void begin_agent_start(Worker& w, const AgentStartInput& start, const Now& now, RecoveryOutput& out);
  ActionRecord new_action(Worker& w, RemedyKind kind, Reason reason, std::string text, const Asker* by, const Now& now);
  Ladder ladder_of(const Worker& w) const;
  Duration action_time(const Worker& w) const;
  void record_action(Worker& w, const Now& now, RecoveryOutput& out);
  bool told_step(Worker& w, const ProgressInput& p, const Now& now, RecoveryOutput& out);
  void progress(Worker& w, const ProgressInput& p, const Now& now, RecoveryOutput& out);
  void finish_action(Worker& w, ActionState state, std::string outcome, const Now& now, RecoveryOutput& out);
  void quarantine(Worker& w, std::string reason, const Now& now, RecoveryOutput& out);
  void end_quarantine(Worker& w, std::string reason, const std::string& actor, const Now& now, RecoveryOutput& out);

  static std::string_view verb(RemedyKind kind);

  // ---- recovery_approval.cc
  void wait_for_approval(Worker& w, RemedyKind kind, Reason reason, std::string text, const Now& now,
                         RecoveryOutput& out);
  void end_approval(Worker& w, std::string closed_as, RecoveryOutput& out);
  void end_stale_approval(Worker& w, const Now& now, RecoveryOutput& out);
  std::optional<CommandResult> nothing_waits(const Worker& w, const std::string& action) const;
  CommandResult command_approve(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult command_reject(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out);
  void restore_approval(Worker& w, const Now& now);

  // ---- recovery_recycle.cc
  RemedyWish planned_wish(const Worker& w, SteadyTime now) const;
  std::optional<SteadyTime> next_planned(const Worker& w, SteadyTime now) const;
  std::optional<HoldBack> planned_hold(Pool& pool, const Worker& w, const Now& now);

  // ---- recovery_heldback.cc
  void held_back(Worker& w, const ProgressInput& p, const Now& now, RecoveryOutput& out);
  void take_back_stop(Worker& w, const Now& now, RecoveryOutput& out);
  void wait_before_asking_again(Worker& w, const ProgressInput& p, const Now& now);

  // ---- recovery_verify.cc
  void begin_verify(Worker& w, SteadyTime since, const Now& now, RecoveryOutput& out);
  void check_verify(Worker& w, const Now& now, RecoveryOutput& out);
  void proven(Worker& w, std::string how, const Now& now, RecoveryOutput& out);
  void not_proven(Worker& w, std::string why, const Now& now, RecoveryOutput& out);
  Duration grace_of(const Worker& w) const;

  // ---- recovery_decide.cc
  PoolHealth health_of(Pool& pool, const RecoveryPolicy& policy, SteadyTime now);
  GovernorPool governor_pool(const std::string& name, const Pool& pool) const;
  GovernorWorker governor_worker(const Worker& w, RemedyKind wanted, const Now& now) const;
  const MaintenanceEntry* maintenance_entry(std::string_view worker, std::string_view pool) const;
  void decide_pool(const std::string& name, const Now& now, RecoveryOutput& out);
  void decide_stop(const std::string& name, Pool& pool, Worker& w, const Now& now, RecoveryOutput& out);
  void decide_start(const std::string& name, Pool& pool, Worker& w, const Now& now, RecoveryOutput& out);
  void check_pool_of_one(const std::string& name, Pool& pool, const Now& now, RecoveryOutput& out);
  void set_hold(Worker& w, std::optional<HoldBack> held, RecoveryOutput& out);
  void update_freeze(const std::string& name, Pool& pool, const Now& now, RecoveryOutput& out);
  void recheck_at(Pool& pool, std::optional<SteadyTime> at);

  // ---- recovery_timers.cc
  void settle(const Now& now, RecoveryOutput& out);
  void run_timers(Worker& w, const Now& now, RecoveryOutput& out);
  void schedule(Worker& w);
  void renew_lease(Worker& w, const Now& now, RecoveryOutput& out);
  void expire_maintenance(const Now& now, RecoveryOutput& out);
  std::optional<SteadyTime> next_deadline() const;
  void touch(const Worker& w) {
    touched.insert(w.facts.id);
    dirty_pools.insert(w.facts.pool);
  }
  void touch_all();
  void dirty_pools_of(const std::set<std::string>& ids);

  // ---- recovery_commands.cc
  static CommandResult refused(Errc code, std::string message);
  static CommandResult done(std::string message);
  CommandResult command(const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult command_restart(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult command_drain(Worker& w, const CommandInput& c, RecoveryOutput& out);
  CommandResult command_quarantine(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult command_release(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult command_maintenance(const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult command_switch(const CommandInput& c, const Now& now, RecoveryOutput& out);

  // ---- recovery_rolling.cc
  RollingWorker rolling_worker(const RollingTarget& target, const Now& now) const;
  RollingPool rolling_pool(const std::string& name) const;
  RollingJudgement turn_of(const RollingTarget& target, const Now& now) const;
  void settle_rollings(const Now& now, RecoveryOutput& out);
  void advance_rolling(Rolling& r, const Now& now, RecoveryOutput& out);
  void leave_out_absent(Rolling& r, const Now& now, RecoveryOutput& out);
  void begin_turn(Rolling& r, RollingTarget& t, Worker& w, const Now& now, RecoveryOutput& out);
  void end_target(Rolling& r, RollingTarget& t, RollingTargetState state, std::string text, const Now& now,
                  RecoveryOutput& out);
  void rolling_ended(const ActionRecord& action, const Now& now, RecoveryOutput& out);
  void end_rolling_if_through(Rolling& r, const Now& now, RecoveryOutput& out);
  void change_rolling(Rolling& r, RollingState state, std::string text, const std::string& by, const Now& now,
                      RecoveryOutput& out);
  void pause_rolling(Rolling& r, std::string why, const std::string& by, const Now& now, RecoveryOutput& out);
  void save_rolling(Rolling& r, const Now& now, RecoveryOutput& out);
  CommandResult command_rolling(const CommandInput& c, const Now& now, RecoveryOutput& out);
  CommandResult change_rolling_by_command(Rolling& r, const CommandInput& c, const Now& now, RecoveryOutput& out);
  std::vector<RollingCandidate> rolling_candidates(const RollingWish& wish, const Now& now) const;
  CommandResult begin_rolling(const CommandInput& c, const Now& now, RecoveryOutput& out);
  void restore_rollings(const LedgerState& state, const Now& now);
  void restore_target(Rolling& r, RollingTarget& t);

  // ---- recovery_restore.cc
  void restore(const LedgerState& state, const Now& now);
  void restore_budgets(const LedgerState& state, const Now& now);
  void restore_actions(const LedgerState& state, const Now& now);
  void on_connected(Worker& w, const Now& now, RecoveryOutput& out);
  void check_unsure(Worker& w, const Now& now, RecoveryOutput& out);
  void restore_canary(const ActionRecord& a, const Now& now);
  void restore_alert_flags(const LedgerState& state);

  void wish_alert(const Worker& w, bool on, Severity severity, Reason reason, std::string title, std::string message,
                  RecoveryOutput& out) const;
  void event(const Worker& w, std::string kind, std::string text, const Now& now, RecoveryOutput& out) const;
  void note(const Worker& w, TimelineKind kind, std::string text, std::optional<bool> holds_open,
            RecoveryOutput& out) const;

  RecoveryPolicies policies;
  GovernorFleet fleet;
  bool shut_down = false;
  std::map<std::string, Worker, std::less<>> workers;
  std::map<std::string, Pool, std::less<>> pools;
  CauseHolds causes;
  std::map<std::string, BudgetWindow> budgets;  // stops by budget_key
  std::map<std::string, std::deque<SteadyTime>> host_deaths;
  std::map<std::string, std::set<std::string>> crash_loops;  // alert key → workers
  std::vector<AlertWish> owed_alerts;                        // of the last life, told by the first settle()
  std::map<std::string, MaintenanceEntry> maintenance;
  std::deque<std::string> counted_order;  // action ids of agent starts already counted, oldest first
  std::set<std::string> counted;
  std::map<std::string, Rolling> rollings;  // open ones by id
  std::deque<RollingRecord> past_rollings;  // the latest that are over, oldest first
  AnsweredCommands answered;
  std::set<std::pair<SteadyTime, std::string>> timers;  // workers
  std::set<std::string> touched;                        // workers to look at in settle()
  std::set<std::string> dirty_pools;
  RecoveryStats stats;
};

}  // namespace paramedic
