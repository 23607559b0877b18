// Fleet: evidence in, the current fleet out. Owns worker slots, pools, queues, sources, incarnations, order and ages.
// Decides nothing about health. Used by the engine on its strand only; asks no clock; every result follows from the
// inputs and `now`.
//
// A handle stays valid until sweep() or forget() names it as removed; then the slot may be reused.
//
// Voice: alive_at of a report. A report of a source of kind http that brings no alive_at is itself the voice of its
// worker, unless it declares capabilities without `voice` (then somebody reports about the worker). An http source has
// no connection and is never blind; an agent or demo source is blind when disconnected or without a frame for max(10 s,
// 2 periods).
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/fleet/probes.h"
#include "model/effects.h"
#include "model/finding.h"
#include "model/input.h"
#include "model/snapshot.h"
#include "model/view.h"

namespace paramedic {

struct FleetLimits {
  std::size_t max_workers = 20'000;  // slots in use, gone ones included
  double new_ids_per_second = 100;   // and as many at once
  std::size_t max_queues = 10'000;   // further queues of a report are ignored and counted
  Duration gone_after = 24h;         // unheard for longer = gone
  Duration gone_kept = 15min;        // a gone worker stays visible this long, then its slot is removed
};

// What the fleet needs to know of a pool's policy.
struct PoolRules {
  int min_healthy = 1;                        // 0 = the pool may be empty
  std::vector<int> no_restart_exit_codes{0};  // an exit with one of them counts as an announced stop
};

struct FleetConfig {
  FleetLimits limits;
  PoolRules defaults;
  std::map<std::string, PoolRules, std::less<>> pools;
  std::map<std::string, std::string, std::less<>> aliases;  // another name → worker id
};

// What a change of sources did. `affected`: workers to judge now, ascending.
struct SourceOutcome {
  struct Change {
    std::string source, host;
    SourceState from = SourceState::connected, to = SourceState::connected;
    bool is_new = false;
  };
  std::vector<Change> changes;
  std::vector<WorkerHandle> affected;
  bool broker_changed = false;
};

// What one report did.
struct ReportOutcome {
  SourceOutcome source;             // its source is new, or spoke again after a silence; usually empty
  WorkerHandle worker = kNoWorker;  // kNoWorker: late or backlog row of a worker that is not known
  bool is_new_worker = false;       // first heard (a restored worker heard again is not new)
  bool is_new_incarnation = false;  // also true for a new worker
  bool exited = false;              // this report brought the end of the incarnation
  bool state_changed = false;       // WorkerFacts::state
  bool judge = false;               // accepted live: goes into a round
  bool duplicate = false;           // same seq again: dropped
  bool broker_changed = false;      // a broker went down or came back: judge workers_of_broker()
  std::optional<HistoryRow> late;   // to history only
  std::optional<WorkerHandle>
      absorbed;                      // turned out to be the same worker as `worker`: removed; drop what you hold of it
  std::string previous_incarnation;  // of a new incarnation
};

struct SweepOutcome {
  std::vector<WorkerHandle> turned_gone;     // now inactive; still visible for gone_kept
  std::vector<WorkerHandle> turned_stopped;  // announced their stop and fell silent
  struct Removed {
    WorkerHandle worker;
    std::string worker_id, pool;
  };
  std::vector<Removed> removed;  // slots that are free now
};

// A message broker as the fleet sees it. Down: all of the >= 2 workers that report it have it disconnected (`lost`), or
// a probe of it is down.
struct BrokerFacts {
  std::string name;
  int reporting = 0, disconnected = 0;  // workers
  bool lost = false, down = false;
  SteadyTime since{};  // when `down` took its value
  std::string probed;  // what its probes say while one is down: "the probe redis-a missed 3 times in 9 s: …"
};

// What pool findings are made from; filled by Fleet::pool_facts.
struct PoolQueueFacts {
  const QueueContext* queue = nullptr;
  bool free_slot = false;                // some worker of the pool that reads it has one
  std::optional<SteadyTime> free_since;  // the earliest such
  std::optional<SteadyTime> last_take;   // by anybody
};
struct PoolReturnFacts {
  std::string worker_id;
  SteadyTime due{};  // stop + back_within
};
struct PoolFacts {
  std::string_view name;
  int active = 0;             // neither stopped nor gone
  int healthy = 0;            // active, status healthy or warning
  int unknown = 0;            // active, status unknown
  bool all_announced = true;  // every inactive member announced its stop
  bool ever_active = false;
  Duration take_gap_p95 = 60s;
  double tasks_per_minute = 0;    // of all active members together
  int slots = 0, busy_slots = 0;  // of the active members whose tasks in flight are known; without `concurrency`: one
  std::vector<PoolQueueFacts> queues;
  std::string broker_down;  // the first that is down of all brokers its workers have named, fresh or not; empty = none
  std::vector<PoolReturnFacts> awaited;
  std::vector<std::string> duplicates;  // worker ids with two incarnations alive
};
// Causes with status warning or critical, worst first, then by reason and subject. `since` is not set.
std::vector<Cause> pool_findings(const PoolFacts& facts, const PoolRules& rules, const Now& now);
// When a pool finding next changes by time alone.
std::optional<SteadyTime> next_pool_deadline(const PoolFacts& facts, SteadyTime now);

class Fleet {
 public:
  Fleet(FleetConfig config, const Now& start);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void configure(FleetConfig config);  // limits, rules and aliases of a reload
  // Workers of the ledger, at start, before any input: known but unheard. Their silence counts from `now` on, and only
  // while their source is there.
  void restore(std::span<const WorkerRecord> records, const Now& now);

  // ---- inputs ----
  // Error: refused whole and counted (bad id: invalid_argument; other pool's id: conflict; labels or workers over the
  // limit: too_large; too many new ids: too_many). Nothing was changed then.
  Result<ReportOutcome> apply(const ReportInput& input, const Now& now);
  SourceOutcome apply(const SourceInput& input, const Now& now);
  SourceOutcome apply(const SourceFrameInput& input, const Now& now);
  // True: what the probes say of a broker, or of the monitor's own network, changed (broker_flips, cut_off).
  bool apply(const ProbeInput& input, const Now& now);
  // Sources that fell silent by now.
  SourceOutcome sweep_sources(const Now& now);
  // gone, stopped after an announced stop, removal of long-gone slots. Cheap enough for once per second; visits slots
  // in order.
  SweepOutcome sweep(const Now& now);
  // Leaves the counts at once (state gone), is removed by sweep() after gone_kept. A later report makes it known again.
  void forget(WorkerHandle worker, const Now& now);
  // The engine proved a successor of a worker whose id does not survive a restart.
  void mark_gone(WorkerHandle worker, const Now& now) { forget(worker, now); }
  // The result of a round: counts per pool and fleet follow from it.
  void record_status(WorkerHandle worker, Status status);
  // … and whether its heartbeat is late, silent or worse: then what it said of its connection is as old as its voice.
  void record_quiet(WorkerHandle worker, bool quiet, const Now& now);
  // How its previous incarnation ended, as its agent tells with the start that answered it: nobody reported that death.
  void note_exit(WorkerHandle worker, const ExitInfo& exit);

  // ---- reading ----
  std::optional<WorkerHandle> find(std::string_view worker_id) const;  // aliases included
  bool contains(WorkerHandle worker) const;
  const WorkerFacts& facts(WorkerHandle worker) const;  // REQUIRES: contains(worker)
  Status status(WorkerHandle worker) const;
  IdScope id_scope(WorkerHandle worker) const;
  bool source_blind(WorkerHandle worker) const;
  bool source_can_restart(WorkerHandle worker) const;  // its source is connected and owns an executor
  // Until when its source's latest frame is news: the next one is due after a period.
  SteadyTime source_news_until(WorkerHandle worker) const;
  // Borrowed parts are valid until the next non-const call. Brings the worker's share in its queues up to date.
  Snapshot snapshot(WorkerHandle worker, const Now& now);
  // The fleet's own deadlines of this worker (announced stop overdue, gone). Checks add theirs: next_deadline().
  std::optional<SteadyTime> next_check_at(WorkerHandle worker, SteadyTime now) const;
  // The tasks that this life had in flight as it told them last; nullopt = it told none, or nobody remembers it (only
  // the newest life and the one before are). Borrowed as a snapshot is.
  struct LastWord {
    std::span<const InFlightFacts> in_flight;
    SteadyTime at{};
  };
  std::optional<LastWord> last_word(WorkerHandle worker, std::string_view incarnation) const;
  // When sweep_sources() next has something to do.
  std::optional<SteadyTime> next_source_deadline() const;

  std::vector<WorkerHandle> workers() const;                                   // by worker id
  std::vector<WorkerHandle> workers_of_pool(std::string_view pool) const;      // by worker id
  std::vector<WorkerHandle> workers_of_source(std::string_view source) const;  // by worker id
  std::vector<WorkerHandle> workers_of_broker(std::string_view broker) const;  // by worker id
  std::vector<std::string> pools() const;                                      // by name
  const QueueContext& queue(std::uint32_t index) const;                        // as QueueFacts::queue names it
  std::vector<BrokerFacts> brokers() const;  // by name; those of workers and those that a probe found down
  std::uint64_t broker_flips() const;        // grows whenever the evidence of a broker's outage changed
  const ProbeTable& probes() const;
  std::vector<std::string> sources_away() const;  // by name; those that are silent or disconnected
  std::size_t size() const;                       // slots in use

  // Visits all workers of the pool: for once per second or after a change, not for every round.
  PoolFacts pool_facts(std::string_view pool, const Now& now) const;
  const PoolRules& rules(std::string_view pool) const;
  const StatusCounts& counts() const;
  StatusCounts pool_counts(std::string_view pool) const;

  // ---- views: the parts that the fleet knows ----
  // All of WorkerView but verdict, status_since, last_check, held, action, crashes, stops_*, generation.
  void fill_view(WorkerHandle worker, const Now& now, WorkerView& view);
  MetricSet metrics(WorkerHandle worker, const Now& now);  // as in the view; for history rows
  // What each task type did since the previous call, for history rows: by type, only types that did something.
  std::vector<TaskIncrease> take_task_increases(WorkerHandle worker);
  std::vector<QueueView> queue_views(const Now& now) const;    // by broker, name
  std::vector<SourceView> source_views(const Now& now) const;  // by id

  // reports, samples, reports_late, reports_duplicate, reports_backlog, workers_refused, counter_resets,
  // task_types_folded, pool_conflicts, duplicate_incarnations, ids_refused_rate; the rest stays zero.
  const EngineStats& stats() const;

 private:
  bool returned(WorkerHandle worker) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
