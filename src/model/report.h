// Report: what a source says of one worker at one instant. Filled by io/wire (JSON) or by a source; read by core/fleet.
// Absent = unknown, never zero. Counters are cumulative per incarnation. A plain value.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/histogram.h"
#include "model/status.h"

namespace paramedic {

inline constexpr std::size_t kMaxLabels = 16;
inline constexpr std::size_t kMaxLabelBytes = 64;
inline constexpr std::size_t kMaxTaskTypesPerWorker = 64;
inline constexpr std::size_t kMaxTaskTypesPerPool = 512;
inline constexpr std::size_t kMaxMetrics = 256;
inline constexpr std::size_t kMaxInFlight = 256;
inline constexpr std::size_t kMaxLastWords = 16 * 1024;
inline constexpr std::size_t kMaxListItems = 64;  // disks, queues, models, gpus
inline constexpr Duration kDefaultPeriod = 30s;

using Labels = std::vector<std::pair<std::string, std::string>>;

// What a source can know of its workers. Decides which checks apply.
struct Capabilities {
  bool voice = false;   // the worker itself speaks (alive_at)
  bool tasks = false;   // task counts
  bool queues = false;  // queue state and consumption
  bool models = false;
  bool process = false;  // process state is observed from outside
  bool operator==(const Capabilities&) const = default;
};

struct ExitInfo {
  std::optional<int> code;
  std::optional<int> signal;
  bool oom = false;
  bool unknown_cause = false;  // the exit was seen without code (an adopted process)
  bool operator==(const ExitInfo&) const = default;
};

struct ProcessPart {
  std::optional<int> pid;
  std::optional<WallTime> started_at;
  char state = 0;  // R S D T Z X as in /proc; 0 = unknown
  std::optional<int> threads;
  std::optional<int> open_files;
  std::optional<ExitInfo> exit;  // set = this incarnation is dead
  std::string last_words;  // the end of what it wrote before it died, at most kMaxLastWords; kept with the incident
};

struct GpuPart {
  std::string id;
  std::optional<double> utilization;          // percent
  std::optional<double> memory_percent;       // percent
  std::optional<double> temperature_celsius;  // °C
  std::optional<int> xid;                     // NVIDIA driver error number, when one was seen
};

enum class MemoryLimitKind { none, cgroup, configured, host };
PARAMEDIC_ENUM_NAMES(MemoryLimitKind, "none", "cgroup", "configured", "host")

struct ResourcesPart {
  std::optional<double> cpu_percent;  // 100 = all CPU that the worker may use
  std::optional<double> cpu_cores;    // how many cores that is (quota, affinity)
  std::optional<double> memory_percent;
  std::optional<double> memory_mb;
  MemoryLimitKind memory_limit_kind = MemoryLimitKind::none;
  std::optional<double> memory_limit_mb;
  std::vector<GpuPart> gpus;
};

struct DiskPart {
  std::string mount;
  std::optional<double> used_percent;
  std::optional<std::uint64_t> free_bytes;
  std::optional<double> inodes_used_percent;
};

struct TaskPart {
  std::string type;
  std::uint64_t started = 0, completed = 0, failed = 0, retried = 0, revoked = 0, lost = 0;
  std::optional<DurationHistogram> durations;
};

struct InFlightTask {
  std::string id;
  std::string type;
  std::optional<WallTime> started_at;
  std::string args_digest;
  std::string traceparent;
};

struct QueuePart {
  std::string broker;
  std::string name;
  std::optional<bool> connected;
  std::optional<bool> paused;
  std::optional<double> rtt_ms;
  std::optional<std::uint64_t> ready;
  std::optional<double> oldest_age_seconds;
  std::optional<std::uint64_t> consumed;  // taken by this incarnation, cumulative
};

struct ModelPart {
  std::string name;
  ModelState state = ModelState::loading;
  std::optional<double> load_seconds;
  std::optional<double> progress;  // 0…1
  std::string error;
  std::optional<bool> smoke_ok;  // result of the smoke inference, when one runs
};

struct StopNotice {
  StopReason reason = StopReason::operator_request;
  std::optional<Duration> back_within;
};

struct Report {
  std::string worker_id;
  std::string pool;  // empty = "default" for a new worker, unchanged for a known one
  std::string host;
  std::string version;
  std::string incarnation;  // empty = derived from process.pid and started_at, else unchanged
  std::optional<std::uint64_t> seq;
  std::optional<WallTime> sent_at;
  Duration age{};  // how old the report was when it was sent
  std::optional<WallTime> alive_at;
  std::optional<Duration> period;
  std::optional<Capabilities> capabilities;
  std::optional<WorkerState> state;  // starting, running, draining, stopping or stopped, as the worker announces
  std::optional<StopNotice> stop;
  std::optional<int> concurrency;  // task slots
  std::optional<Labels> labels;
  std::optional<ProcessPart> process;
  std::optional<ResourcesPart> resources;
  std::optional<std::vector<DiskPart>> disks;
  std::optional<std::vector<TaskPart>> tasks;
  std::optional<std::vector<InFlightTask>> in_flight;
  std::optional<std::vector<QueuePart>> queues;
  std::optional<std::vector<ModelPart>> models;
  std::vector<std::pair<std::string, double>> metrics;
};

}  // namespace paramedic
