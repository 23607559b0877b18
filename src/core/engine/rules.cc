// What the rules that people wrote are told, and what becomes of their wishes.
#include "core/engine/engine_impl.h"

namespace paramedic {

namespace {

NamedValues count_values(const StatusCounts& c) {
  return {{"workers", double(c.total)},
          {"healthy", double(c.healthy)},
          {"warning", double(c.warning)},
          {"critical", double(c.critical)},
          {"unknown", double(c.unknown)}};
}

}  // namespace

void Engine::Impl::tell_rules(WorkerHandle worker, const Now& now) {
  if (rules.empty()) return;
  const Slot& s = slots[worker];
  const WorkerFacts& f = fleet.facts(worker);
  RuleWorkerFacts facts{f.worker_id, f.pool, f.host, f.version, f.source, &f.labels, f.state, s.verdict->status};
  facts.findings = &s.verdict->findings;
  MetricSet metrics;
  if (rules.watches_metrics()) {
    metrics = fleet.metrics(worker, now);
    facts.metrics = &metrics;
  }
  NamedValues anomalies, forecasts;
  if (rules.watches_analysis()) {
    anomalies = analysis.scores(s.id);
    forecasts = analysis.seconds_left(s.id, now.wall);
    facts.anomalies = &anomalies;
    facts.forecasts = &forecasts;
  }
  if (rules.watches_state() && !is_inactive(f.state))
    facts.state = recovery.worker_view(s.id, now).state.value_or(f.state);
  rules.update_worker(facts, now);
}

void Engine::Impl::tell_rules_pool(const std::string& pool, const PoolFacts& facts, const std::vector<Cause>& findings,
                                   const Now& now) {
  if (rules.empty()) return;
  RulePoolFacts told{pool, &findings, count_values(fleet.pool_counts(pool))};
  told.metrics.emplace_back("tasks_per_minute", facts.tasks_per_minute);
  std::optional<double> ready, oldest;
  for (const PoolQueueFacts& queue : facts.queues) {
    if (!queue.queue->ready_stamp.known(now.steady)) continue;
    if (queue.queue->ready) ready = ready.value_or(0) + double(*queue.queue->ready);
    if (queue.queue->oldest_age_seconds) oldest = std::max(oldest.value_or(0), *queue.queue->oldest_age_seconds);
  }
  if (ready) told.metrics.emplace_back("queue_ready", *ready);
  if (oldest) told.metrics.emplace_back("queue_oldest_age_seconds", *oldest);
  rules.update_pool(told, now);
}

void Engine::Impl::tell_monitor(Reason reason, bool on, Severity severity, std::string message, const Now& now) {
  alerting.update_monitor(reason, on, severity, std::move(message), now);
  rules.update_monitor(reason, on, now);
  if (on)
    monitor_troubles.insert(reason);
  else
    monitor_troubles.erase(reason);
}

void Engine::Impl::settle_rules(const Now& now) {
  if (!rules.empty()) {
    // What recovery does to a worker is part of its state.
    if (rules.watches_state())
      for (const std::string& id : recovery_out.changed)
        if (const auto worker = fleet.find(id); worker && slot(*worker).used) tell_rules(*worker, now);
    rules.update_fleet(count_values(fleet.counts()), now);
  }
  rule_wishes.clear();
  rules.settle(now, rule_wishes);
  for (const AlertWish& wish : rule_wishes) {
    if (const auto worker = fleet.find(wish.worker_id); worker && !wish.worker_id.empty() && slot(*worker).used) {
      slot(*worker).ruled = wish.on || rules.fires_for(wish.worker_id);
      if (wish.on) tell_alerting(*worker, now);  // who it is, so that maintenance and outages count for the alert
    }
    alerting.on_wish(wish, now);
  }
}

void Engine::Impl::configure(EngineConfig next, const Now& now) {
  config = std::move(next);
  fleet.configure(fleet_config(config));
  recovery.set_policies(recovery_policies(config), now, recovery_out);
  alerting.set_config(config.alerting);
  notifier.set_config(config.notifier, now);
  windows_due.reset();
  rules.configure(config.rules, now);
  configure_analysis(now);
  for (const WorkerHandle worker : fleet.workers()) {
    slot(worker).recovery_print = 0;
    touch(worker);
  }
  for (auto& [name, pool] : pools) {
    pool.touched = true;
    pool.judged_at = SteadyTime{};
  }
  dirty = true;
}

}  // namespace paramedic
