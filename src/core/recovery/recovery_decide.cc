// Who may act now: hands the governor what it must know and does what it allows.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
// Short and frequent waits are not worth a line in an incident's story; of a disruption budget the end of the action
// tells.
bool worth_a_note(HoldCode code) {
  return code != HoldCode::backoff && code != HoldCode::action_running && code != HoldCode::stop_rate_pool &&
         code != HoldCode::mode_approve && code != HoldCode::waits_for_quiet && code != HoldCode::disruption_budget;
}
}  // namespace

PoolHealth Recovery::Impl::health_of(Pool& pool, const RecoveryPolicy& policy, SteadyTime now) {
  while (!pool.turned_ill.empty() && now - pool.turned_ill.front().first > policy.freeze_burst_window)
    pool.turned_ill.pop_front();
  PoolHealth health;
  health.size = pool.size;
  health.known = pool.known;
  health.unknown = pool.size - pool.known;
  health.ill = pool.ill;
  health.healthy = pool.known - pool.ill;
  for (const auto& [at, id] : pool.turned_ill) {
    const Worker* w = find(id);
    if (w && w->counted && w->counted_ill && w->ill_since == at) ++health.turned_ill;
  }
  health.broker_down = pool.facts.broker_down;
  health.source_blind = pool.facts.source_blind;
  health.monitor_lags = fleet.own_lag > policy.max_own_lag;
  return health;
}

GovernorPool Recovery::Impl::governor_pool(const std::string& name, const Pool& pool) const {
  GovernorPool g;
  g.name = name;
  g.policy = &policies.of(name);
  g.size = pool.size;
  g.healthy = pool.known - pool.ill;
  g.down = int(pool.down.size());
  g.stops = &pool.stops;
  g.freeze = &pool.freeze.state();
  if (pool.executor_hold) g.executor_hold = &*pool.executor_hold;
  return g;
}

const Recovery::Impl::MaintenanceEntry* Recovery::Impl::maintenance_entry(std::string_view worker,
                                                                          std::string_view pool) const {
  for (const std::string& id : {fmt::format("worker/{}", worker), fmt::format("pool/{}", pool), std::string("fleet")}) {
    const auto it = maintenance.find(id);
    if (it != maintenance.end()) return &it->second;
  }
  return nullptr;
}

GovernorWorker Recovery::Impl::governor_worker(const Worker& w, RemedyKind wanted, const Now& now) const {
  GovernorWorker g;
  const RecoveryWorkerFacts& f = w.facts;
  g.id = f.id;
  g.wanted = wanted;
  g.mode = policy_of(w).mode_for(f.by_agent);
  g.planned = w.stop_wish.planned;
  g.ill = w.counted_ill || (w.stop_wish.kind != RemedyKind::none && !w.stop_wish.planned);
  g.status_known = f.status != Status::unknown;
  g.can_restart = f.can_restart;
  g.source_connected = f.source_connected;
  if (is_stop(f.wish.kind)) g.news_until = f.news_until;  // the pool's own wish is not about silence
  g.action_running = w.action_running();
  g.approved = w.approved;
  g.rejected_until = w.rejected_until;
  g.rejected = w.rejected;
  g.announced_stop = f.announced_stop;
  if (f.dead) g.exit = f.exit;
  if (const auto* entry = maintenance.empty() ? nullptr : maintenance_entry(f.id, f.pool)) {
    g.maintenance = entry->record.id;
    g.maintenance_until = entry->until;
  }
  if (is_stop(wanted)) g.shared_cause = causes.of(f.id, policy_of(w), now.steady);
  g.quarantine = w.quarantine;
  const auto budget = budgets.find(budget_key(w));
  if (budget != budgets.end()) g.stops = &budget->second;
  g.next_start = w.next_start;
  g.crashes = w.backoff.crashes();
  g.crash_loop = w.backoff.crash_loop(now.steady);
  if (w.executor_hold) g.executor_hold = &*w.executor_hold;
  return g;
}

void Recovery::Impl::recheck_at(Pool& pool, std::optional<SteadyTime> at) {
  if (at && (!pool.recheck || *at < *pool.recheck)) pool.recheck = at;
}

void Recovery::Impl::update_freeze(const std::string& name, Pool& pool, const Now& now, RecoveryOutput& out) {
  const RecoveryPolicy& policy = policies.of(name);
  const bool was_frozen = pool.freeze.state().frozen();
  const bool changed = pool.freeze.update(health_of(pool, policy, now.steady), policy, now.steady);
  const FreezeState& state = pool.freeze.state();
  if (changed && state.frozen() && !was_frozen) pool.frozen_since = now.wall;
  if (changed) out.changed_pools.push_back(name);
  recheck_at(pool, state.until);
  const std::string& failure = pool.freeze.canary_failure();
  // One of an earlier life of the monitor ends when the pool opens or thaws.
  const bool over = failure.empty() && (!state.frozen() || state.phase == FreezeState::Phase::thawing);
  if (pool.canary_alert ? !over : failure.empty()) return;
  pool.canary_alert = !failure.empty();
  AlertWish wish;
  wish.key = fmt::format("pool/{}/canary_failed", name);
  wish.on = pool.canary_alert;
  wish.severity = Severity::critical;
  wish.reason = Reason::canary_failed;
  wish.pool = name;
  wish.title = fmt::format("Pool {} stays frozen: its canary restart did not help", name);
  wish.message = fmt::format("{}: {}; the next one comes {} after the start of this one", state.text, failure,
                             format_duration(policy.freeze_canary_every));
  out.alerts.push_back(std::move(wish));
}

void Recovery::Impl::decide_pool(const std::string& name, const Now& now, RecoveryOutput& out) {
  Pool& pool = pools[name];
  pool.recheck.reset();
  const RecoveryPolicy& policy = policies.of(name);
  check_pool_of_one(name, pool, now, out);
  update_freeze(name, pool, now, out);
  if (!pool.turned_ill.empty() && pool.freeze.state().frozen())
    recheck_at(pool, pool.turned_ill.front().first + policy.freeze_burst_window + 1ns);
  if (shut_down) return;
  const auto crashed_now = pool.crashed;
  for (const auto& id : crashed_now) decide_start(name, pool, workers[id], now, out);
  const auto wanting = pool.wanting;
  for (const auto& [since, id] : wanting) decide_stop(name, pool, workers[id], now, out);
}

void Recovery::Impl::decide_stop(const std::string& name, Pool& pool, Worker& w, const Now& now, RecoveryOutput& out) {
  if (w.action_running()) return set_hold(w, std::nullopt, out);  // its end marks the pool dirty
  const SteadyTime settled = *w.wish_since + policies.of(name).settle;
  if (now.steady < settled) return recheck_at(pool, settled);
  if (w.rejected_until && now.steady >= *w.rejected_until) w.rejected_until.reset();
  if (w.stop_wish.planned)
    if (auto waits = planned_hold(pool, w, now)) return set_hold(w, std::move(waits), out);
  GovernorAnswer answer = may_stop(fleet, governor_pool(name, pool), governor_worker(w, w.stop_wish.kind, now), now);
  if (answer.quarantine && !w.quarantine.on) {
    quarantine(w, answer.held->text, now, out);
    answer = may_stop(fleet, governor_pool(name, pool), governor_worker(w, w.stop_wish.kind, now), now);
  }
  if (answer.held) {
    if (answer.held->code == HoldCode::mode_approve)
      wait_for_approval(w, w.stop_wish.kind, w.stop_wish.reason, w.stop_wish.text, now, out);
    recheck_at(pool, answer.until);
    return set_hold(w, std::move(answer.held), out);
  }
  begin_stop(w, w.stop_wish.kind, w.stop_wish.reason, w.stop_wish.text, nullptr, now, out);
}

void Recovery::Impl::decide_start(const std::string& name, Pool& pool, Worker& w, const Now& now, RecoveryOutput& out) {
  if (w.action_running()) return set_hold(w, std::nullopt, out);
  set_next_start(w);
  if (w.rejected_until && now.steady >= *w.rejected_until) w.rejected_until.reset();
  GovernorAnswer answer = may_start(fleet, governor_pool(name, pool), governor_worker(w, RemedyKind::start, now), now);
  if (answer.held) {
    if (answer.held->code == HoldCode::mode_approve)
      wait_for_approval(w, RemedyKind::start, Reason::exited, "the worker crashed", now, out);
    recheck_at(pool, answer.until);
    return set_hold(w, std::move(answer.held), out);
  }
  set_hold(w, std::nullopt, out);
  if (w.facts.by_agent) return;  // its agent starts it under the lease
  begin_start(w, Reason::exited, fmt::format("crash {} in a row", w.backoff.crashes()), nullptr, now, out);
}

void Recovery::Impl::check_pool_of_one(const std::string& name, Pool& pool, const Now& now, RecoveryOutput& out) {
  const auto since = pool.facts.queue_stalled_since;
  const Duration after = policies.of(name).pool_of_one_stall;
  const bool due = since && pool.size == 1 && pool.facts.broker_down.empty() && now.steady - *since >= after;
  if (since && pool.size == 1 && !due && now.steady - *since < after) recheck_at(pool, *since + after);
  for (const std::string& id : pool.members) {
    Worker& w = workers[id];
    const bool ours = w.stop_wish.reason == Reason::queue_stalled;
    if (!due && !ours) continue;
    const bool can = due && w.counted && !w.facts.dead && w.ended_incarnation.empty();
    if (can && (w.stop_wish.kind == RemedyKind::none || w.stop_wish.planned))
      set_wish(
          w, {RemedyKind::restart, Reason::queue_stalled, "", "the queue of its pool stalls and it is the only worker"},
          now, out);
    else if (!can && ours)
      set_wish(w, {}, now, out);
  }
}

void Recovery::Impl::set_hold(Worker& w, std::optional<HoldBack> held, RecoveryOutput& out) {
  const HoldCode before = w.held ? w.held->code : HoldCode::none;
  const HoldCode after = held ? held->code : HoldCode::none;
  // Of most holds only the countdown changes, and `until` tells it; what a plan waits for changes in kind.
  const bool same = before == after && (!held || held->until == w.held->until);
  if (same && (after != HoldCode::waits_for_quiet || held->text == w.held->text)) return;
  w.held = std::move(held);
  touched.insert(w.facts.id);
  if (before == after || after == HoldCode::none) return;
  ++stats.held[fmt::format("{}/{}", w.held->wanted == RemedyKind::start ? "start" : "stop", to_string(after))];
  if (worth_a_note(after)) note(w, TimelineKind::held, w.held->text, std::nullopt, out);
}

}  // namespace paramedic
