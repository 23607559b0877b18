#include "core/engine/engine.h"

#include "core/engine/engine_impl.h"

namespace paramedic {

FleetConfig fleet_config(const EngineConfig& config) {
  FleetConfig out;
  out.limits = config.limits;
  out.aliases = config.aliases;
  out.defaults = config.defaults.rules;
  for (const auto& [name, pool] : config.pools) out.pools[name] = pool.rules;
  return out;
}

RecoveryPolicies recovery_policies(const EngineConfig& config) {
  RecoveryPolicies out;
  out.defaults = config.defaults.recovery;
  for (const auto& [name, pool] : config.pools) out.pools[name] = pool.recovery;
  return out;
}

namespace {
template <class T>
void keep_earlier(std::optional<T>& best, const std::optional<T>& other) {
  if (other && (!best || *other < *best)) best = other;
}

}  // namespace

Engine::Impl::Impl(EngineConfig c, const Now& start)
    : config(std::move(c)),
      fleet(fleet_config(config), start),
      recovery(recovery_policies(config), start),
      alerting(config.alerting),
      rules(config.rules),
      notifier(config.notifier),
      analysis(config.analysis.max_memory),
      next_sweep(start.steady) {}

Engine::Engine(EngineConfig config, const Now& start) : impl_(std::make_unique<Impl>(std::move(config), start)) {}
Engine::~Engine() = default;

void Engine::restore(const LedgerState& state, const Now& now) {
  impl_->fleet.restore(state.workers, now);
  impl_->recovery.restore(state, now);
  impl_->alerting.restore(state, now);
  impl_->rules.restore(state.alerts, now);
  impl_->notifier.restore(state, now);
  impl_->restore_causes(state);
  impl_->restore_poison(state, now);
  impl_->restore_analysis(state, now);
  impl_->restore_outages(state, now);
  for (const WorkerHandle worker : impl_->fleet.workers()) impl_->touch(worker);
  // Alerting holds these: it must hear of a worker that turned well while no monitor was there.
  for (const Alert& alert : state.alerts)
    if (const auto worker = impl_->fleet.find(alert.worker_id)) impl_->slot(*worker).announced_bad = true;
}

void Engine::step(std::span<Input> inputs, Duration oldest_wait, const Now& now, Effects& out) {
  Impl& impl = *impl_;
  const Duration late = impl.expected ? std::max(Duration{0}, now.steady - *impl.expected) : Duration{0};
  impl.round_lag = late;
  impl.own_lag = std::max(oldest_wait, late);
  if (impl.own_lag > kCondemnLag) impl.condemn_from = now.steady + kSettleAfterLag;
  impl.recovery.set_own_lag(impl.own_lag);

  for (Input& input : inputs) impl.take(input, now, out);
  impl.judge_connectivity(now, out);
  if (const auto due = impl.fleet.next_source_deadline(); due && *due <= now.steady)
    impl.sources_changed(impl.fleet.sweep_sources(now), now, out);
  if (now.steady >= impl.next_sweep) impl.sweep(now, out);
  impl.rounds(now, out);
  impl.judge_pools(now);
  impl.judge_brokers(now, out);
  impl.end_restored_outages(now);
  impl.judge_monitor(now);
  impl.settle(now, out);

  std::optional<SteadyTime> next = impl.next_worker_deadline();
  keep_earlier(next, impl.fleet.next_source_deadline());
  keep_earlier(next, impl.recovery.next_deadline());
  keep_earlier(next, impl.alerting.next_deadline());
  keep_earlier(next, impl.rules.next_deadline());
  if (!impl.shut_down) keep_earlier(next, impl.notifier.next_deadline());
  keep_earlier(next, std::optional(impl.next_sweep));
  keep_earlier(next, impl.causes_due);
  keep_earlier(next, impl.poison_due);
  for (const auto& [name, pool] : impl.pools) keep_earlier(next, pool.deadline);
  // A deadline that stays in the past (held back work) must not spin the engine.
  out.next_deadline = std::max(*next, now.steady + 1ms);
  impl.expected = out.next_deadline;
}

Result<void> Engine::restore_analysis(std::string_view name, std::string_view bytes, const Now& now) {
  const EngineConfig& config = impl_->config;
  if (!config.analysis.enabled) return {};
  return impl_->analysis.restore(name, bytes, now.wall, [&config](std::string_view pool) -> const AnalysisSettings& {
    return config.pool(pool).analysis;
  });
}

void Engine::configure(EngineConfig config, const Now& now) { impl_->configure(std::move(config), now); }

bool Engine::view_dirty() const { return impl_->dirty; }

}  // namespace paramedic
