// Edges in, settle, deadlines. The other notifier_*.cc hold one concern each.
#include "core/alerting/notifier.h"

#include <algorithm>

#include "core/alerting/notifier_impl.h"

namespace paramedic {

void NotifierOutput::clear() {
  ledger.clear();
  acts.clear();
  wishes.clear();
  changed = false;
}

std::string failed_channel(const Alert& a) {
  const auto slash = a.key.rfind('/');
  return of_channel(a) && slash != std::string::npos ? a.key.substr(slash + 1) : std::string();
}

bool is_head_scope(std::string_view scope) {
  return scope.starts_with("host/") || scope.starts_with("source/") || scope.starts_with("cause/");
}

Notifier::Notifier(NotifierConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Notifier::~Notifier() = default;
void Notifier::restore(const LedgerState& state, const Now& now) { impl_->restore(state, now); }
void Notifier::set_config(NotifierConfig config, const Now& now) { impl_->set_config(std::move(config), now); }

void Notifier::on_incident(const Incident& incident, const Now& now, NotifierOutput& out) {
  Impl& m = *impl_;
  Impl::IncidentInfo& info = m.incidents[incident.id];
  if (info.title != incident.title || info.scope != incident.scope) m.mark_incident(incident.id);
  info.scope = incident.scope;
  info.title = incident.title;
  info.affected = incident.affected_workers;
  info.open = incident.open();
  if (info.open) return;
  m.end_acknowledgement(incident.id, now, out);
  if (info.alerts.empty()) m.incidents.erase(incident.id);
}

void Notifier::on_alert(const Alert& alert, const Now& now) {
  if (alert.state == AlertState::firing)
    impl_->on_firing(alert, now);
  else
    impl_->on_ended(alert, now);
}

void Notifier::settle(const Now& now, NotifierOutput& out) { impl_->settle(now, out); }

std::optional<SteadyTime> Notifier::next_deadline() const {
  const Impl& m = *impl_;
  std::optional<SteadyTime> next;
  const auto keep = [&](std::optional<SteadyTime> t) {
    if (t && (!next || *t < *next)) next = t;
  };
  if (!m.timers.empty()) keep(m.timers.begin()->first);
  keep(m.next_mute_edge);
  keep(m.outbox_due);
  return next;
}

std::vector<Silence> Notifier::silences() const {
  std::vector<Silence> out = impl_->silences.list();
  for (const auto& [silence, matchers] : impl_->windows) out.push_back(silence);
  std::stable_sort(out.begin(), out.end(),
                   [](const Silence& a, const Silence& b) { return a.starts_at < b.starts_at; });
  return out;
}

std::vector<Acknowledgement> Notifier::acknowledgements() const {
  std::vector<Acknowledgement> out;
  for (const auto& [incident, ack] : impl_->acks) out.push_back(ack);
  return out;
}

bool Notifier::any_channel_fails() const { return !impl_->failing.empty(); }

NotifierStats Notifier::stats() const {
  NotifierStats out = impl_->stats;
  out.groups = impl_->groups.size();
  out.outbox = impl_->outbox.size();
  return out;
}

void Notifier::Impl::mark_all() {
  for (const auto& [key, g] : groups) dirty.insert(key);
}

void Notifier::Impl::mark_incident(const std::string& id) {
  const auto it = incidents.find(id);
  if (it == incidents.end()) return;
  for (const std::string& key : it->second.alerts)
    if (const auto a = alerts.find(key); a != alerts.end())
      dirty.insert(a->second.groups.begin(), a->second.groups.end());
}

void Notifier::Impl::set_timer(Group& g, SteadyTime at) {
  if (g.timer && *g.timer <= at) return;
  if (g.timer) timers.erase({*g.timer, g.rec.key});
  g.timer = at;
  timers.insert({at, g.rec.key});
}

void Notifier::Impl::settle(const Now& now, NotifierOutput& out) {
  if (resend_due) resend(out);
  sweep_mutes(now, out);
  for (auto it = timers.begin(); it != timers.end() && it->first <= now.steady; ++it) dirty.insert(it->second);
  // Ending or swallowing one group may touch another: a few passes, then the rest waits for the next step.
  for (int i = 0; i < 4 && !dirty.empty(); ++i)
    for (const std::string& key : std::exchange(dirty, {})) evaluate(key, now, out);
  for (const std::string& key : dirty)
    if (const auto it = groups.find(key); it != groups.end()) set_timer(it->second, now.steady);
}

}  // namespace paramedic
