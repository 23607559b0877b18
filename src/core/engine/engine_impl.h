// Internal to core/engine: the engine's memory and the parts of a step, one .cc file each (inputs, rounds, pools,
// publish).
#pragma once
#include <deque>
#include <queue>
#include <set>

#include "core/alerting/notifier.h"
#include "core/analysis/fleet_analysis.h"
#include "core/analysis/poison.h"
#include "core/analysis/shared_cause.h"
#include "core/engine/engine.h"
#include "core/recovery/recovery.h"

namespace paramedic {

struct Engine::Impl {
  // What the engine keeps of one worker, by handle.
  struct Slot {
    bool used = false;
    bool touched = false;        // already in touched_
    bool dirty = false;          // its view must be rebuilt
    bool urgent = false;         // … with the next publication of whatever scope
    bool announced_bad = false;  // alerting holds findings of it
    bool muted = false;
    bool ruled = false;                // an alert of a rule fires for it: alerting hears of every round
    std::uint64_t recovery_print = 0;  // of the facts that recovery was told last
    std::string id;
    VerdictState memory;
    std::shared_ptr<const Verdict> verdict = no_verdict();  // shared with its view
    WallTime last_check{};
    SteadyTime next_history{};
    std::optional<SteadyTime> deadline;  // its valid entry in deadlines_
    std::string last_death;              // the incarnation whose end was taken for poison tasks last
    std::shared_ptr<const WorkerAnalysisView> analysis;  // as of its latest history row
    std::map<std::string, SteadyTime> foretold;          // alerts of the analysis that hold for it, and when told last
    std::shared_ptr<const WorkerView> view;
    std::size_t page = 0;
  };
  struct Deadline {
    SteadyTime at;
    WorkerHandle worker;
    bool operator>(const Deadline& other) const { return at != other.at ? at > other.at : worker > other.worker; }
  };
  struct PoolSlot {
    bool touched = true;
    SteadyTime judged_at{};
    std::vector<Cause> findings;  // with `since`
    double tasks_per_minute = 0;
    std::optional<SteadyTime> stalled_since, deadline;
    SteadyTime deaths_since{};  // the hour in which `deaths_recorded` are counted
    int deaths_recorded = 0;
  };

  Impl(EngineConfig config, const Now& start);

  // ---- inputs.cc ----
  void take(Input& input, const Now& now, Effects& out);
  void take(ReportInput& input, const Now& now, Effects& out);
  void take(SourceInput& input, const Now& now, Effects& out);
  void take(SourceFrameInput& input, const Now& now, Effects& out);
  void take(ProgressInput& input, const Now& now, Effects& out);
  void take(AgentStartInput& input, const Now& now, Effects& out);
  void take(CommandInput& input, const Now& now, Effects& out);
  void take(LedgerStateInput& input, const Now& now, Effects& out);
  void take(DeliveryInput& input, const Now& now, Effects& out);
  void take(ShutdownInput& input, const Now& now, Effects& out);
  void take(ProbeInput& input, const Now& now, Effects& out);
  void note_command(const CommandInput& input, const Now& now, Effects& out);
  void forget(const CommandInput& input, const Now& now, Effects& out);
  void sources_changed(const SourceOutcome& outcome, const Now& now, Effects& out);
  void sweep(const Now& now, Effects& out);
  void drop(WorkerHandle worker, const std::string& worker_id, const Now& now);
  void record_worker(WorkerHandle worker, bool forgotten, const Now& now, Effects& out);
  void record_exit(WorkerHandle worker, const std::string& source, const Now& now, Effects& out);

  // ---- rounds.cc ----
  Slot& slot(WorkerHandle worker);
  void touch(WorkerHandle worker);
  void changed(WorkerHandle worker, bool at_once);  // its view is out of date
  void touch_all_of_pool(const std::string& pool);
  void rounds(const Now& now, Effects& out);
  void round(WorkerHandle worker, const Now& now, Effects& out);
  void note_transition(WorkerHandle worker, Status from, const Now& now, Effects& out);
  void add_history(WorkerHandle worker, bool transition, const Now& now, Effects& out);
  void tell_recovery(WorkerHandle worker, const Now& now, bool always);
  void tell_alerting(WorkerHandle worker, const Now& now);
  RecoveryWorkerFacts recovery_facts(WorkerHandle worker, const Now& now);
  void schedule(WorkerHandle worker, SteadyTime at);
  SteadyTime condemn_at() const { return std::max(condemn_from, cut_off_until); }  // before it no verdict turns bad
  std::optional<SteadyTime> next_worker_deadline();
  SteadyTime next_phase(const std::string& worker_id, SteadyTime now) const;

  // ---- pools.cc ----
  void judge_pools(const Now& now);
  void judge_pool(const std::string& pool, PoolSlot& state, const Now& now);
  void judge_brokers(const Now& now, Effects& out);
  void tell_broker(const BrokerFacts& broker, bool on, const Now& now);
  void judge_connectivity(const Now& now, Effects& out);
  void restore_outages(const LedgerState& state, const Now& now);
  void end_restored_outages(const Now& now);
  void judge_monitor(const Now& now);
  void settle(const Now& now, Effects& out);
  void add_event(FleetEvent event);

  // ---- rules.cc ----
  void tell_rules(WorkerHandle worker, const Now& now);
  void tell_rules_pool(const std::string& pool, const PoolFacts& facts, const std::vector<Cause>& findings,
                       const Now& now);
  void tell_monitor(Reason reason, bool on, Severity severity, std::string message, const Now& now);
  void settle_rules(const Now& now);
  void configure(EngineConfig next, const Now& now);

  // ---- causes.cc ----
  void restore_causes(const LedgerState& state);
  void plan_causes(const Now& now);
  void judge_causes(const Now& now);
  std::vector<CauseSubject> cause_subjects(const std::vector<IllWorker>& ill) const;

  // ---- poison.cc ----
  void restore_poison(const LedgerState& state, const Now& now);
  void judge_poison(const Now& now, Effects& out);
  std::optional<DeathRecord> death_record(const RecoveryDeath& death, const Now& now);
  void fill_tasks(DeathRecord& record, WorkerHandle worker, const Fleet::LastWord& word, SteadyTime at, const Now& now);
  AlertWish poison_wish(const PoisonTask& task, bool on) const;
  void poison_changed();

  // ---- analysis.cc ----
  void restore_analysis(const LedgerState& state, const Now& now);
  void analyse(WorkerHandle worker, const HistoryRow& row, const Now& now, Effects& out);
  void tell_analysis(WorkerHandle worker, const Now& now);
  std::vector<AlertWish> analysis_wishes(const Slot& slot, const WorkerFacts& facts) const;
  void end_foretold(Slot& slot, const std::string& key, const Now& now);
  void forget_analysis(WorkerHandle worker, const Now& now);
  void sweep_analysis(const Now& now, Effects& out);
  void judge_degradations(const Now& now);
  void configure_analysis(const Now& now);

  // ---- notify.cc ----
  void notify(const Now& now, Effects& out);
  void tell_failed_deliveries(const Now& now);
  void move_notifier_output(Effects& out);
  void tell_windows(const Now& now);

  // ---- publish.cc ----
  void rebuild_view(WorkerHandle worker, const Now& now, FleetDelta& delta);
  void rebuild_views(std::vector<WorkerHandle>& workers, const Now& now, FleetDelta& delta);
  void rebuild_pages();
  std::shared_ptr<const FleetView> fleet_view(const Now& now);
  PoolView pool_view(const std::string& pool, const Now& now) const;
  EngineStats stats() const;

  EngineConfig config;
  Fleet fleet;
  Recovery recovery;
  Alerting alerting;
  Rules rules;
  Notifier notifier;
  std::vector<Slot> slots;
  std::vector<WorkerHandle> touched;
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines;
  std::map<std::string, PoolSlot, std::less<>> pools;
  std::map<std::string, std::string> brokers_down;  // name → the evidence that was told
  std::uint64_t broker_flips = 0;                   // of the fleet, when brokers_down was made
  SteadyTime cut_off_until{};                       // before it no verdict turns bad
  std::set<Reason> monitor_troubles;                // of the monitor itself, that hold now
  std::set<std::string> restored_outages;           // alerts of the last life about brokers and the monitor itself
  SteadyTime restored_until{};                      // by then they are stated anew, or have ended meanwhile
  SharedCauseFinder causes;
  std::uint64_t causes_asked = 0;  // alerting.conditions_changed() when causes were looked for last
  std::optional<SteadyTime> causes_due;
  FleetAnalysis analysis;
  // Forecasts of what belongs to a host: one alert, whoever of its workers tells. Key → those that do.
  std::map<std::string, std::set<std::string>> host_forecasts;
  std::set<std::string> restored_degradations;  // alerts of the last life that are not stated anew yet
  std::optional<SteadyTime> restored_analysis_until;  // by then they are, or have ended
  bool degradations_dirty = true;                     // after a start
  std::shared_ptr<const std::vector<TaskDegradation>> degradations =
      std::make_shared<const std::vector<TaskDegradation>>();
  PoisonFinder poison;
  std::shared_ptr<const std::vector<PoisonTask>> poison_named = std::make_shared<const std::vector<PoisonTask>>();
  std::optional<SteadyTime> poison_due;  // when a named one ends
  RecoveryOutput recovery_out;
  AlertingOutput alerting_out;
  std::vector<AlertWish> rule_wishes;  // reused
  NotifierOutput notifier_out;
  WallTime windows_at{};                // when the maintenance windows were told to the notifier
  std::optional<WallTime> windows_due;  // and when again; nullopt = now
  std::vector<Finding> raw;             // reused by rounds

  SteadyTime next_sweep{};
  SteadyTime condemn_from{};           // before it no verdict turns bad: the monitor lagged
  std::optional<SteadyTime> expected;  // when this step was due at the latest
  Duration own_lag{};
  std::uint64_t checks_failed_told = 0, refused_told = 0;
  std::optional<SteadyTime> check_failure_seen, overflow_seen;
  bool ledger_degraded = false, shut_down = false;

  std::deque<FleetEvent> events;  // the latest 200
  std::vector<FleetEvent> new_events;
  std::uint64_t next_event = 1;
  std::uint64_t generation = 0;
  bool dirty = true;  // anything at all
  bool membership_changed = true;
  std::vector<WorkerHandle> dirty_workers, urgent_workers;  // may name a worker that is not dirty any more
  std::vector<std::string> removed;
  std::vector<std::shared_ptr<const WorkerPage>> pages;
  std::vector<std::vector<WorkerHandle>> page_members;
  std::uint64_t rounds_run = 0, transitions = 0, checks_failed = 0;
  Duration round_lag{};
};

// What the parts take of the engine's configuration.
FleetConfig fleet_config(const EngineConfig& config);
RecoveryPolicies recovery_policies(const EngineConfig& config);

// What was no sample goes to the ledger as it came, for replay.
inline void record_input(InputRecord record, const Now& now, Effects& out) {
  record.at = now.wall;
  out.ledger.push_back({now.wall, std::move(record)});
}

inline constexpr std::size_t kEventsKept = 200;
// A pool without a transition is judged again at most this often.
inline constexpr Duration kPoolPause = 250ms;
inline constexpr Duration kSweepEvery = 1s;
// A pool that dies and dies fills no ledger: further deaths of an hour are remembered, yet not recorded.
inline constexpr int kDeathsRecordedPerHour = 600;
// Workers and probes speak within this time of a start.
inline constexpr Duration kRestoredGrace = 60s;
// … and have given a history row, at the coarsest usual resolution; a block of five minutes has ended.
inline constexpr Duration kRestoredAnalysisGrace = 10min;
// Who turned ill together must be seen together, yet before the group wait of the first ends (200 ms).
inline constexpr Duration kCausePause = 100ms;

}  // namespace paramedic
