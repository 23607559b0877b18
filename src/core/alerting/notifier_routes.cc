// Which groups an alert belongs to. A story that was told stays together: a fall in severity, a joined incident or a
// return after a short end change where its alerts stand, never whether its end is told.
#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "core/alerting/notifier_impl.h"

namespace paramedic {

namespace {
constexpr char kSeparator = '\x1f';
}

std::string Notifier::Impl::lookup_of(std::size_t route, const Labels& group_labels) const {
  std::string out = config.routes[route].name;
  for (const auto& [name, value] : group_labels) out += fmt::format("{}{}{}{}", kSeparator, name, kSeparator, value);
  return out;
}

Labels Notifier::Impl::group_labels_of(const Route& route, const Tracked& t) const {
  Labels out;
  for (const std::string& name : route.group_by) out.emplace_back(name, label_value(t.labels, name));
  // A story of its own: it goes to other channels than that of its incident.
  if (of_channel(t.alert)) out.emplace_back("channel", failed_channel(t.alert));
  return out;
}

void Notifier::Impl::on_firing(const Alert& alert, const Now& now) {
  const auto [it, fresh] = alerts.try_emplace(alert.key);
  Tracked& t = it->second;
  if (fresh) note_return(alert.key, now);
  if (!fresh) {
    unindex_inhibitions(t);
    if (t.alert.incident_id != alert.incident_id) unlink_incident(t);
  }
  t.peak = fresh ? alert.severity : std::max(t.peak, alert.severity);
  t.alert = alert;
  t.labels = labels_of(alert);
  t.muted_epoch = 0;
  IncidentInfo& incident = incidents[alert.incident_id];
  incident.alerts.insert(alert.key);
  index_inhibitions(t);
  if (incident.scope == alert.key && is_head_scope(alert.key)) mark_incident(alert.incident_id);
  place(t, now);
}

void Notifier::Impl::unlink_incident(const Tracked& t) {
  const auto it = incidents.find(t.alert.incident_id);
  if (it == incidents.end()) return;
  it->second.alerts.erase(t.alert.key);
  if (it->second.scope == t.alert.key) mark_incident(it->first);  // what it explained speaks for itself
  if (it->second.alerts.empty() && !it->second.open) incidents.erase(it);
}

void Notifier::Impl::on_ended(const Alert& alert, const Now& now) {
  const auto it = alerts.find(alert.key);
  if (it == alerts.end()) return;
  Tracked& t = it->second;
  unindex_inhibitions(t);
  unlink_incident(t);
  for (const std::string& key : t.groups) {
    Group& g = groups.at(key);
    g.members.erase(alert.key);
    g.ended.push_front(alert);
    if (g.ended.size() > Notification::kMaxAlerts) g.ended.pop_back();
    note_end(g, alert, now);
    if (g.rec.storm) g.dirty_record = true;
    mark(key);
  }
  alerts.erase(it);
}

void Notifier::Impl::join(Group& g, Tracked& t) {
  const bool fresh = g.members.insert(t.alert.key).second;
  t.groups.insert(g.rec.key);
  g.about_channel = g.about_channel || of_channel(t.alert);
  if (g.rec.storm) g.dirty_record = true;
  // It tells what those that were told have in common.
  // Whoever is asked for a word must hear of it at once, whatever was told of the story before.
  const Reason reason = t.alert.reason;
  if (fresh && (reason == Reason::shared_cause || reason == Reason::approval_wanted)) g.prompt = true;
  mark(g.rec.key);
}

void Notifier::Impl::part(Group& g, Tracked& t) {
  g.members.erase(t.alert.key);
  t.groups.erase(g.rec.key);
  if (g.rec.storm) g.dirty_record = true;
  mark(g.rec.key);
}

void Notifier::Impl::rehome(Group& g, std::size_t route, std::string lookup, const Tracked& t) {
  if (const auto it = by_lookup.find(g.lookup); it != by_lookup.end() && it->second == g.rec.key) by_lookup.erase(it);
  g.route = route;
  g.rec.route = config.routes[route].name;
  g.rec.labels = group_labels_of(config.routes[route], t);
  g.rec.incident_id = t.alert.incident_id;
  g.lookup = std::move(lookup);
  g.dirty_record = true;
  by_lookup[g.lookup] = g.rec.key;
}

Notifier::Impl::Group& Notifier::Impl::group_for(std::size_t route, const Tracked& t, const Now& now) {
  const Labels labels = group_labels_of(config.routes[route], t);
  std::string lookup = lookup_of(route, labels);
  if (const auto it = by_lookup.find(lookup); it != by_lookup.end()) return groups.at(it->second);
  // Back before its end was told: the same story, although it is another incident.
  if (const auto it = held.find({route, t.alert.key}); it != held.end()) {
    Group& g = groups.at(it->second);
    rehome(g, route, std::move(lookup), t);
    return g;
  }
  Group g;
  const std::uint64_t hash = hash_mix(stable_hash(lookup), std::uint64_t(now.wall.time_since_epoch().count()));
  g.rec.key = "grp-" + hash_hex(hash);
  g.rec.route = config.routes[route].name;
  g.rec.labels = labels;
  g.rec.opened_at = now.wall;
  g.route = route;
  g.lookup = lookup;
  by_lookup[std::move(lookup)] = g.rec.key;
  const std::string key = g.rec.key;
  return groups.insert_or_assign(key, std::move(g)).first->second;
}

void Notifier::Impl::place(Tracked& t, const Now& now) {
  Labels routed = t.labels;
  for (auto& [name, value] : routed)
    if (name == "severity") value = to_string(t.peak);
  std::set<std::size_t> wanted;
  for (const std::size_t route : select_routes(config, routed, t.peak))
    if (!config.routes[route].channels.empty()) wanted.insert(route);

  const auto before = t.groups;
  for (const std::string& key : before) {
    Group& g = groups.at(key);
    mark(key);
    const bool same_route = g.route && wanted.contains(*g.route);
    if (!same_route && !g.told()) part(g, t);  // else it stays until its end: who heard of it hears that
    if (!same_route) continue;
    const std::string lookup = lookup_of(*g.route, group_labels_of(config.routes[*g.route], t));
    wanted.erase(*g.route);
    if (g.rec.storm || g.lookup == lookup) {
      join(g, t);
      continue;
    }
    // Its incident joined another one, or its labels changed.
    const auto other = by_lookup.find(lookup);
    if (other == by_lookup.end()) {
      rehome(g, *g.route, lookup, t);
      join(g, t);
      continue;
    }
    part(g, t);
    Group& goes_on = groups.at(other->second);
    join(goes_on, t);
    if (g.members.empty()) follow(g, goes_on);
  }
  for (const std::size_t route : wanted) join(group_for(route, t, now), t);
}

// Two told stories became one: the receiver hears the end of both when the whole ends.
void Notifier::Impl::follow(Group& part, Group& whole) {
  if (&part == &whole || !part.told()) return;
  part.rec.follows = whole.rec.key;
  part.dirty_record = true;
  whole.followers.insert(part.rec.key);
}

// It waits for its end no longer: something fires in it again, or it is over.
void Notifier::Impl::release(Group& g) {
  for (const auto& entry : std::exchange(g.held_keys, {})) held.erase(entry);
  g.held_until.reset();
}

void Notifier::Impl::drop(const std::string& group_key) {
  const auto it = groups.find(group_key);
  if (it == groups.end()) return;
  Group& g = it->second;
  if (g.timer) timers.erase({*g.timer, group_key});
  g.aliases.insert(g.lookup);
  for (const std::string& lookup : g.aliases)
    if (const auto l = by_lookup.find(lookup); l != by_lookup.end() && l->second == group_key) by_lookup.erase(l);
  release(g);
  if (g.rec.storm && g.route) storms[*g.route].group.clear();
  for (const std::string& member : g.members)
    if (const auto a = alerts.find(member); a != alerts.end()) a->second.groups.erase(group_key);
  for (const std::string& key : g.followers) mark(key);
  groups.erase(it);
}

std::vector<std::string> Notifier::Impl::channels_of(const Group& g) const {
  std::vector<std::string> out;
  if (!g.route) return out;
  // An alert about a channel never uses it, nor one that fails as well.
  for (const std::string& name : config.routes[*g.route].channels)
    if (!g.about_channel || !failing.contains(name)) out.push_back(name);
  if (!out.empty() || !g.about_channel) return out;
  for (const NotifierChannel& channel : config.channels)
    if (!failing.contains(channel.name)) return {channel.name};  // better anybody than nobody
  return out;
}

}  // namespace paramedic
