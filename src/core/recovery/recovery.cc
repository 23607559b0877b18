#include "core/recovery/recovery.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/recovery/recovery_impl.h"

namespace paramedic {

void RecoveryOutput::clear() {
  ledger.clear();
  acts.clear();
  alerts.clear();
  notes.clear();
  deaths.clear();
  events.clear();
  changed.clear();
  changed_pools.clear();
}

Recovery::Recovery(RecoveryPolicies policies, const Now& started)
    : impl_(std::make_unique<Impl>(std::move(policies), started)) {}
Recovery::~Recovery() = default;

void Recovery::restore(const LedgerState& state, const Now& now) { impl_->restore(state, now); }

void Recovery::set_policies(RecoveryPolicies policies, const Now& now, RecoveryOutput& out) {
  Impl& m = *impl_;
  const RecoveryPolicies old = std::exchange(m.policies, std::move(policies));
  for (auto& [id, w] : m.workers) {
    m.touch(w);
    if (old.of(w.facts.pool) == m.policies.of(w.facts.pool)) continue;
    w.backoff.set_policy(m.policy_of(w).backoff);
    m.clear_history(w, "changed configuration", true, now, out);
  }
}

void Recovery::update_worker(const RecoveryWorkerFacts& facts, const Now& now, RecoveryOutput& out) {
  impl_->take_facts(impl_->worker(facts.id), facts, now, out);
}

void Recovery::update_pool(const RecoveryPoolFacts& facts, const Now& now, RecoveryOutput& out) {
  Impl& m = *impl_;
  auto& pool = m.pools[facts.pool];
  const bool recovered = !pool.facts.broker_down.empty() && facts.broker_down.empty();
  const std::string broker = pool.facts.broker_down;
  const bool changed = pool.facts.broker_down != facts.broker_down || pool.facts.source_blind != facts.source_blind ||
                       pool.facts.queue_stalled_since != facts.queue_stalled_since;
  pool.facts = facts;
  if (changed) m.dirty_pools.insert(facts.pool);
  if (!recovered) return;
  for (const std::string& id : pool.members)
    m.clear_history(m.workers[id], "broker " + broker + " recovered", true, now, out);
}

void Recovery::update_causes(std::vector<RecoveryCause> causes, const Now& now) {
  Impl& m = *impl_;
  if (causes.empty() && !m.causes.any()) return;
  for (RecoveryCause& cause : causes)
    cause.grave = int(std::count_if(cause.workers.begin(), cause.workers.end(), [&](const std::string& id) {
      const Impl::Worker* w = m.find(id);
      return w && (w->crashed || w->counted_ill);
    }));
  m.dirty_pools_of(m.causes.update(std::move(causes), now.steady));
}

void Recovery::remove_worker(std::string_view id, const Now& now, RecoveryOutput& out) {
  Impl& m = *impl_;
  const auto it = m.workers.find(id);
  if (it == m.workers.end()) return;
  Impl::Worker& w = it->second;
  if (w.action_open()) m.finish_action(w, ActionState::abandoned, "the worker is gone", now, out);
  m.end_crash_loop(w, out);
  if (w.quarantine.on) m.end_quarantine(w, "the worker is gone", "paramedic", now, out);
  m.uncount(w);
  auto& pool = m.pool_of(w);
  pool.members.erase(w.facts.id);
  pool.crashed.erase(w.facts.id);
  pool.down.erase(w.facts.id);
  if (w.wish_since) pool.wanting.erase({*w.wish_since, w.facts.id});
  m.dirty_pools.insert(w.facts.pool);
  for (const auto reason : {Reason::exited, Reason::verification_failed}) {
    if (!(reason == Reason::exited ? w.crash_alert : w.verify_alert)) continue;
    m.wish_alert(w, false, Severity::info, reason, "", "", out);
    out.alerts.back().closed_as = "gone";
  }
  if (w.timer) m.timers.erase({*w.timer, w.facts.id});
  m.touched.erase(w.facts.id);
  if (w.facts.id_scope == IdScope::worker) m.budgets.erase(w.facts.id);
  m.workers.erase(it);
}

void Recovery::set_own_lag(Duration lag) {
  Impl& m = *impl_;
  const Duration before = std::exchange(m.fleet.own_lag, lag);
  if (before == lag) return;
  for (const auto& [name, pool] : m.pools) {
    const Duration limit = m.policies.of(name).max_own_lag;
    if (!pool.wanting.empty() && (before > limit) != (lag > limit)) m.dirty_pools.insert(name);
  }
}

void Recovery::set_ledger_degraded(bool degraded) {
  if (std::exchange(impl_->fleet.ledger_degraded, degraded) != degraded)
    for (const auto& [name, pool] : impl_->pools) impl_->dirty_pools.insert(name);
}

void Recovery::shut_down() { impl_->shut_down = true; }

void Recovery::on_progress(const ProgressInput& progress, const Now& now, RecoveryOutput& out) {
  auto* w = impl_->find(progress.worker_id);
  if (w && w->action && w->action->action_id == progress.action_id) return impl_->progress(*w, progress, now, out);
  for (auto& [id, other] : impl_->workers)  // an incarnation-scoped successor carries the action of its predecessor
    if (other.action && other.action->action_id == progress.action_id)
      return impl_->progress(other, progress, now, out);
}

void Recovery::on_agent_start(const AgentStartInput& start, const Now& now, RecoveryOutput& out) {
  if (auto* w = impl_->find(start.worker_id)) impl_->begin_agent_start(*w, start, now, out);
}

void Recovery::settle(const Now& now, RecoveryOutput& out) { impl_->settle(now, out); }
std::optional<SteadyTime> Recovery::next_deadline() const { return impl_->next_deadline(); }

RecoveryWorkerView Recovery::worker_view(std::string_view id, const Now& now) const {
  RecoveryWorkerView view;
  const auto* w = impl_->find(id);
  if (!w) return view;
  const RecoveryPolicy& policy = impl_->policy_of(*w);
  const bool coming =
      w->crashed && (!w->held || w->held->code == HoldCode::backoff || w->held->code == HoldCode::crash_loop);
  if ((w->stop_running() && w->action->state != ActionState::verifying) || coming)
    view.state = WorkerState::restarting;
  else if (w->quarantine.on)
    view.state = WorkerState::quarantined;
  else if (!maintenance_of(id, w->facts.pool).empty())
    view.state = WorkerState::maintenance;
  view.held = w->held;
  view.action = w->action;
  view.crashes = w->backoff.crashes();
  const auto budget = impl_->budgets.find(impl_->budget_key(*w));
  if (budget != impl_->budgets.end()) view.stops_used = budget->second.used(now.steady, policy.stops_window);
  view.stops_allowed = policy.stops_per_worker;
  return view;
}

RecoveryPoolView Recovery::pool_view(std::string_view name, const Now& now) const {
  RecoveryPoolView view;
  const RecoveryPolicy& policy = impl_->policies.of(name);
  view.maintenance = impl_->maintenance.contains(fmt::format("pool/{}", name)) || impl_->maintenance.contains("fleet");
  const auto it = impl_->pools.find(name);
  if (it == impl_->pools.end()) {
    view.mode = policy.mode_for(false);
    return view;
  }
  const Impl::Pool& pool = it->second;
  const bool by_agent = std::any_of(pool.members.begin(), pool.members.end(),
                                    [&](const std::string& id) { return impl_->find(id)->facts.by_agent; });
  view.mode = policy.mode_for(by_agent);
  if (pool.freeze.state().frozen()) {
    view.frozen = pool.freeze.state().text;
    view.frozen_since = pool.frozen_since;
  }
  view.down_now = int(pool.down.size());
  view.down_allowed = policy.down_allowed(pool.size);
  view.stops_hour = pool.stops.used(now.steady, 1h);
  view.stops_hour_allowed = policy.hourly_allowed(pool.size);
  return view;
}

std::vector<RollingRecord> Recovery::rollings() const {
  std::vector<RollingRecord> out;
  for (const auto& [id, r] : impl_->rollings) out.push_back(r.record);
  std::sort(out.begin(), out.end(),
            [](const RollingRecord& a, const RollingRecord& b) { return a.started_at > b.started_at; });
  out.insert(out.end(), impl_->past_rollings.rbegin(), impl_->past_rollings.rend());
  return out;
}

std::vector<MaintenanceRecord> Recovery::maintenance() const {
  std::vector<MaintenanceRecord> records;
  for (const auto& [id, entry] : impl_->maintenance) records.push_back(entry.record);
  return records;
}

std::string Recovery::maintenance_of(std::string_view worker, std::string_view pool) const {
  if (impl_->maintenance.empty()) return {};
  const auto* entry = impl_->maintenance_entry(worker, pool);
  return entry ? entry->record.id : std::string();
}

bool Recovery::big_switch_held() const { return impl_->fleet.big_switch; }
std::string Recovery::big_switch_reason() const { return impl_->fleet.big_switch_reason; }
const RecoveryStats& Recovery::stats() const { return impl_->stats; }

}  // namespace paramedic
