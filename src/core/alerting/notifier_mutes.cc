// Who is not told now: silences, windows, maintenance, inhibitions, and what an outage or shared cause explains.
#include <algorithm>

#include "core/alerting/notifier_impl.h"

namespace paramedic {

bool Notifier::Impl::in_maintenance(const Alert& alert) const {
  if (maintenance.empty()) return false;
  return maintenance.contains("fleet") || (!alert.pool.empty() && maintenance.contains("pool/" + alert.pool)) ||
         (!alert.worker_id.empty() && maintenance.contains("worker/" + alert.worker_id));
}

bool Notifier::Impl::muted(Tracked& t, const Now& now) {
  if (t.muted_epoch != mute_epoch) {
    t.muted_epoch = mute_epoch;
    t.muted = in_maintenance(t.alert) || silences.mutes(t.labels, now.wall) ||
              std::any_of(windows.begin(), windows.end(),
                          [&](const auto& w) { return w.first.active(now.wall) && w.second.match(t.labels); });
  }
  return t.muted || inhibited(t);
}

// A member of the incident of an outage or shared cause: that one is told.
bool Notifier::Impl::explained(const Tracked& t) const {
  const auto it = incidents.find(t.alert.incident_id);
  if (it == incidents.end() || of_channel(t.alert)) return false;
  const std::string& head = it->second.scope;
  return is_head_scope(head) && head != t.alert.key && alerts.contains(head);
}

void Notifier::Impl::index_inhibitions(Tracked& t) {
  t.source_of.clear();
  t.target_of.clear();
  for (std::size_t i = 0; i < config.inhibitions.size(); ++i) {
    const Inhibition& rule = config.inhibitions[i];
    const bool source = rule.source.match(t.labels), target = rule.target.match(t.labels);
    if (!source && !target) continue;
    std::string equal;
    for (const std::string& label : rule.equal) equal += label_value(t.labels, label) + '\x1f';
    const auto key = std::pair(i, equal);
    if (source) {
      t.source_of.push_back(key);
      auto& [pure, both] = sources[key];
      (target ? both : pure).insert(t.alert.key);
      mark_targets(i, equal);
    }
    if (!target) continue;
    t.target_of.push_back(key);
    targets[key].insert(t.alert.key);
  }
}

void Notifier::Impl::unindex_inhibitions(const Tracked& t) {
  for (const auto& key : t.source_of) {
    const auto it = sources.find(key);
    it->second.first.erase(t.alert.key);
    it->second.second.erase(t.alert.key);
    if (it->second.first.empty() && it->second.second.empty()) sources.erase(it);
    mark_targets(key.first, key.second);
  }
  for (const auto& key : t.target_of) {
    const auto it = targets.find(key);
    it->second.erase(t.alert.key);
    if (it->second.empty()) targets.erase(it);
  }
}

void Notifier::Impl::mark_targets(std::size_t rule, const std::string& equal) {
  const auto it = targets.find({rule, equal});
  if (it == targets.end()) return;
  for (const std::string& key : it->second)
    if (const auto a = alerts.find(key); a != alerts.end())
      dirty.insert(a->second.groups.begin(), a->second.groups.end());
}

// One that is source as well is held down only by those that are not targets, or two would mute each other.
bool Notifier::Impl::inhibited(const Tracked& t) const {
  return std::any_of(t.target_of.begin(), t.target_of.end(), [&](const auto& key) {
    const auto it = sources.find(key);
    if (it == sources.end()) return false;
    const bool both = std::find(t.source_of.begin(), t.source_of.end(), key) != t.source_of.end();
    return !it->second.first.empty() || (!both && !it->second.second.empty());
  });
}

void Notifier::Impl::end_acknowledgement(const std::string& incident, const Now& now, NotifierOutput& out) {
  const auto it = acks.find(incident);
  if (it == acks.end()) return;
  it->second.on = false;
  out.ledger.push_back({now.wall, it->second});
  acks.erase(it);
  out.changed = true;
  mark_incident(incident);
}

void Notifier::Impl::sweep_mutes(const Now& now, NotifierOutput& out) {
  if (next_mute_edge && now.steady < *next_mute_edge) return;
  if (silences.sweep(now.wall) || next_mute_edge) {
    ++mute_epoch;
    mark_all();
    out.changed = true;
  }
  std::vector<std::string> over;
  for (const auto& [incident, ack] : acks)
    if (ack.until <= now.wall) over.push_back(incident);
  for (const std::string& incident : over) end_acknowledgement(incident, now, out);

  std::optional<WallTime> next = silences.next_edge(now.wall);
  const auto keep = [&](WallTime t) {
    if (t > now.wall && (!next || t < *next)) next = t;
  };
  for (const auto& [silence, matchers] : windows) keep(silence.starts_at), keep(silence.ends_at);
  for (const auto& [incident, ack] : acks) keep(ack.until);
  // Edges are wall time: asked again each minute, so that a clock that is set mutes or unmutes soon.
  next_mute_edge.reset();
  if (next) next_mute_edge = std::min(steady_at(*next, now), now.steady + 1min);
}

void Notifier::set_maintenance(std::vector<std::string> scopes) {
  std::set<std::string> wanted(scopes.begin(), scopes.end());
  if (wanted == impl_->maintenance) return;
  impl_->maintenance = std::move(wanted);
  ++impl_->mute_epoch;
  impl_->mark_all();
}

void Notifier::set_windows(std::vector<Silence> windows) {
  Impl& m = *impl_;
  m.windows.clear();
  for (Silence& silence : windows)
    if (auto matchers = CompiledMatchers::compile(silence.matchers))
      m.windows.emplace_back(std::move(silence), std::move(*matchers));
  ++m.mute_epoch;
  m.next_mute_edge.reset();
  m.mark_all();
}

}  // namespace paramedic
