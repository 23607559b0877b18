#include "app/daemon/executors.h"

#include <algorithm>

namespace paramedic::daemon {

bool Executors::perform(const Act& act) {
  const auto ours = [](const std::string& source) { return source.starts_with(kExecutorSource); };
  if (const auto* ladder = std::get_if<SendLadder>(&act)) {
    if (!ours(ladder->source)) return false;
    submit(*ladder);
    return true;
  }
  // Its outcome is committed: nothing to forget here, the memory is bounded anyway.
  const auto* ack = std::get_if<SendAck>(&act);
  return ack && ours(ack->source);
}

void Executors::submit(const SendLadder& act) {
  restart::Job job{.ladder = act.ladder, .source = act.source, .host = {}};
  job.pool = act.source.substr(kExecutorSource.size());
  const std::lock_guard lock(mutex_);
  if (stopping_) return;  // the next life judges anew
  // A pool that the configuration does not name has the settings of `default`, its executor too.
  const std::string setup = setups_.contains(job.pool) ? job.pool : std::string(config::kDefaultPool);
  auto& executor = running_[setup];
  if (!executor) executor = std::make_unique<restart::PoolExecutor>(setups_[setup], ports_);
  executor->submit(std::move(job));
}

void Executors::configure(restart::ExecutorSetups setups) {
  const std::lock_guard lock(mutex_);
  setups_ = std::move(setups);
  for (const auto& [pool, executor] : running_) {
    const auto setup = setups_.find(pool);
    executor->configure(setup == setups_.end() ? restart::ExecutorSetup{} : setup->second);
  }
}

std::vector<telemetry::ExecutorRow> Executors::rows() {
  std::vector<telemetry::ExecutorRow> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [pool, executor] : running_) {
    for (const auto& [kind, counts] : executor->counts()) {
      if (kind.empty()) continue;  // refused while the pool had none
      telemetry::ExecutorRow row;
      row.pool = pool;
      row.kind = kind;
      row.jobs = {{"succeeded", counts.succeeded},
                  {"failed", counts.failed},
                  {"refused", counts.refused},
                  {"held_back", counts.held_back}};
      row.seconds = counts.seconds;
      out.push_back(std::move(row));
    }
  }
  return out;
}

void Executors::stop(Duration grace) {
  const auto end = std::chrono::steady_clock::now() + grace;
  std::vector<restart::PoolExecutor*> all;  // none leaves running_
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [pool, executor] : running_) all.push_back(executor.get());
  }
  for (restart::PoolExecutor* executor : all) executor->close();
  for (restart::PoolExecutor* executor : all)
    executor->stop(std::max<Duration>(end - std::chrono::steady_clock::now(), 0s));
}

restart::ExecutorSetups executors_of(const config::MonitorConfig& config) {
  Problems none;
  return restart::read_executors(config.executors, config.pools, none);
}

}  // namespace paramedic::daemon
