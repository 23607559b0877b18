// The configuration of each check: defaults, meaning, units. Parsed in the check's own file from `checks: {<name>:
// {…}}` of a pool laid over the defaults. Limits are strict: a value must be above them. Sources of the defaults:
// design section 6.
#pragma once
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"

namespace paramedic {

struct HeartbeatConfig {
  std::optional<Duration> warning_after;   // silence; unset: max(30 s, 1.5 periods). A set one replaces the whole max()
  std::optional<Duration> critical_after;  // unset: max(60 s, 3 periods), or the source's own expiry
  Duration start_grace = 60s;              // until a worker with a voice must have been heard for the first time …
  Duration start_grace_model = 300s;       // … and with a model to load
  Duration stopped_after = 60s;            // process state T or D for longer = critical
  double starved_cores = 0.5;  // mean CPU over the silent time above which a silent worker is starved, in cores
  int starved_deadlines = 3;   // critical_after × this: from then on silent all the same
  static HeartbeatConfig parse(ParamsReader& reader);
};

struct ResourcesConfig {
  double cpu_warning_percent = 90;  // mean over cpu_window; 100 = all CPU that the worker may use
  double cpu_critical_percent = 95;
  Duration cpu_window = 5min;          // 30 s to 5 min; judged once four fifths of it are covered
  double memory_warning_percent = 85;  // of the tighter of its own limit and the host
  double memory_critical_percent = 95;
  double gpu_memory_critical_percent = 90;  // raise it for inference servers that preallocate; above 100 = never
  std::vector<int> fatal_xids{48, 64, 74, 79, 95, 119, 120};
  static ResourcesConfig parse(ParamsReader& reader);
};

struct TaskPerformanceConfig {
  double error_rate_warning_percent = 5;  // failed of (completed + failed); retried is not failed
  double error_rate_critical_percent = 10;
  Duration window = 5min;
  Duration widen_to = 1h;  // a window with fewer than min_tasks reaches back this far
  int min_tasks = 20;      // finished ones in the window, before an error rate counts
  int min_failures = 3;
  double slow_factor = 2;                              // mean duration > factor × expected = warning
  int min_measured = 5;                                // measured tasks of the type in the window, before a mean counts
  std::map<std::string, Duration> expected_durations;  // per task type; else learned by the pool (>= 50 samples)
  std::map<std::string, Duration> task_limits;  // per task type: running longer = hung; replaces the learned limit
  double hung_p50_factor = 10;                  // learned limit: max(factor × p50, factor × p99, hung_min)
  double hung_p99_factor = 3;
  Duration hung_min = 300s;
  static TaskPerformanceConfig parse(ParamsReader& reader);
};

struct QueueConnectionConfig {
  double rtt_warning_ms = 50;                  // round trip above it in each of the last rtt_count reports
  int rtt_count = 5;                           // 1 to 5
  Duration disconnected_after = 30s;           // critical while siblings are connected
  Duration restart_disconnected_after = 120s;  // from then on it asks for a restart
  Duration not_consuming_after = 60s;          // max(this, factor × learned p95 gap between takes)
  double not_consuming_gap_factor = 3;
  static QueueConnectionConfig parse(ParamsReader& reader);
};

struct ModelLoadingConfig {
  std::optional<Duration> expected;  // loading longer = warning; unset: 2 × the pool's median load time, else 120 s
  Duration deadline = 300s;          // loading longer without progress = critical
  Duration max_deadline = 30min;     // progress extends the deadline up to this
  static ModelLoadingConfig parse(ParamsReader& reader);
};

struct DiskSpaceConfig {
  double used_warning_percent = 85;
  double used_critical_percent = 95;
  std::uint64_t free_enough_bytes = 10ULL << 30;  // with at least this much free, never critical for used_percent
  double inodes_warning_percent = 85;
  double inodes_critical_percent = 95;
  std::vector<std::string> ignore_mounts;
  static DiskSpaceConfig parse(ParamsReader& reader);
};

}  // namespace paramedic
