// What the engine needs of the configuration, typed. parse_pool_settings is also what `paramedic check-config` calls
// for each pool. Plain values; any thread.
#pragma once
#include <map>
#include <string>

#include "base/params.h"
#include "core/alerting/alerting.h"
#include "core/alerting/maintenance_windows.h"
#include "core/alerting/notifier_config.h"
#include "core/alerting/rules.h"
#include "core/checks/checks.h"
#include "core/engine/analysis_settings.h"
#include "core/engine/task_settings.h"
#include "core/fleet/fleet.h"
#include "core/recovery/policy.h"
#include "core/verdict/verdict.h"

namespace paramedic {

// Everything that one pool may set (keys checks, weights, recovery, tasks, analysis, min_healthy, resolution, executor).
struct PoolSettings {
  CheckSet checks;
  Weights weights;
  RecoveryPolicy recovery;
  TaskSettings tasks;
  AnalysisSettings analysis;
  PoolRules rules;
  std::optional<Duration> resolution;  // of history; unset: the monitor's
  bool has_executor = false;           // key `executor`, read by io/restart: it restarts workers that have no agent
};

// The source that SendLadder names for a worker without agent whose pool has an executor.
inline constexpr std::string_view kExecutorSource = "executor/";
inline std::string executor_source(std::string_view pool) { return std::string(kExecutorSource).append(pool); }

// `pool` is already laid over the defaults. `path` names it in problems: "pools.thumbs".
PoolSettings parse_pool_settings(const Params& pool, const std::string& path, Problems& problems);

struct EngineConfig {
  Duration interval = 30s;    // between two rounds of one worker, besides its reports and deadlines
  Duration resolution = 30s;  // between two history rows of one worker, besides its transitions
  FleetLimits limits;
  std::map<std::string, std::string, std::less<>> aliases;
  AnalysisConfig analysis;
  AlertingConfig alerting;
  RuleSet rules;
  NotifierConfig notifier;
  MaintenanceWindows windows;
  PoolSettings defaults;
  std::map<std::string, PoolSettings, std::less<>> pools;

  const PoolSettings& pool(std::string_view name) const {
    const auto found = pools.find(name);
    return found == pools.end() ? defaults : found->second;
  }
};

}  // namespace paramedic
