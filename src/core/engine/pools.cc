// Pools, brokers and the monitor itself: judged once per step after the rounds; then recovery and alerting settle.
#include <fmt/format.h>

#include "base/text.h"
#include "core/engine/engine_impl.h"

namespace paramedic {

void Engine::Impl::judge_pools(const Now& now) {
  for (auto& [name, state] : pools) {
    const bool due = state.deadline && *state.deadline <= now.steady;
    if (!due && (!state.touched || now.steady - state.judged_at < kPoolPause)) {
      if (state.touched && !state.deadline) state.deadline = state.judged_at + kPoolPause;
      continue;
    }
    state.touched = false;
    state.judged_at = now.steady;
    judge_pool(name, state, now);
  }
}

void Engine::Impl::judge_pool(const std::string& pool, PoolSlot& state, const Now& now) {
  const PoolFacts facts = fleet.pool_facts(pool, now);
  std::vector<Cause> findings = pool_findings(facts, fleet.rules(pool), now);
  state.deadline = next_pool_deadline(facts, now.steady);
  bool stalled = false;
  for (Cause& cause : findings) {
    cause.since = now.wall;
    for (const Cause& old : state.findings)
      if (old.reason == cause.reason && old.subject == cause.subject && old.status == cause.status)
        cause.since = old.since;
    stalled = stalled || cause.reason == Reason::queue_stalled;
  }
  if (!stalled) state.stalled_since.reset();
  if (stalled && !state.stalled_since) state.stalled_since = now.steady;
  state.findings = std::move(findings);
  state.tasks_per_minute = facts.tasks_per_minute;
  dirty = true;

  RecoveryPoolFacts told{.pool = pool};
  told.queue_stalled_since = state.stalled_since;
  told.broker_down = facts.broker_down;
  if (facts.slots > 0) told.load_percent = 100.0 * facts.busy_slots / facts.slots;
  for (const std::string& source : fleet.sources_away()) {
    const auto workers = fleet.workers_of_source(source);
    const bool ours = std::any_of(workers.begin(), workers.end(), [&](WorkerHandle worker) {
      return fleet.facts(worker).pool == pool && !is_inactive(fleet.facts(worker).state);
    });
    if (ours) told.source_blind = source;
  }
  // The smallest seam to the brakes: a monitor without network is blind to every pool.
  if (const std::string probe = fleet.probes().cut_off_probe(); !probe.empty()) told.source_blind = "monitor/" + probe;
  recovery.update_pool(told, now, recovery_out);
  tell_rules_pool(pool, facts, state.findings, now);
  alerting.update_pool(pool, state.findings, !recovery.maintenance_of("", pool).empty(), now);
}

namespace {

// Which evidence says that a broker is down.
std::string outage_text(const BrokerFacts& broker) {
  const std::string lost =
      broker.lost ? fmt::format("all {} workers that report broker {} have lost it", broker.reporting, broker.name)
                  : "";
  return fmt::format("{}{}{}; none is restarted for it", lost, lost.empty() || broker.probed.empty() ? "" : ", and ",
                     broker.probed);
}

}  // namespace

void Engine::Impl::tell_broker(const BrokerFacts& broker, bool on, const Now& now) {
  OutageFacts outage{.key = "source/" + broker.name, .on = on, .is_broker = true, .name = broker.name};
  outage.title = fmt::format("Broker {} is down", broker.name);
  outage.message = outage_text(broker);
  outage.since = now.steady;
  outage.affected = broker.reporting;
  alerting.update_outage(outage, now);
}

void Engine::Impl::judge_brokers(const Now& now, Effects& out) {
  if (fleet.broker_flips() == broker_flips) return;
  broker_flips = fleet.broker_flips();
  std::map<std::string, std::string> down;
  bool turned = false;
  const auto tell = [&](const BrokerFacts& broker, bool on) {
    tell_broker(broker, on, now);
    rules.update_source({broker.name, "", on ? SourceState::disconnected : SourceState::connected}, now);
    record_input({.what = RecordedBroker{broker.name, on}}, now, out);
    add_event({.at = now.wall,
               .kind = "source",
               .to = on ? "down" : "up",
               .text = on && !broker.probed.empty() ? fmt::format("broker {} is down: {}", broker.name, broker.probed)
                                                    : fmt::format("broker {} is {}", broker.name, on ? "down" : "up")});
    turned = true;
  };
  for (const BrokerFacts& broker : fleet.brokers()) {
    if (!broker.down) continue;
    const std::string& text = down.emplace(broker.name, outage_text(broker)).first->second;
    const auto before = brokers_down.find(broker.name);
    if (before == brokers_down.end())
      tell(broker, true);
    else if (before->second != text)
      tell_broker(broker, true, now);  // further evidence, or one of two is left
  }
  for (const auto& [name, text] : brokers_down)
    if (!down.contains(name)) tell({.name = name}, false);
  brokers_down = std::move(down);
  dirty = true;
  if (!turned) return;
  // Every finding about it changes: disconnected becomes "broker down", or comes back.
  for (const WorkerHandle worker : fleet.workers()) touch(worker);
}

// A monitor whose own network is gone must not take its deafness for the death of others.
void Engine::Impl::judge_connectivity(const Now& now, Effects& out) {
  const std::string text = fleet.probes().cut_off();
  if (!text.empty()) cut_off_until = now.steady + kSettleAfterCutOff;
  const bool cut_off = !text.empty();
  if (cut_off == monitor_troubles.contains(Reason::monitor_cut_off)) return;
  tell_monitor(Reason::monitor_cut_off, cut_off, Severity::critical,
               text + "; meanwhile no verdict turns bad and nothing is stopped", now);
  const auto state = [](bool away) { return away ? SourceState::disconnected : SourceState::connected; };
  record_input({.source = "monitor", .what = RecordedSource{state(!cut_off), state(cut_off)}}, now, out);
  add_event({.at = now.wall,
             .kind = "source",
             .to = cut_off ? "down" : "up",
             .text = cut_off ? "the monitor is cut off: " + text : std::string("the monitor is connected again")});
}

namespace {
// Stated by the engine as it turns, and by nobody else.
bool of_monitor_alone(Reason reason) {
  return reason == Reason::monitor_cut_off || reason == Reason::monitor_lag || reason == Reason::ledger_degraded ||
         reason == Reason::overflow;
}
}  // namespace

void Engine::Impl::restore_outages(const LedgerState& state, const Now& now) {
  restored_until = now.steady + kRestoredGrace;
  for (const Alert& alert : state.alerts) {
    const bool ours =
        alert.reason == Reason::broker_down ? alert.key.starts_with("source/") : of_monitor_alone(alert.reason);
    if (ours && alert.state == AlertState::firing) restored_outages.insert(alert.key);
  }
}

// An outage that ended while the monitor was away turns nothing: nobody else would end its alert.
void Engine::Impl::end_restored_outages(const Now& now) {
  if (restored_outages.empty() || now.steady < restored_until) return;
  for (const std::string& key : std::exchange(restored_outages, {})) {
    const bool broker = key.starts_with("source/");
    const auto reason = parse_enum<Reason>(std::string_view(key).substr(key.find('/') + 1));
    if (broker && !brokers_down.contains(key.substr(7)))
      alerting.update_outage({.key = key, .on = false, .is_broker = true, .name = key.substr(7)}, now);
    if (!broker && reason && !monitor_troubles.contains(*reason))
      tell_monitor(*reason, false, Severity::critical, "", now);
  }
}

void Engine::Impl::judge_monitor(const Now& now) {
  const bool lags = own_lag > kCondemnLag || now.steady < condemn_from;
  if (lags != monitor_troubles.contains(Reason::monitor_lag))
    tell_monitor(Reason::monitor_lag, lags, Severity::warning,
                 fmt::format("the monitor was {} s late; meanwhile no verdict turns bad and nothing is stopped",
                             format_short(to_seconds(own_lag))),
                 now);
  // Counted troubles: one alert for all of them while they go on, closed after five quiet minutes.
  const auto counted = [&](Reason reason, std::uint64_t count, std::uint64_t& told, std::optional<SteadyTime>& seen,
                           auto text) {
    if (count != told) {
      told = count;
      seen = now.steady;
      tell_monitor(reason, true, Severity::warning, text(), now);
    } else if (seen && now.steady - *seen > 5min) {
      seen.reset();
      tell_monitor(reason, false, Severity::warning, text(), now);
    }
  };
  counted(Reason::check_failed, checks_failed, checks_failed_told, check_failure_seen, [&] {
    return fmt::format("{} checks failed by themselves so far; their workers show status error for it", checks_failed);
  });
  const EngineStats& f = fleet.stats();
  const std::uint64_t refused = f.workers_refused + f.ids_refused_rate;
  counted(Reason::overflow, refused, refused_told, overflow_seen, [&] {
    return fmt::format("{} reports were refused over limits.max_workers or limits.new_ids_per_second", refused);
  });
}

void Engine::Impl::settle(const Now& now, Effects& out) {
  judge_causes(now);  // before recovery decides: a cause that is known holds stops
  recovery.settle(now, recovery_out);
  judge_poison(now, out);
  for (const AlertWish& wish : recovery_out.alerts) alerting.on_wish(wish, now);
  for (const IncidentNote& note : recovery_out.notes) alerting.on_note(note, now);
  tell_failed_deliveries(now);
  settle_rules(now);
  plan_causes(now);
  alerting.settle(now, alerting_out);
  notify(now, out);

  const auto move_all = [](auto& from, auto& to) { std::move(from.begin(), from.end(), std::back_inserter(to)); };
  const bool moved = !recovery_out.ledger.empty() || !recovery_out.acts.empty() || alerting_out.changed;
  move_all(recovery_out.ledger, out.ledger);
  move_all(recovery_out.acts, out.acts);
  move_all(alerting_out.ledger, out.ledger);
  move_all(alerting_out.acts, out.acts);
  for (auto* events_of : {&recovery_out.events, &alerting_out.events})
    for (FleetEvent& event : *events_of) add_event(std::move(event));
  for (const std::string& id : recovery_out.changed) {
    const auto worker = fleet.find(id);
    if (!worker) continue;
    if (slot(*worker).used) changed(*worker, true);
  }
  if (moved || !recovery_out.changed.empty() || !recovery_out.changed_pools.empty()) dirty = true;
  if (alerting_out.changed || !recovery_out.events.empty()) out.publish_now = true;
  recovery_out.clear();
  alerting_out.clear();
}

void Engine::Impl::add_event(FleetEvent event) {
  event.id = next_event++;
  new_events.push_back(event);
  events.push_back(std::move(event));
  if (events.size() > kEventsKept) events.pop_front();
  dirty = true;
}

}  // namespace paramedic
