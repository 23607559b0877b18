// FleetView: rebuilt where something changed; everything else is shared with the publication before.
#include "core/engine/engine_impl.h"

namespace paramedic {

void Engine::Impl::rebuild_view(WorkerHandle worker, const Now& now) {
  Slot& s = slots[worker];
  auto view = std::make_shared<WorkerView>();
  fleet.fill_view(worker, now, *view);
  view->verdict = s.verdict;
  view->status_since = s.memory.judged ? s.memory.status_since : now.wall;
  view->last_check = s.last_check;
  const RecoveryWorkerView acted = recovery.worker_view(s.id, now);
  if (acted.state && !is_inactive(view->state)) view->state = *acted.state;
  view->held = acted.held;
  view->action = acted.action;
  view->crashes = acted.crashes;
  view->stops_used = acted.stops_used;
  view->stops_allowed = acted.stops_allowed;
  view->generation = generation;
  s.view = std::move(view);
}

void Engine::Impl::rebuild_pages() {
  pages.clear();
  page_members.clear();
  for (const WorkerHandle worker : fleet.workers()) {
    if (worker >= slots.size() || !slots[worker].view) continue;
    if (page_members.empty() || page_members.back().size() == kWorkersPerPage) page_members.emplace_back();
    slots[worker].page = page_members.size() - 1;
    page_members.back().push_back(worker);
  }
  pages.resize(page_members.size());
}

PoolView Engine::Impl::pool_view(const std::string& pool, const Now& now) const {
  PoolView view = fleet.pool_view(pool, now);
  const RecoveryPoolView acted = recovery.pool_view(pool, now);
  view.mode = acted.mode;
  view.frozen = acted.frozen;
  view.frozen_since = acted.frozen_since;
  view.maintenance = acted.maintenance;
  view.down_now = acted.down_now;
  view.down_allowed = acted.down_allowed;
  view.stops_hour = acted.stops_hour;
  view.stops_hour_allowed = acted.stops_hour_allowed;
  if (const auto found = pools.find(pool); found != pools.end()) view.findings = found->second.findings;
  return view;
}

EngineStats Engine::Impl::stats() const {
  EngineStats out = fleet.stats();
  out.rounds = rounds_run;
  out.transitions = transitions;
  out.checks_failed = checks_failed;
  out.round_lag_seconds = to_seconds(round_lag);
  const RecoveryStats& r = recovery.stats();
  out.starts_wanted = r.starts_wanted;
  out.starts_done = r.starts_done;
  out.stops_wanted = r.stops_wanted;
  out.stops_done = r.stops_done;
  out.actions_succeeded = r.actions_succeeded;
  out.actions_failed = r.actions_failed;
  out.held = r.held;
  return out;
}

FleetDelta Engine::publish(const Now& now) {
  Impl& impl = *impl_;
  ++impl.generation;
  FleetDelta delta;
  for (const WorkerHandle worker : impl.dirty_workers) {
    Impl::Slot& s = impl.slots[worker];
    if (!s.dirty || !impl.fleet.contains(worker)) continue;
    s.dirty = false;
    impl.rebuild_view(worker, now);
    delta.changed.push_back(s.view);
    if (!impl.membership_changed && s.page < impl.pages.size()) impl.pages[s.page].reset();
  }
  impl.dirty_workers.clear();
  if (impl.membership_changed) impl.rebuild_pages();
  impl.membership_changed = false;
  for (std::size_t i = 0; i < impl.pages.size(); ++i) {
    if (impl.pages[i]) continue;
    auto page = std::make_shared<WorkerPage>();
    page->workers.reserve(impl.page_members[i].size());
    for (const WorkerHandle worker : impl.page_members[i]) page->workers.push_back(impl.slots[worker].view);
    impl.pages[i] = std::move(page);
  }

  auto view = std::make_shared<FleetView>();
  view->generation = impl.generation;
  view->at = now.wall;
  view->counts = impl.fleet.counts();
  view->pages = impl.pages;
  for (const std::string& pool : impl.fleet.pools()) view->pools.push_back(impl.pool_view(pool, now));
  view->queues = impl.fleet.queue_views(now);
  view->sources = impl.fleet.source_views(now);
  view->incidents = impl.alerting.incidents();
  view->alerts = impl.alerting.alerts();
  view->events.assign(impl.events.begin(), impl.events.end());
  view->maintenance = impl.recovery.maintenance();
  view->big_switch_held = impl.recovery.big_switch_held();
  view->big_switch_reason = impl.recovery.big_switch_reason();
  view->ledger_degraded = impl.ledger_degraded;
  view->stats = impl.stats();
  delta.view = std::move(view);
  delta.removed = std::move(impl.removed);
  delta.events = std::move(impl.new_events);
  impl.removed.clear();
  impl.new_events.clear();
  impl.dirty = false;
  return delta;
}

}  // namespace paramedic
