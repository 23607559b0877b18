// Edges of alerting become messages; outcomes and the operators' words about alerts go to the notifier.
#include "core/engine/engine_impl.h"

namespace paramedic {

// After a shutdown only what is known for sure is kept: a failure is met again by the next life, which sends again.
void Engine::Impl::take(DeliveryInput& input, const Now& now, Effects&) {
  if (shut_down && input.outcome.state == DeliveryState::failed) return;
  notifier.on_delivery(input.outcome, now, notifier_out);
}

// Before rules settle: a channel that fails is an alert of its own and a condition for rules.
void Engine::Impl::tell_failed_deliveries(const Now& now) {
  if (!shut_down) notifier.check_deliveries(now, notifier_out);
  for (const AlertWish& wish : notifier_out.wishes) alerting.on_wish(wish, now);
  notifier_out.wishes.clear();
  rules.update_monitor(Reason::notification_failed, notifier.any_channel_fails(), now);
}

void Engine::Impl::notify(const Now& now, Effects& out) {
  // Incidents first: an alert is judged by what it is part of. Ended ones last: their alerts ended or moved before.
  const auto each = [&]<class T>(auto take, const T*) {
    for (const LedgerEntry& entry : alerting_out.ledger)
      if (const T* record = std::get_if<T>(&entry.body)) take(*record);
  };
  const Incident* incident = nullptr;
  const Alert* alert = nullptr;
  each(
      [&](const Incident& i) {
        if (i.open()) notifier.on_incident(i, now, notifier_out);
      },
      incident);
  each([&](const Alert& a) { notifier.on_alert(a, now); }, alert);
  each(
      [&](const Incident& i) {
        if (!i.open()) notifier.on_incident(i, now, notifier_out);
      },
      incident);
  tell_windows(now);
  std::vector<std::string> scopes;
  for (const MaintenanceRecord& record : recovery.maintenance()) scopes.push_back(record.id);
  notifier.set_maintenance(std::move(scopes));
  if (!shut_down) notifier.settle(now, notifier_out);
  move_notifier_output(out);
}

// Again at each edge, and when the wall clock was set back.
void Engine::Impl::tell_windows(const Now& now) {
  if (windows_due && now.wall < *windows_due && now.wall >= windows_at) return;
  notifier.set_windows(config.windows.current(now.wall));
  windows_at = now.wall;
  windows_due = config.windows.next_edge(now.wall).value_or(WallTime::max());
  dirty = true;
}

void Engine::Impl::move_notifier_output(Effects& out) {
  const auto move_all = [](auto& from, auto& to) { std::move(from.begin(), from.end(), std::back_inserter(to)); };
  if (notifier_out.changed) dirty = true;
  move_all(notifier_out.ledger, out.ledger);
  move_all(notifier_out.acts, out.acts);
  notifier_out.clear();
}

}  // namespace paramedic
