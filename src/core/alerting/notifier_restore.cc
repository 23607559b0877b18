// From the ledger, and onto other routes: stories go on, nothing muted slips out.
#include <algorithm>

#include "core/alerting/notifier_impl.h"

namespace paramedic {

namespace {

std::optional<std::size_t> route_named(const NotifierConfig& config, const std::string& name) {
  for (std::size_t i = 0; i < config.routes.size(); ++i)
    if (config.routes[i].name == name) return i;
  return std::nullopt;
}

}  // namespace

void Notifier::Impl::restore(const LedgerState& state, const Now& now) {
  silences.restore(state.silences, now.wall);
  for (const Incident& incident : state.incidents)
    if (incident.open()) incidents[incident.id] = {incident.scope, incident.title, {}, true};
  for (const Acknowledgement& ack : state.acknowledgements)
    if (ack.on && ack.until > now.wall && incidents.contains(ack.incident_id)) acks[ack.incident_id] = ack;

  std::map<std::string, std::vector<std::string>> member_of;  // alert key → groups
  for (const NotificationGroup& rec : state.groups) {
    if (!rec.open) continue;
    Group& g = groups[rec.key];
    g.rec = rec;
    g.route = route_named(config, rec.route);
    g.worst = rec.told_severity;
    g.told_at = g.spoke_at = steady_at(rec.told_at, now);
    g.told_members.insert(rec.members.begin(), rec.members.end());
    if (rec.step_at) g.next_step = steady_at(*rec.step_at, now);
    if (rec.held_until) g.held_until = steady_at(*rec.held_until, now);
    for (const auto& [name, value] : rec.labels) g.about_channel = g.about_channel || name == "channel";
    for (const std::string& member : rec.members) member_of[member].push_back(rec.key);
    mark(rec.key);
    if (!g.route) continue;
    g.lookup = lookup_of(*g.route, rec.storm ? Labels{{"storm", ""}} : rec.labels);
    if (rec.storm)
      storms[*g.route].group = rec.key;
    else
      by_lookup.try_emplace(g.lookup, rec.key);
  }
  for (auto& [key, g] : groups)
    if (const auto whole = groups.find(g.rec.follows); whole != groups.end()) whole->second.followers.insert(key);

  for (const Alert& alert : state.alerts) {
    if (alert.state != AlertState::firing) continue;
    if (of_channel(alert)) failing.insert(failed_channel(alert));
    Tracked& t = alerts[alert.key];
    t.alert = alert;
    t.peak = alert.severity;
    t.labels = labels_of(alert);
    for (const std::string& key : member_of[alert.key]) join(groups.at(key), t);
    for (const std::string& key : t.groups) t.peak = std::max(t.peak, groups.at(key).rec.told_severity);
    incidents[alert.incident_id].alerts.insert(alert.key);
    index_inhibitions(t);
  }
  // All inhibitions and silences stand before anybody is placed, and nobody is told before the first settle().
  for (auto& [key, t] : alerts) place(t, now);
  for (auto& [key, g] : groups) {
    g.prompt = false;
    if (!g.rec.storm) continue;
    for (const std::string& member : g.members) {
      Tracked& t = alerts.at(member);
      const std::string lookup = lookup_of(*g.route, group_labels_of(config.routes[*g.route], t));
      if (by_lookup.try_emplace(lookup, key).second) g.aliases.insert(lookup);
    }
  }

  std::map<std::string, const NotificationRecord*> came_from;
  for (const NotificationRecord& r : state.notifications)
    if (!r.failed_over_to.empty()) came_from[r.failed_over_to] = &r;
  for (const NotificationRecord& r : state.notifications) {
    if (is_final(r.state)) continue;
    Outgoing& o = outbox[r.notification.id];
    o.record = r;
    o.since = std::min(steady_at(r.notification.at, now), now.steady);
    if (r.attempts > 0) o.first_try = now.steady;
    o.resend = true;
    auto from = came_from.find(r.notification.id);
    for (int hops = 0; from != came_from.end() && hops < 100; ++hops) {
      o.visited.push_back(from->second->notification.channel);
      from = came_from.find(from->second->notification.id);
    }
  }
  resend_due = !outbox.empty();
  if (resend_due) outbox_due = now.steady;
}

void Notifier::Impl::set_config(NotifierConfig c, const Now& now) {
  config = std::move(c);
  by_lookup.clear();
  held.clear();
  sources.clear();
  targets.clear();
  storms.clear();
  for (auto& [key, g] : groups) {
    g.held_keys.clear();
    g.aliases.clear();
    g.route = route_named(config, g.rec.route);
    mark(key);
    if (!g.route) continue;
    g.lookup = lookup_of(*g.route, g.rec.storm ? Labels{{"storm", ""}} : g.rec.labels);
    if (g.rec.storm)
      storms[*g.route].group = key;
    else
      by_lookup.try_emplace(g.lookup, key);
  }
  for (auto& [key, t] : alerts) index_inhibitions(t);
  for (auto& [key, t] : alerts) {
    // The story that was told moves to the route that takes it now, if that has none yet.
    Labels routed = t.labels;
    for (auto& [name, value] : routed)
      if (name == "severity") value = to_string(t.peak);
    for (const std::string& group_key : t.groups) {
      Group& g = groups.at(group_key);
      if (g.route || g.rec.storm) continue;
      for (const std::size_t route : select_routes(config, routed, t.peak)) {
        std::string lookup = lookup_of(route, group_labels_of(config.routes[route], t));
        if (config.routes[route].channels.empty() || by_lookup.contains(lookup)) continue;
        rehome(g, route, std::move(lookup), t);
        break;
      }
    }
    place(t, now);
  }
  for (auto& [key, g] : groups) {
    if (!g.rec.storm || !g.route) continue;
    for (const std::string& member : g.members) {
      const std::string lookup = lookup_of(*g.route, group_labels_of(config.routes[*g.route], alerts.at(member)));
      if (by_lookup.try_emplace(lookup, key).second) g.aliases.insert(lookup);
    }
  }
}

}  // namespace paramedic
