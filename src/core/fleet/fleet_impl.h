// Inside of Fleet: slots, sources, pools. Shared by the .cc files of this folder only.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/fleet/fleet.h"
#include "core/fleet/metric_schemas.h"
#include "core/fleet/pool_memory.h"
#include "core/fleet/queue_table.h"

namespace paramedic {

inline constexpr std::size_t kMaxTracks = 4;  // sources that speak of one worker

struct FleetSource {
  std::string id, host, boot_id, version;
  SourceKind kind = SourceKind::http;
  IdScope id_scope = IdScope::worker;
  SourceState state = SourceState::connected;
  Duration period = 5s;
  Duration expiry{};
  bool can_restart = false;
  SteadyTime last_frame{}, since{};
  std::uint32_t session = 0;          // counts its connections: seq begins anew with each
  std::vector<WorkerHandle> workers;  // ascending

  bool away() const { return kind != SourceKind::http && state != SourceState::connected; }
  SteadyTime silent_at() const { return last_frame + std::max<Duration>(10s, 2 * period); }
};

// What one source told of one worker.
struct SourceTrack {
  std::uint32_t source = 0;
  std::uint32_t session = 0;
  int life = 0;             // number of the incarnation it spoke of last
  std::string incarnation;  // in its own words
  std::optional<std::uint64_t> seq;
  bool observer = false;             // http: reports about the worker, so that its reports are no voice
  std::optional<SteadyTime> newest;  // when its newest report was measured
  std::optional<WallTime> alive_at;  // as it said last
};

struct WorkerSlot {
  bool used = false;
  bool forgotten = false;
  bool ever_heard = false;  // by this monitor
  bool quiet = false;       // as its heartbeat was judged: what it said is as old as its voice
  bool successor = false;   // this incarnation followed one that was heard: its counters began at zero
  Status status = Status::unknown;
  int life = 0;  // number of the incarnation
  std::uint32_t pool = 0;
  WorkerFacts facts;
  std::vector<SourceTrack> tracks;  // an agent first
  std::string previous_incarnation;
  std::vector<InFlightFacts> previous_in_flight;  // as the previous life told it last
  PartStamp previous_in_flight_stamp;
  std::optional<int> indexed_pid;  // how Impl::by_process knows it
  std::optional<int> previous_pid;
  std::optional<WallTime> previous_started_at;
  std::optional<ExitInfo> last_exit;
  WallTime first_seen{};  // of this incarnation
  SteadyTime gone_at{};
  std::uint32_t metric_mask = 0;  // standard metrics seen so far
  std::shared_ptr<const MetricSchema> schema;
};

struct FleetPool {
  std::string name;
  PoolMemory memory;
  StatusCounts counts;
  bool ever_active = false;
  std::vector<WorkerHandle> workers;  // by worker id
};

// A report on its way in, with what was found out about it.
struct Arrival {
  const ReportInput& input;
  const Report& report;
  Now now;
  std::uint32_t source = 0;
  SteadyTime received{};  // never after now
  SteadyTime measured{};  // received − age
  Duration period{};
  std::string incarnation;  // explicit, or derived from pid and start time; may be empty
  // Steady time of a time in the report; nullopt without sent_at.
  std::optional<SteadyTime> steady_of(WallTime t) const;
};

struct Fleet::Impl {
  FleetConfig config;
  Now started;
  std::deque<WorkerSlot> slots;  // a deque: facts() must not move
  std::vector<WorkerHandle> free_slots;
  std::set<WorkerHandle> quiet_workers;  // whose WorkerSlot::quiet is set
  std::map<std::string, WorkerHandle, std::less<>> by_id;
  std::map<std::string, std::string, std::less<>> twins;           // other id → worker id, found by process
  std::map<std::pair<std::string, int>, WorkerHandle> by_process;  // (host, pid)
  std::deque<FleetSource> sources;
  std::map<std::string, std::uint32_t, std::less<>> source_index;
  std::deque<FleetPool> pools;
  std::map<std::string, std::uint32_t, std::less<>> pool_index;
  QueueTable queues;
  ProbeTable probes;
  MetricSchemas schemas;
  StatusCounts counts;
  EngineStats stats;
  PoolContext context;  // of the latest snapshot
  double id_tokens = 0;
  SteadyTime id_tokens_at{};

  Impl(FleetConfig c, const Now& start);

  WorkerSlot& at(WorkerHandle h) { return slots[h]; }
  const WorkerSlot& at(WorkerHandle h) const { return slots[h]; }
  const FleetPool* find_pool(std::string_view name) const;
  std::uint32_t pool_of(std::string_view name);    // makes it
  std::string resolve(std::string_view id) const;  // aliases and twins → worker id
  std::optional<WorkerHandle> find_slot(std::string_view id) const;
  void enlist(WorkerHandle h, std::string_view pool);  // into a pool and the counts
  void delist(WorkerHandle h);

  // sources.cc
  std::uint32_t source_of(std::string_view id,
                          SteadyTime now);  // makes it from its name when it never introduced itself
  void set_source_state(FleetSource& source, SourceState state, bool is_new, SteadyTime now, SourceOutcome& out);
  void refresh_sources(SourceOutcome& out, const Now& now);
  void drop_sources(const Now& now);  // away for gone_after and without workers
  void attach(WorkerHandle h, std::uint32_t source);
  bool blind(const WorkerSlot& slot) const;
  const FleetSource& speaker(const WorkerSlot& slot) const;  // its best present source

  // fleet.cc: lifecycle
  WorkerHandle make_slot(const std::string& id, std::string_view pool, const Now& now);
  void remove_slot(WorkerHandle h, const Now& now);
  void leave_queues(WorkerSlot& slot, const Now& now);
  void count(WorkerSlot& slot, int sign);
  void set_state(WorkerSlot& slot, WorkerState state, SteadyTime at);
  void set_status(WorkerSlot& slot, Status status);
  void update_shares(WorkerSlot& slot, const Now& now);
  void turn_gone(WorkerHandle h, const Now& now);
  std::optional<SteadyTime> silent_stop_at(const WorkerSlot& slot) const;

  // order.cc: whose report, of which life, in time?
  std::optional<Error> check_words(const Report& report) const;
  Result<ReportOutcome> to_history(const Arrival& a);
  Result<WorkerHandle> track_of(WorkerHandle h, const Arrival& a);  // index of the track of its source
  void detach(WorkerHandle h, std::uint32_t source);
  void hear_source(const Arrival& a, bool is_new, ReportOutcome& out);
  bool take_id_token(const Now& now);
  Result<WorkerHandle> admit(const Arrival& a, ReportOutcome& out);
  std::optional<WorkerHandle> find_twin(const Arrival& a, std::string_view id) const;
  std::optional<Error> check_pool(WorkerSlot& slot, WorkerHandle h, const Arrival& a);
  enum class Life { same, newer, older };
  Life life_of(const WorkerSlot& slot, const SourceTrack& track, const Arrival& a) const;
  enum class Order { fresh, duplicate, late };
  Order order_of(const SourceTrack& track, const Arrival& a, bool same_life) const;
  void begin_life(WorkerSlot& slot, const Arrival& a);
  void note_older(WorkerSlot& slot, const Arrival& a);
  HistoryRow late_row(const Report& report, std::string_view id, SteadyTime measured, const Now& now);

  // intake.cc: part by part into the facts
  void take(WorkerHandle h, SourceTrack& track, const Arrival& a, ReportOutcome& out);
  void take_parts(WorkerSlot& slot, SourceTrack& track, const Arrival& a, ReportOutcome& out);
  void take_identity(WorkerSlot& slot, SourceTrack& track, const Arrival& a);
  bool take_voice(WorkerSlot& slot, SourceTrack& track, const Arrival& a);
  void take_process(WorkerSlot& slot, const Arrival& a, ReportOutcome& out);
  void take_resources(WorkerSlot& slot, const Arrival& a, bool spoke);
  void take_tasks(WorkerSlot& slot, const Arrival& a);
  void take_in_flight(WorkerSlot& slot, const Arrival& a);
  void take_free_slot(WorkerSlot& slot, const Arrival& a);
  void take_queues(WorkerSlot& slot, const Arrival& a);
  void take_models(WorkerSlot& slot, const Arrival& a);
  void take_disks(WorkerSlot& slot, const Arrival& a);
  void take_metrics(WorkerSlot& slot, const Arrival& a);
  void take_state(WorkerSlot& slot, const Arrival& a, bool spoke);
  void note_take(WorkerSlot& slot, SteadyTime at);

  // views.cc
  MetricSet metrics_of(WorkerSlot& slot, const Now& now);
};

}  // namespace paramedic
