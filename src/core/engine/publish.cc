// FleetView: rebuilt where something changed; everything else is shared with the publication before.
#include "core/engine/engine_impl.h"

namespace paramedic {

void Engine::Impl::rebuild_views(std::vector<WorkerHandle>& workers, const Now& now, FleetDelta& delta) {
  for (const WorkerHandle worker : workers) {
    slots[worker].urgent = false;
    if (slots[worker].dirty && fleet.contains(worker)) rebuild_view(worker, now, delta);
  }
  workers.clear();
}

void Engine::Impl::rebuild_view(WorkerHandle worker, const Now& now, FleetDelta& delta) {
  Slot& s = slots[worker];
  s.dirty = false;
  auto view = std::make_shared<WorkerView>();
  fleet.fill_view(worker, now, *view);
  view->verdict = s.verdict;
  view->analysis = s.analysis;
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
  delta.changed.push_back(s.view);
  if (!membership_changed && s.page < pages.size()) pages[s.page].reset();
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
  PoolView view;
  view.name = pool;
  view.counts = fleet.pool_counts(pool);
  const RecoveryPoolView acted = recovery.pool_view(pool, now);
  view.mode = acted.mode;
  view.frozen = acted.frozen;
  view.frozen_since = acted.frozen_since;
  view.maintenance = acted.maintenance;
  view.down_now = acted.down_now;
  view.down_allowed = acted.down_allowed;
  view.stops_hour = acted.stops_hour;
  view.stops_hour_allowed = acted.stops_hour_allowed;
  if (const auto found = pools.find(pool); found != pools.end()) {
    view.findings = found->second.findings;
    view.tasks_per_minute = found->second.tasks_per_minute;
  }
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
  out.stops_ordered = r.stops_ordered;
  out.stops_done = r.stops_done;
  out.actions_succeeded = r.actions_succeeded;
  out.actions_failed = r.actions_failed;
  out.held = r.held;
  out.poison_evicted = poison.evicted();
  const FleetAnalysisStats a = analysis.stats();
  out.analysis_workers = a.workers;
  out.analysis_bytes = a.bytes;
  out.analysis_limit_bytes = a.limit_bytes;
  out.analysis_samples = a.samples;
  out.analysis_degraded = a.series_degraded;
  out.analysis_refused = a.series_refused + a.task_types_refused;
  out.analysis_states_refused = a.states_refused;
  out.rules = rules.stats().rules;
  out.rule_evaluations = rules.stats().evaluations;
  out.rule_alerts_cut = rules.stats().cut;
  return out;
}

std::shared_ptr<const FleetView> Engine::Impl::fleet_view(const Now& now) {
  auto view = std::make_shared<FleetView>();
  view->generation = generation;
  view->at = now.wall;
  view->counts = fleet.counts();
  view->pages = pages;
  for (const std::string& pool : fleet.pools()) view->pools.push_back(pool_view(pool, now));
  view->queues = fleet.queue_views(now);
  view->sources = fleet.source_views(now);
  view->incidents = alerting.incidents();
  view->alerts = alerting.alerts();
  view->events.assign(events.begin(), events.end());
  view->maintenance = recovery.maintenance();
  view->rollings = recovery.rollings();
  view->silences = notifier.silences();
  view->acknowledgements = notifier.acknowledgements();
  view->poison_tasks = poison_named;
  view->degradations = degradations;
  view->big_switch_held = recovery.big_switch_held();
  view->big_switch_reason = recovery.big_switch_reason();
  view->ledger_degraded = ledger_degraded;
  view->stats = stats();
  return view;
}

FleetDelta Engine::publish(const Now& now, PublishScope scope) {
  Impl& impl = *impl_;
  ++impl.generation;
  FleetDelta delta;
  impl.rebuild_views(impl.urgent_workers, now, delta);
  if (scope == PublishScope::all) impl.rebuild_views(impl.dirty_workers, now, delta);
  if (impl.membership_changed) impl.rebuild_pages();
  impl.membership_changed = false;
  for (std::size_t i = 0; i < impl.pages.size(); ++i) {
    if (impl.pages[i]) continue;
    auto page = std::make_shared<WorkerPage>();
    page->workers.reserve(impl.page_members[i].size());
    for (const WorkerHandle worker : impl.page_members[i]) page->workers.push_back(impl.slots[worker].view);
    impl.pages[i] = std::move(page);
  }
  delta.view = impl.fleet_view(now);
  delta.removed = std::move(impl.removed);
  delta.events = std::move(impl.new_events);
  impl.removed.clear();
  impl.new_events.clear();
  impl.dirty = !impl.dirty_workers.empty();
  return delta;
}

}  // namespace paramedic
