// Executors: the executors of all pools while the monitor runs. perform() from the dispatcher's thread, after the
// ledger commit; configure() and stop() from any, one at a time.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/engine/engine_config.h"
#include "io/config/monitor_config.h"
#include "io/restart/pool_executor.h"
#include "io/telemetry/monitor_stats.h"
#include "model/effects.h"

namespace paramedic::daemon {

class Executors {
 public:
  Executors(restart::ExecutorSetups setups, restart::PoolExecutor::Ports ports)
      : ports_(std::move(ports)), setups_(std::move(setups)) {}

  // True when `act` belongs to the executor of a pool.
  bool perform(const Act& act);
  // A changed configuration. What runs goes on; what waits is performed by it, or refused when its pool has none now.
  void configure(restart::ExecutorSetups setups);
  std::vector<telemetry::ExecutorRow> rows();  // any thread
  // Lets what runs end for `grace` in all, then cancels it. Idempotent.
  void stop(Duration grace);

 private:
  void submit(const SendLadder& act);

  const restart::PoolExecutor::Ports ports_;
  std::mutex mutex_;  // guards what follows
  restart::ExecutorSetups setups_;
  std::map<std::string, std::unique_ptr<restart::PoolExecutor>> running_;  // made with the first ladder
  bool stopping_ = false;
};

// Of a configuration without problems.
restart::ExecutorSetups executors_of(const config::MonitorConfig& config);

}  // namespace paramedic::daemon
