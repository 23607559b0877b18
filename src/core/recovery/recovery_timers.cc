// settle(): timers, decisions, leases; and the next deadline.
#include <algorithm>

#include <fmt/format.h>

#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
void earliest(std::optional<SteadyTime>& best, std::optional<SteadyTime> candidate) {
  if (candidate && (!best || *candidate < *best)) best = candidate;
}

bool same_lease(const Lease& a, const Lease& b, Duration elapsed) {
  const Duration drift = a.next_start_in - elapsed - b.next_start_in;
  const bool same_start =
      (a.next_start_in <= elapsed && b.next_start_in == Duration{0}) || (drift < 500ms && drift > -500ms);
  return a.incarnation == b.incarnation && a.crashes == b.crashes && a.hold == b.hold &&
         a.hold_reason == b.hold_reason && a.adds_jitter == b.adds_jitter && same_start;
}
}  // namespace

void Recovery::Impl::touch_all() {
  for (const auto& [id, w] : workers) touch(w);
}

void Recovery::Impl::dirty_pools_of(const std::set<std::string>& ids) {
  for (const std::string& id : ids)
    if (const Worker* w = find(id)) dirty_pools.insert(w->facts.pool);
}

void Recovery::Impl::settle(const Now& now, RecoveryOutput& out) {
  expire_maintenance(now, out);
  for (AlertWish& wish : std::exchange(owed_alerts, {})) out.alerts.push_back(std::move(wish));
  while (!timers.empty() && timers.begin()->first <= now.steady) {
    const std::string id = timers.begin()->second;
    timers.erase(timers.begin());
    Worker& w = workers[id];
    w.timer.reset();
    run_timers(w, now, out);
    touched.insert(id);
  }
  for (auto& [name, pool] : pools)
    if (pool.recheck && *pool.recheck <= now.steady) dirty_pools.insert(name);
  // A decision may dirty its pool again (a stop changes the budgets of the others); twice is enough, the rest is next
  // time.
  for (int i = 0; i < 2 && !dirty_pools.empty(); ++i) {
    const auto dirty = std::exchange(dirty_pools, {});
    for (const auto& name : dirty) decide_pool(name, now, out);
  }
  settle_rollings(now, out);
  for (const auto& name : dirty_pools) recheck_at(pools[name], now.steady + 100ms);
  dirty_pools.clear();
  const auto ids = std::exchange(touched, {});
  for (const auto& id : ids) {
    Worker* w = find(id);
    if (!w) continue;
    renew_lease(*w, now, out);
    schedule(*w);
    out.changed.push_back(id);
    out.changed_pools.push_back(w->facts.pool);
  }
  std::sort(out.changed_pools.begin(), out.changed_pools.end());
  out.changed_pools.erase(std::unique(out.changed_pools.begin(), out.changed_pools.end()), out.changed_pools.end());
}

void Recovery::Impl::run_timers(Worker& w, const Now& now, RecoveryOutput& out) {
  check_verify(w, now, out);
  check_unsure(w, now, out);
  if (w.action_running() && w.action_deadline && now.steady >= *w.action_deadline)
    not_proven(w, "no outcome in time", now, out);
  if (w.crash_rises_at && now.steady >= *w.crash_rises_at && w.crashed) {
    w.crash_rises_at.reset();
    w.crash_critical = true;
    const std::string why = w.held ? w.held->text : std::string("nothing started it");
    wish_alert(w, true, Severity::critical, Reason::exited,
               fmt::format("Worker {} crashed and did not come back", w.facts.id), why, out);
  }
  if (w.backoff.resets_at() && now.steady >= *w.backoff.resets_at() && w.backoff.reset_if_healthy(now.steady)) {
    out.ledger.push_back({now.wall, BackoffClearedRecord{w.facts.id, "healthy", true, now.wall}});
    end_crash_loop(w, out);
  }
  if (w.stop_wish.kind == RemedyKind::none) update_wish(w, now, out);  // a recycle comes due by time alone
  if (w.quarantine.on && !w.quarantine.by_operator && w.calm_since &&
      now.steady - *w.calm_since >= policy_of(w).backoff.healthy_reset)
    end_quarantine(w, "healthy again", "paramedic", now, out);
}

void Recovery::Impl::schedule(Worker& w) {
  const RecoveryPolicy& p = policy_of(w);
  std::optional<SteadyTime> at = w.backoff.resets_at();
  if (w.action_running()) earliest(at, w.action_deadline);
  earliest(at, w.first_words_by);
  if (w.crashed) earliest(at, w.crash_rises_at);
  if (w.quarantine.on && !w.quarantine.by_operator && w.calm_since)
    earliest(at, *w.calm_since + p.backoff.healthy_reset);
  if (w.lease) earliest(at, w.lease_sent + kLeaseRenewal);
  earliest(at, next_planned(w, w.looked_at));
  if (w.verify && !w.verify->paused_at && !w.crashed && !w.stopped) {
    const Verification& v = *w.verify;
    const auto due = [&](SteadyTime t) {
      if (t > w.looked_at) earliest(at, t);
    };
    if (!v.heard_at) due(v.since + grace_of(w));
    if (v.calm_since) due(*v.calm_since + p.verify_alive);
    if (v.heard_at)
      due((w.facts.has_model ? std::max(*v.heard_at, v.since + grace_of(w)) : *v.heard_at) + p.verify_proof);
  }
  if (at == w.timer) return;
  if (w.timer) timers.erase({*w.timer, w.facts.id});
  w.timer = at;
  if (at) timers.insert({*at, w.facts.id});
}

void Recovery::Impl::renew_lease(Worker& w, const Now& now, RecoveryOutput& out) {
  w.looked_at = now.steady;
  const RecoveryWorkerFacts& f = w.facts;
  const bool wants = f.by_agent && f.can_restart && f.source_connected && w.seen && f.state != WorkerState::gone;
  if (!wants || shut_down) {
    w.lease.reset();
    return;
  }
  LeaseState state;
  state.incarnation = f.incarnation;
  state.crashes_before = std::max(w.backoff.crashes() - (w.crashed ? 1 : 0), 0);
  state.hold = start_hold(fleet, governor_worker(w, RemedyKind::start, now), policy_of(w), now);
  if (w.crashed) state.next_start_at = w.next_start;
  state.adds_jitter = w.adds_jitter;
  Lease lease = make_lease(f.id, state, now.steady);
  const Duration elapsed = now.steady - w.lease_sent;
  if (w.lease && elapsed < kLeaseRenewal && same_lease(*w.lease, lease, elapsed)) return;
  w.lease = lease;
  w.lease_sent = now.steady;
  out.acts.push_back(SendLease{f.source, std::move(lease)});
}

void Recovery::Impl::expire_maintenance(const Now& now, RecoveryOutput& out) {
  for (auto it = maintenance.begin(); it != maintenance.end();) {
    if (!it->second.until || now.steady < *it->second.until) {
      ++it;
      continue;
    }
    MaintenanceRecord record = it->second.record;
    record.on = false;
    record.at = now.wall;
    record.reason = "its time is over";
    out.ledger.push_back({now.wall, std::move(record)});
    it = maintenance.erase(it);
    touch_all();
  }
}

std::optional<SteadyTime> Recovery::Impl::next_deadline() const {
  std::optional<SteadyTime> at;
  if (!timers.empty()) at = timers.begin()->first;
  for (const auto& [name, pool] : pools) earliest(at, pool.recheck);
  for (const auto& [id, entry] : maintenance) earliest(at, entry.until);
  for (const auto& [id, r] : rollings)
    if (r.record.state == RollingState::running) earliest(at, r.look_at);
  return at;
}

}  // namespace paramedic
