#include "app/simulate/scenario.h"

#include <algorithm>

#include "app/simulate/dice.h"

namespace paramedic::simulate {

std::vector<MonitorRestart> random_restarts(int count, std::uint64_t seed) {
  Dice dice(seed ^ 0x7265);
  std::vector<MonitorRestart> out;
  for (int i = 0; i < count; ++i) out.push_back({dice.fraction(), dice.between(1s, 120s), i % 2 == 1});
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

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
