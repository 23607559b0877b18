// FleetView: what readers see. Immutable, published by the engine's strand, read by any thread through shared_ptr<const
// …>. Holds ids, findings, latest metrics and cumulative histograms, never windows.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/boxed.h"
#include "base/once_text.h"
#include "model/alert.h"
#include "model/analysis_view.h"
#include "model/effects.h"
#include "model/input.h"
#include "model/metric_set.h"
#include "model/poison_task.h"
#include "model/remedy.h"
#include "model/report.h"
#include "model/task_degradation.h"
#include "model/verdict.h"

namespace paramedic {

struct TaskTypeView {
  std::string type;
  std::uint64_t completed = 0, failed = 0, retried = 0, revoked = 0,
                lost = 0;  // over all incarnations since first seen
  DurationHistogram durations;
};

struct WorkerView {
  std::string worker_id, pool, host, version, incarnation, source;
  std::optional<int> pid;
  Labels labels;
  WorkerState state = WorkerState::starting;
  std::shared_ptr<const Verdict> verdict = no_verdict();  // never null; shared with the engine
  WallTime status_since{};
  WallTime first_seen{};               // of this incarnation
  std::optional<WallTime> started_at;  // process start
  WallTime last_check{};
  std::optional<WallTime> last_report;
  std::optional<WallTime> alive_at;  // own voice
  Duration period = kDefaultPeriod;
  MetricSet metrics;
  std::vector<TaskTypeView> tasks;
  std::vector<InFlightTask> in_flight;
  std::vector<QueuePart> queues;
  std::vector<ModelPart> models;
  std::shared_ptr<const WorkerAnalysisView> analysis;  // null = not analysed; shared with the engine
  std::optional<HoldBack> held;                        // a remedy is wanted and held back
  Boxed<ActionRecord> action;                          // the running or the latest one
  int crashes = 0;
  int stops_used = 0, stops_allowed = 0;  // in the sliding 30 min
  std::optional<ExitInfo> last_exit;
  std::uint64_t generation = 0;  // of the publication that changed it last
  OnceText entry;                // its entry in the list of workers, once somebody has read that

  bool inactive() const { return is_inactive(state); }
  std::vector<std::string> issues() const;  // one sentence per bad cause, worst first
};

struct StatusCounts {
  int total = 0, healthy = 0, warning = 0, critical = 0, unknown = 0, inactive = 0;  // total = the four in between
};

struct PoolView {
  std::string name;
  StatusCounts counts;
  RecoveryMode mode = RecoveryMode::automatic;
  std::vector<Cause> findings;        // pool findings
  std::optional<std::string> frozen;  // why stops are frozen
  std::optional<WallTime> frozen_since;
  bool maintenance = false;
  int down_now = 0, down_allowed = 1;  // workers down through us
  int stops_hour = 0, stops_hour_allowed = 5;
  double tasks_per_minute = 0;
};

struct QueueView {
  std::string broker, name;
  std::optional<std::uint64_t> ready;
  std::optional<double> oldest_age_seconds;
  std::optional<bool> paused;
  int workers = 0, connected = 0;
  bool broker_down = false;
  double consumed_per_minute = 0;
  std::optional<WallTime> last_consumed;
  std::vector<std::string> pools;
};

struct SourceView {
  std::string id;
  SourceKind kind = SourceKind::agent;
  std::string host, version;
  SourceState state = SourceState::connected;
  WallTime since{};
  int workers = 0;
};

// One line of the "latest events" list.
struct FleetEvent {
  std::uint64_t id = 0;
  WallTime at{};
  std::string kind;  // "transition", "exit", "action", "incident", "source", "operator"
  std::string worker_id, pool;
  std::string from, to;
  std::string text;
};

// Numbers about the engine itself, for /metrics; cumulative.
struct EngineStats {
  std::uint64_t rounds = 0, reports = 0, samples = 0, reports_late = 0, reports_duplicate = 0, reports_backlog = 0,
                workers_refused = 0, transitions = 0, counter_resets = 0, task_types_folded = 0, pool_conflicts = 0,
                duplicate_incarnations = 0, checks_failed = 0, ids_refused_rate = 0;
  std::uint64_t starts_wanted = 0, starts_done = 0, stops_wanted = 0, stops_ordered = 0, stops_done = 0,
                actions_succeeded = 0, actions_failed = 0;
  std::map<std::string, std::uint64_t> held;  // "start/backoff", "stop/frozen", … → count of holds begun
  double round_lag_seconds = 0;               // lateness of the latest rounds
  std::uint64_t analysis_workers = 0, analysis_bytes = 0, analysis_limit_bytes = 0, analysis_samples = 0;
  std::uint64_t analysis_degraded = 0;        // series that got the small form for want of memory
  std::uint64_t analysis_refused = 0;         // series and task types that are not watched for want of memory
  std::uint64_t analysis_states_refused = 0;  // saved states that could not be taken back
  std::uint64_t poison_evicted = 0;           // tasks of deaths that were forgotten for want of room
  std::uint64_t rules = 0, rule_evaluations = 0, rule_alerts_cut = 0;
};

inline constexpr std::size_t kWorkersPerPage = 64;
struct WorkerPage {
  std::vector<std::shared_ptr<const WorkerView>> workers;  // sorted by id within and over pages
};

struct FleetView {
  std::uint64_t generation = 0;
  WallTime at{};
  StatusCounts counts;
  std::vector<std::shared_ptr<const WorkerPage>> pages;
  std::vector<PoolView> pools;
  std::vector<QueueView> queues;
  std::vector<SourceView> sources;
  std::vector<Incident> incidents;  // open ones first, then up to 50 ended
  std::vector<Alert> alerts;        // firing
  std::vector<FleetEvent> events;   // latest last, at most 200
  std::vector<MaintenanceRecord> maintenance;
  std::vector<RollingRecord> rollings;            // open ones, then the latest that are over; each newest first
  std::vector<Silence> silences;                  // not over, by start
  std::vector<Acknowledgement> acknowledgements;  // on, by incident
  std::shared_ptr<const std::vector<TaskDegradation>> degradations;  // that hold, worst first
  std::shared_ptr<const std::vector<PoisonTask>> poison_tasks;       // by pool, type, digest; null = none
  bool big_switch_held = false;
  std::string big_switch_reason;
  bool ledger_degraded = false;
  EngineStats stats;

  // Null when unknown. O(log pages + log page).
  std::shared_ptr<const WorkerView> find(std::string_view worker_id) const;
};

// What changed with one publication; shared by all clients of the event stream.
struct FleetDelta {
  std::shared_ptr<const FleetView> view;
  std::vector<std::shared_ptr<const WorkerView>> changed;
  std::vector<std::string> removed;
  std::vector<FleetEvent> events;
};

}  // namespace paramedic
