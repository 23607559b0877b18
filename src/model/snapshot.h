// Snapshot: all that is known of one worker at one instant, and the little of its pool that its health depends on.
// Written by core/fleet on the engine's strand, read by core/checks; a check sees nothing else. All ages are by the
// receiver's steady clock. Absent = unknown, never zero. A Snapshot borrows: valid until the next call on the Fleet
// that made it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/histogram.h"
#include "model/input.h"
#include "model/metric_set.h"
#include "model/report.h"
#include "model/windows.h"

namespace paramedic {

using WorkerHandle = std::uint32_t;  // index of a slot of the Fleet; reused after the worker was removed
inline constexpr WorkerHandle kNoWorker = UINT32_MAX;

// When a part was measured, and for how long it may be believed: max(3 periods, 90 s) of the source that gave it.
struct PartStamp {
  std::optional<SteadyTime> at;
  Duration fresh_for = 90s;
  bool known(SteadyTime now) const { return at && now - *at <= fresh_for; }
};
Duration fresh_for(Duration period);

struct VoiceFacts {
  bool expected = false;            // the worker speaks for itself: its silence means something
  std::optional<SteadyTime> heard;  // its last own sign of life; never stale
  Duration period = kDefaultPeriod;
  // CPU seen since it was last heard, in cores; nullopt = not known, which counts as not burning.
  std::optional<double> cores_while_silent() const;
  float silent_cores_sum = 0;
  std::uint32_t silent_cores_count = 0;
};

struct ProcessFacts {
  PartStamp stamp;
  std::optional<int> pid;
  std::optional<WallTime> started_at;
  char state = 0;  // R S D T Z X; 0 = unknown
  SteadyTime state_since{};
  std::optional<int> threads, open_files;
  std::optional<ExitInfo> exit;  // this incarnation is dead; never stale
  SteadyTime exited_at{};        // REQUIRES: exit
};

struct GpuFacts {
  std::string id;
  std::optional<double> utilization, memory_percent, temperature_celsius;
  std::array<std::uint16_t, 4> xids{};  // distinct driver errors seen in this incarnation, latest first; 0 = none
};

struct ResourceFacts {
  PartStamp stamp;
  std::optional<double> cpu_percent, cpu_cores, memory_percent, memory_mb, memory_limit_mb;
  MemoryLimitKind memory_limit_kind = MemoryLimitKind::none;
  MeanWindow cpu;
  std::vector<GpuFacts> gpus;
};

struct TaskCounts {
  std::uint64_t started = 0, completed = 0, failed = 0, retried = 0, revoked = 0, lost = 0;
  std::uint64_t finished() const { return completed + failed; }
  bool operator==(const TaskCounts&) const = default;
};

struct TaskTypeFacts {
  std::uint32_t type = 0;  // index into PoolContext::durations, which knows its name
  TaskCounts reported;     // as last reported by this incarnation
  TaskCounts total;        // over all incarnations since first seen
  DurationHistogram reported_durations;
  DurationHistogram total_durations;
  // What came since the latest history row; a baseline of counters that were met midway is not in it.
  TaskCounts unsaved;
  DurationHistogram unsaved_durations;
  FinishWindow window;
};

struct TaskFacts {
  PartStamp stamp;
  std::vector<TaskTypeFacts> types;  // in the order of first sight
  FinishWindow window;               // over all types
};

struct InFlightFacts {
  std::string id;
  std::uint32_t type = 0;  // index into PoolContext::durations
  SteadyTime started{};
  std::string args_digest, traceparent;
};

struct QueueFacts {
  std::uint32_t queue = 0;  // index into PoolContext::queues
  PartStamp stamp;
  std::optional<bool> connected;
  SteadyTime connection_since{};   // since when `connected` has its value
  std::array<float, 5> rtts_ms{};  // the latest ones, latest first
  std::uint8_t rtt_count = 0;
  bool counted = false, counted_connected = false;  // this worker's share in its QueueContext; kept by the Fleet
  std::optional<std::uint64_t> consumed;
  std::optional<SteadyTime> last_take;
};

struct ModelFacts {
  std::string name;
  ModelState state = ModelState::loading;
  SteadyTime state_since{};
  std::optional<double> load_seconds, progress;
  SteadyTime progress_at{};  // when progress grew last; state_since until it did
  std::optional<bool> smoke_ok;
  std::string error;
};

struct DiskFacts {
  std::string mount;
  std::optional<double> used_percent, inodes_used_percent;
  std::optional<std::uint64_t> free_bytes;
};

// Every list is as last reported; its stamp tells whether it still counts.
struct WorkerFacts {
  WorkerHandle handle = kNoWorker;
  std::string worker_id, pool, host, version, incarnation;
  std::string source;  // the one that reported first, an agent before any other: who can restart it
  Labels labels;
  Capabilities capabilities;
  Duration period = kDefaultPeriod;           // of the latest report
  SteadyTime first_heard{};                   // of this incarnation; of a restored worker: the monitor's start
  std::optional<SteadyTime> last_report;      // nullopt = restored from the ledger and not heard since
  SteadyTime evidence_at{};                   // when the latest accepted report was measured
  WorkerState state = WorkerState::starting;  // starting, running, draining, stopping, stopped or gone
  SteadyTime state_since{};
  std::optional<StopNotice> stop;  // announced
  SteadyTime stop_at{};            // REQUIRES: stop
  int incarnations = 0;            // seen so far
  // The other life that spoke while this one was alive; only while that is recent.
  std::optional<SteadyTime> duplicate_seen;

  VoiceFacts voice;
  ProcessFacts process;
  ResourceFacts resources;
  TaskFacts tasks;
  PartStamp in_flight_stamp;
  std::vector<InFlightFacts> in_flight;
  std::optional<int> concurrency;
  std::optional<SteadyTime> free_since;  // since when it has had a free slot; nullopt = busy or not known
  std::vector<QueueFacts> queues;
  bool takes_known = false;             // it tells takes, by `consumed` or by task counts
  std::optional<SteadyTime> last_take;  // from any queue
  PartStamp model_stamp;
  std::vector<ModelFacts> models;
  PartStamp disk_stamp;
  std::vector<DiskFacts> disks;
  PartStamp metrics_stamp;
  MetricSet metrics;  // custom ones, quantised

  bool dead() const { return process.exit.has_value(); }
};

// One queue as the whole fleet sees it.
struct QueueContext {
  struct Take {
    WorkerHandle worker = kNoWorker;
    SteadyTime at{};
  };
  std::string broker, name;
  PartStamp ready_stamp;
  std::optional<std::uint64_t> ready;
  std::optional<SteadyTime> ready_since;  // since when it has been above zero
  std::optional<double> oldest_age_seconds;
  std::optional<bool> paused;
  std::uint32_t reporting = 0, connected = 0;  // workers with a fresh word about it
  std::optional<SteadyTime> connected_since;   // since when at least one is connected
  bool broker_down = false;                    // all of the >= 2 workers that report the broker have it disconnected
  std::array<Take, 2> takes{};                 // the latest takers, two different workers, latest first

  bool has_work(SteadyTime now) const {
    return ready_stamp.known(now) && ready.value_or(0) > 0 && !paused.value_or(false);
  }
  // When somebody other than `me` took last.
  std::optional<SteadyTime> sibling_take(WorkerHandle me) const;
};

inline constexpr std::uint64_t kLearnedAfter = 50;  // samples

// What a pool learned of one task type.
struct LearnedDuration {
  std::string type;
  std::uint64_t count = 0;
  double mean_seconds = 0, p50_seconds = 0, p99_seconds = 0;
  bool learned() const { return count >= kLearnedAfter; }
};
// … and of one model: the median of its latest load times.
struct LearnedLoad {
  std::string model;
  std::uint32_t count = 0;
  double median_seconds = 0;
};

struct SourceContext {
  std::string_view id;
  SourceKind kind = SourceKind::http;
  SourceState state = SourceState::connected;
  bool blind = false;  // nobody who could tell of this worker is there
  SteadyTime since{};  // when `state` began
  Duration expiry{};   // the source's own deadline for a silent worker; 0 = none
};

struct PoolContext {
  std::string_view name;
  std::span<const QueueContext> queues;        // of the whole fleet, by QueueFacts::queue
  std::span<const LearnedDuration> durations;  // of this pool, by TaskTypeFacts::type
  std::span<const LearnedLoad> loads;
  Duration take_gap_p95 = 60s;  // between two takes of one worker while work was ready; 60 s until 50 samples
  std::uint64_t take_gap_count = 0;
  SourceContext source;  // of this worker
  SteadyTime monitor_since{};

  const LearnedLoad* find_load(std::string_view model) const;
};

struct Snapshot {
  SteadyTime taken_at{};
  Now now;
  const WorkerFacts& worker;
  const PoolContext& pool;

  bool known(const PartStamp& stamp) const { return stamp.known(taken_at); }
  Duration since(SteadyTime t) const { return taken_at - t; }
};

}  // namespace paramedic
