// The last life of the monitor, read back from the ledger: budgets, backoff, quarantines, maintenance, running ladders.
// Wall times of the ledger become steady times of this life.
#include <algorithm>

#include <fmt/format.h>

#include "core/recovery/recovery_impl.h"

namespace paramedic {

void Recovery::Impl::restore(const LedgerState& state, const Now& now) {
  for (const WorkerRecord& r : state.workers) {
    Worker& w = workers[r.worker_id];
    w.facts.id = r.worker_id;
    w.facts.pool = r.pool;
    w.facts.host = r.host;
    w.facts.source = r.source;
    w.facts.version = r.version;
    w.facts.incarnation = r.incarnation;
    w.facts.state = r.state;
    w.stopped = r.state == WorkerState::stopped;
    if (w.stopped) w.ended_incarnation = r.incarnation;
    w.backoff = Backoff(policies.of(r.pool).backoff);
    w.backoff.on_start(now.steady);
    pool_of(w).members.insert(r.worker_id);
    recount(w, now);
  }
  for (const QuarantineRecord& r : state.quarantines) {
    Worker* w = find(r.worker_id);
    if (!w || !r.on) continue;
    const SteadyTime since = std::min(steady_at(r.at, now), now.steady);
    w->quarantine = {true, r.by_operator, r.reason, since, since + policy_of(*w).quarantine_retry};
  }
  for (const MaintenanceRecord& r : state.maintenance) {
    if (!r.on) continue;
    maintenance[r.id] = {r, r.until ? std::optional(steady_at(*r.until, now)) : std::nullopt};
  }
  if (state.big_switch) {
    fleet.big_switch = state.big_switch->held;
    fleet.big_switch_reason = state.big_switch->held ? state.big_switch->reason : "";
  }
  restore_budgets(state, now);
  restore_actions(state, now);
  restore_alert_flags(state);
  restore_rollings(state, now);
  touch_all();
}

void Recovery::Impl::restore_budgets(const LedgerState& state, const Now& now) {
  std::map<std::string, WallTime> stops_cleared, crashes_cleared;
  for (const auto& r : state.backoff_cleared) {
    crashes_cleared[r.worker_id] = std::max(crashes_cleared[r.worker_id], r.at);
    if (!r.crashes_only) stops_cleared[r.worker_id] = std::max(stops_cleared[r.worker_id], r.at);
  }
  auto budget_records = state.budgets;
  std::stable_sort(budget_records.begin(), budget_records.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  std::set<std::string_view> returned;
  for (const BudgetRecord& r : budget_records)
    if (r.returned) returned.insert(r.action_id);
  for (const BudgetRecord& r : budget_records) {
    if (returned.contains(r.action_id)) continue;
    const SteadyTime at = std::min(steady_at(r.at, now), now.steady);  // a wall clock set back must not spare a budget
    if (r.stop) pools[r.pool].stops.add(at);
    if (!r.stop) count_start(r.action_id);
    Worker* w = find(r.worker_id);
    const auto& cleared = r.stop ? stops_cleared : crashes_cleared;
    const auto it = cleared.find(r.worker_id);
    if (!w || (it != cleared.end() && r.at <= it->second)) continue;
    if (r.stop) {
      budgets[budget_key(*w)].add(at);
    } else if (r.crash) {
      // It lived from the start before this crash on: the streak ends if that was long enough.
      if (const auto before = w->backoff.last_death()) w->backoff.on_start(*before);
      w->backoff.on_death(at);
      w->backoff.on_start(at);
    }
  }
}

void Recovery::Impl::restore_actions(const LedgerState& state, const Now& now) {
  auto actions = state.actions;
  std::stable_sort(actions.begin(), actions.end(),
                   [](const ActionRecord& a, const ActionRecord& b) { return a.requested_at < b.requested_at; });
  for (const ActionRecord& a : actions) {
    restore_canary(a, now);
    Worker* w = find(a.worker_id);
    if (!w || (w->action_open() && is_final(a.state))) continue;
    w->action = a;
    w->approved = false;
    w->unsure = a.state == ActionState::sent;
    restore_approval(*w, now);
    if (!w->action_running()) continue;
    w->action_deadline = now.steady + action_time(*w);
    if (takes_place(a)) pool_of(*w).down.insert(a.worker_id);
    if (a.counted_stop && a.sent_at) w->counted_at = std::min(steady_at(*a.sent_at, now), now.steady);
    if (a.state == ActionState::verifying) {
      w->verify = Verification{};
      w->verify->since = now.steady;
      w->verify->paused_at = now.steady;
    }
  }
}

// One that proved that restarts help, or that said nothing of it, leaves no pace to keep.
void Recovery::Impl::restore_canary(const ActionRecord& a, const Now& now) {
  if (!a.sent_at || (is_final(a.state) && a.state != ActionState::failed)) return;
  const SteadyTime began = std::min(steady_at(*a.sent_at, now), now.steady);
  const bool running = !is_final(a.state);
  const RecoveryPolicy& policy = policies.of(a.pool);
  for (const std::string& what : a.canary_of) {
    if (what == pool_key(a.pool)) {
      Pool& pool = pools[a.pool];
      pool.freeze.restore_canary(a.action_id, began, running, policy, now.steady);
      if (running) pool.frozen_since = now.wall;
    } else {
      causes.restore_canary(what, a.action_id, began, running, policy);
    }
  }
}

void Recovery::Impl::restore_alert_flags(const LedgerState& state) {
  for (const Alert& a : state.alerts) {
    if (a.state != AlertState::firing) continue;
    if (a.reason == Reason::canary_failed && !a.pool.empty()) pools[a.pool].canary_alert = true;
    Worker* w = find(a.worker_id);
    if (w && a.key == fmt::format("worker/{}/exited", a.worker_id)) {
      w->crash_alert = true;
      w->crash_critical = a.severity == Severity::critical;
      if (!w->verify) w->verify = Verification{.since = fleet.monitor_started, .paused_at = fleet.monitor_started};
    } else if (w && a.key == fmt::format("worker/{}/verification_failed", a.worker_id)) {
      w->verify_alert = true;
      if (!w->verify)
        w->verify = Verification{.since = fleet.monitor_started, .paused_at = fleet.monitor_started, .failed = true};
    } else if (w && a.key == fmt::format("worker/{}/quarantined", a.worker_id)) {
      w->quarantine_alert = true;
    } else if (w && a.key == fmt::format("worker/{}/approval_wanted", a.worker_id)) {
      w->approval_alert = true;
    } else if (a.reason == Reason::crash_loop) {
      for (auto& [id, worker] : workers) {
        const bool loops = worker.backoff.last_death() && worker.backoff.crash_loop(*worker.backoff.last_death());
        if (!loops || a.key != fmt::format("pool/{}/crash_loop/{}", worker.facts.pool, worker.facts.version)) continue;
        worker.crash_loop_key = a.key;
        crash_loops[a.key].insert(id);
      }
      // Nobody loops any more, or with another version by now: nobody else would end it.
      if (!crash_loops.contains(a.key))
        owed_alerts.push_back({.key = a.key, .on = false, .reason = Reason::crash_loop, .pool = a.pool});
    }
  }
}

}  // namespace paramedic
