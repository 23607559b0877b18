// When a group is told: its first message, what changed, its end.
#include <algorithm>

#include "base/ids.h"
#include "core/alerting/notifier_impl.h"

namespace paramedic {

Notifier::Impl::Summary Notifier::Impl::summarize(const Group& g, const Now& now) {
  Summary s;
  for (const std::string& key : g.members) {
    Tracked& t = alerts.at(key);
    if (muted(t, now)) continue;
    ++s.unmuted;
    s.worst = std::max(s.worst, t.alert.severity);
    s.joined = s.joined || !g.told_members.contains(key);
    if (explained(t)) continue;
    ++s.openers;
    s.hard = s.hard || t.alert.hard_evidence;
  }
  s.acknowledged = acknowledged(g);
  return s;
}

void Notifier::Impl::evaluate(const std::string& group_key, const Now& now, NotifierOutput& out) {
  const auto it = groups.find(group_key);
  if (it == groups.end()) return;
  Group& g = it->second;
  if (g.timer) timers.erase({*g.timer, group_key});
  g.timer.reset();
  if (!g.rec.follows.empty() && g.members.empty()) {
    if (!groups.contains(g.rec.follows)) return close(g, now, out);
    return save(g, now, out);
  }
  g.rec.follows.clear();
  if (g.members.empty()) return end(g, now, out);
  release(g);
  const Summary s = summarize(g, now);
  g.worst = std::max(g.worst, s.worst);
  if (g.route) {
    if (g.told())
      progress(g, s, now, out);
    else
      open(g, s, now, out);
  }
  if (const auto still = groups.find(group_key); still != groups.end()) save(still->second, now, out);
}

void Notifier::Impl::open(Group& g, const Summary& s, const Now& now, NotifierOutput& out) {
  if (s.openers == 0) return g.waits_since.reset();
  if (!g.waits_since) g.waits_since = now.steady;
  const SteadyTime due = *g.waits_since + (s.hard ? Duration{0} : config.routes[*g.route].group_wait);
  if (now.steady < due) return set_timer(g, due);
  if (!g.rec.storm && !g.about_channel && swallow(g, now)) return;
  const auto kind = g.rec.storm       ? NotificationKind::storm
                    : g.about_channel ? NotificationKind::delivery_failed
                                      : NotificationKind::firing;
  tell(g, kind, channels_of(g), now, out);
  g.prompt = false;
  if (g.told()) progress(g, summarize(g, now), now, out);  // arms its timers
}

void Notifier::Impl::progress(Group& g, const Summary& s, const Now& now, NotifierOutput& out) {
  if (s.unmuted == 0) return g.next_step.reset();
  std::vector<std::string> missing = channels_of(g);
  std::erase_if(missing, [&](const std::string& name) {
    return std::find(g.rec.channels.begin(), g.rec.channels.end(), name) != g.rec.channels.end();
  });
  const auto everybody = g.rec.channels;
  const SteadyTime may_update = g.told_at + config.routes[*g.route].group_interval;
  const bool at_once = s.worst > g.rec.told_severity || g.prompt;
  if (at_once || (s.joined && now.steady >= may_update))
    tell(g, NotificationKind::update, everybody, now, out);
  else if (s.joined)
    set_timer(g, may_update);
  g.prompt = false;
  if (!missing.empty()) tell(g, NotificationKind::firing, missing, now, out);
  escalate(g, s, now, out);
  remind(g, s, now, out);
}

void Notifier::Impl::end(Group& g, const Now& now, NotifierOutput& out) {
  g.next_step.reset();
  g.waits_since.reset();
  if (!g.told()) return drop(std::string(g.rec.key));
  if (!g.held_until && g.hold > Duration{0}) {
    g.held_until = now.steady + g.hold;
    g.rec.held_until = wall_at(*g.held_until, now);
    g.dirty_record = true;
    if (g.route)
      for (const Alert& a : g.ended)
        if (held.try_emplace({*g.route, a.key}, g.rec.key).second) g.held_keys.insert({*g.route, a.key});
  }
  if (!g.held_until || now.steady >= *g.held_until) return close(g, now, out);
  set_timer(g, *g.held_until);
  save(g, now, out);
}

void Notifier::Impl::close(Group& g, const Now& now, NotifierOutput& out) {
  g.rec.open = false;
  const auto everybody = g.rec.channels;
  tell(g, NotificationKind::resolved, everybody, now, out);
  save(g, now, out);
  drop(std::string(g.rec.key));
}

void Notifier::Impl::tell(Group& g, NotificationKind kind, const std::vector<std::string>& channels, const Now& now,
                          NotifierOutput& out, const std::string& actor) {
  Notification n = render(g, kind, now, actor);
  bool told = false;
  const auto names = channels;  // may be those of `g` itself
  const bool to_all = std::all_of(g.rec.channels.begin(), g.rec.channels.end(), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  for (const std::string& name : names) {
    if (!config.channel(name)) continue;  // it left the configuration
    if (g.about_channel && label_value(g.rec.labels, "channel") == name) continue;
    n.channel = name;
    n.sequence = ++g.rec.sequence;
    const std::uint64_t what = hash_mix(stable_hash(n.channel, stable_hash(g.rec.key)), std::uint64_t(kind));
    n.id = "ntf-" + hash_hex(hash_mix(what, n.sequence));
    if (std::find(g.rec.channels.begin(), g.rec.channels.end(), name) == g.rec.channels.end())
      g.rec.channels.push_back(name);
    Outgoing o;
    o.record.notification = n;
    o.peers = names;
    send(std::move(o), now, out);
    told = true;
  }
  // Also when nobody is left who could be told: its timers must not stand still in the past.
  g.spoke_at = now.steady;
  if (!told) return;
  ++stats.told;
  g.most_workers = std::max(g.most_workers, n.worker_count);
  g.rec.title = n.title;
  g.rec.incident_id = n.incident_id;
  g.dirty_record = true;
  if (kind == NotificationKind::acknowledged) return;
  if (!to_all) return;
  g.rec.told_severity = std::max(g.rec.told_severity, n.severity);
  g.rec.told_at = now.wall;
  g.told_at = now.steady;
  g.told_members.clear();
  for (const std::string& key : g.members)
    if (!muted(alerts.at(key), now)) g.told_members.insert(key);
  g.ended.clear();
}

void Notifier::Impl::save(Group& g, const Now& now, NotifierOutput& out) {
  if (!std::exchange(g.dirty_record, false) || !g.told()) return;
  g.rec.members.clear();
  for (const std::string& key : g.members) {
    if (!g.rec.storm && !g.told_members.contains(key)) continue;
    if (g.rec.members.size() >= NotificationGroup::kMaxMembers) break;
    g.rec.members.push_back(key);
  }
  g.rec.step_at.reset();
  g.rec.held_until.reset();
  if (g.next_step) g.rec.step_at = wall_at(*g.next_step, now);
  if (g.held_until) g.rec.held_until = wall_at(*g.held_until, now);
  out.ledger.push_back({now.wall, g.rec});
}

}  // namespace paramedic
