#include "core/engine/engine_config.h"

namespace paramedic {

PoolSettings parse_pool_settings(const Params& pool, const std::string& path, Problems& problems) {
  PoolSettings settings;
  ParamsReader reader(&pool, path, problems);
  auto checks = reader.child("checks");
  settings.checks = CheckSet::parse(checks);
  auto weights = reader.child("weights");
  settings.weights = Weights::parse(weights);
  settings.recovery =
      parse_recovery_policy(reader.take("recovery"), path.empty() ? "recovery" : path + ".recovery", problems);
  settings.tasks = parse_task_settings(reader.child("tasks"));
  settings.analysis = parse_analysis_settings(reader.child("analysis"));
  reader.read("min_healthy", settings.rules.min_healthy, 0, 1'000'000);
  reader.read("resolution", settings.resolution, Duration{1s}, Duration{1h});
  const Params* executor = reader.take("executor");
  settings.has_executor = executor && executor->kind != Params::Kind::null;
  settings.rules.no_restart_exit_codes = settings.recovery.no_restart_exit_codes;
  reader.finish();
  return settings;
}

}  // namespace paramedic
