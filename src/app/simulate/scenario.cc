#include "app/simulate/scenario.h"

namespace paramedic::simulate {

EngineConfig engine_config(const Scenario& scenario) {
  EngineConfig config;
  config.interval = 10min;  // reports and deadlines make the rounds
  config.resolution = 1h;   // nobody reads the history
  config.limits.new_ids_per_second = double(scenario.workers) + 1;
  config.defaults.checks.heartbeat.warning_after = 45s;
  config.defaults.checks.heartbeat.critical_after = 60s;
  Params channels = Params::map();
  channels.set("pager", Params::map());
  Problems problems;
  config.notifier = parse_notifier_config({.channels = &channels}, problems);
  return config;
}

}  // namespace paramedic::simulate
