// Alerts fire, rise and end; incidents tell their story from the first sign to the proven cure.
#include <algorithm>

#include <fmt/format.h>

#include "core/alerting/alerting_impl.h"

namespace paramedic {

namespace {
constexpr std::size_t kMaxTimeline = 200;
constexpr std::size_t kMaxNamedWorkers = 100;
// A stack dump has up to 16 KiB and the ledger takes the whole story at each change: so many are kept whole, the first
// ones and the last; of the others the beginning.
constexpr std::size_t kWholeDiagnoses = 4;
constexpr std::size_t kShortDiagnosis = 300;

std::string scope_of(const Alert& a) {
  if (!a.worker_id.empty()) return "worker/" + a.worker_id;
  if (!a.pool.empty()) return "pool/" + a.pool;
  if (a.key.starts_with("monitor/")) return "monitor";
  return a.key;  // an outage
}
}  // namespace

// Room for one more whole diagnosis: the one before the last, since the last is replaced by what comes now.
static void shorten_diagnoses(std::vector<TimelineEntry>& timeline) {
  std::vector<TimelineEntry*> whole;
  for (TimelineEntry& entry : timeline)
    if (entry.kind == TimelineKind::diagnosed && entry.text.size() > kShortDiagnosis + 8) whole.push_back(&entry);
  if (whole.size() < kWholeDiagnoses) return;
  whole.back()->text.resize(kShortDiagnosis);
  whole.back()->text += " …";
}

void Alerting::Impl::add(Incident& incident, TimelineKind kind, std::string text, WallTime at) {
  auto& timeline = incident.timeline;
  if (timeline.size() >= kMaxTimeline)
    timeline.erase(timeline.begin() + kMaxTimeline / 2);  // the first and the last are kept
  if (kind == TimelineKind::diagnosed) shorten_diagnoses(timeline);
  timeline.push_back({at, kind, std::move(text)});
  dirty_incidents.insert(incident.id);
}

void Alerting::Impl::event(const Incident& incident, std::string text, const Now& now, AlertingOutput& out) const {
  FleetEvent e;
  e.at = now.wall;
  e.kind = "incident";
  if (incident.scope.starts_with("worker/")) e.worker_id = incident.scope.substr(7);
  e.pool = incident.pool;
  e.text = std::move(text);
  out.events.push_back(std::move(e));
}

Incident* Alerting::Impl::incident_of_worker(const std::string& id) {
  if (const auto it = open_by_scope.find("worker/" + id); it != open_by_scope.end()) return &open.at(it->second);
  const auto memory = workers.find(id);
  if (memory == workers.end()) return nullptr;
  for (const auto& key : memory->second.keys) {
    const Entry& e = entries.at(key);
    if (const auto it = open.find(e.alert.incident_id); e.firing && it != open.end()) return &it->second;
  }
  return nullptr;
}

Incident& Alerting::Impl::incident_for(Entry& e, const Outage* outage, const Now& now, bool& opened) {
  const std::string own = scope_of(e.alert);
  const std::string scope = outage && open_by_scope.contains(outage->facts.key) ? outage->facts.key : own;
  const auto known = open_by_scope.find(scope);
  opened = known == open_by_scope.end();
  if (!opened) return open.at(known->second);
  Incident incident;
  incident.id = make_incident_id(scope, now.wall);
  incident.scope = scope;
  incident.severity = e.alert.severity;
  incident.title = e.alert.title;
  incident.pool = e.alert.pool;
  incident.host = e.alert.host;
  incident.started_at = e.alert.started_at;
  open_by_scope[scope] = incident.id;
  return open[incident.id] = std::move(incident);
}

void Alerting::Impl::tell(Entry& e, Incident& incident, const Now& now, AlertingOutput& out) {
  e.notified = true;
  out.acts.push_back(Notify{e.alert});
  add(incident, TimelineKind::notified,
      fmt::format("{} {}: {}", to_string(e.alert.severity), to_string(e.alert.state), e.alert.title), now.wall);
}

void Alerting::Impl::name_worker(Incident& incident, const std::string& id) {
  if (id.empty() || std::find(incident.workers.begin(), incident.workers.end(), id) != incident.workers.end()) return;
  const auto outage = outages.find(incident.scope);
  const int known = outage == outages.end() ? 0 : outage->second.facts.affected;  // it touches those unnamed too
  incident.affected_workers = std::max(incident.affected_workers + (known > 0 ? 0 : 1), known);
  if (incident.workers.size() < kMaxNamedWorkers) incident.workers.push_back(id);
}

void Alerting::Impl::fire(Entry& e, const Outage* outage, const Now& now, AlertingOutput& out) {
  bool opened = false;
  if (e.alert.reason == Reason::shared_cause && outages.contains(e.alert.key)) adopt_incidents(e, now, out);
  Incident& incident = incident_for(e, outage, now, opened);
  e.firing = true;
  e.raised = e.changed = false;
  e.alert.state = AlertState::firing;
  e.alert.ended_at.reset();
  e.alert.closed_as.clear();
  e.alert.incident_id = incident.id;
  incident.alert_keys.push_back(e.alert.key);
  const std::string& id = e.alert.worker_id;
  if (const auto own = outages.find(e.alert.key); own != outages.end())
    incident.affected_workers = std::max(incident.affected_workers, own->second.facts.affected);
  name_worker(incident, id);
  add(incident, opened ? TimelineKind::detected : TimelineKind::joined,
      fmt::format("{}: {}", e.alert.title, e.alert.message), e.alert.started_at);
  if (opened && !id.empty())
    for (auto& early : std::exchange(workers[id].early, {})) add(incident, early.kind, std::move(early.text), early.at);
  const bool worse = e.alert.severity > incident.severity;
  if (worse) {
    incident.severity = e.alert.severity;
    incident.title = e.alert.title;
  }
  // Later members join silently; only the first and a rise in severity are told.
  const bool explained = incident.scope != scope_of(e.alert);
  const bool one_cause = e.alert.reason == Reason::shared_cause;  // it changes the story that was told
  if (!explained && (opened || worse || one_cause)) tell(e, incident, now, out);
  if (opened) event(incident, fmt::format("incident {} opened: {}", incident.id, incident.title), now, out);
  out.ledger.push_back({now.wall, e.alert});
  out.changed = true;
}

// The title of a cause counts its workers: its incident's follows.
void Alerting::Impl::retitle(const Entry& e) {
  const auto it = open.find(e.alert.incident_id);
  if (e.alert.reason != Reason::shared_cause || it == open.end() || it->second.scope != e.alert.key) return;
  it->second.title = e.alert.title;
  dirty_incidents.insert(it->first);
}

void Alerting::Impl::raise(Entry& e, const Now& now, AlertingOutput& out) {
  e.raised = false;
  const auto it = open.find(e.alert.incident_id);
  if (it == open.end()) return;
  Incident& incident = it->second;
  add(incident, TimelineKind::raised,
      fmt::format("{} is {}: {}", e.alert.title, to_string(e.alert.severity), e.alert.message), now.wall);
  if (e.alert.severity > incident.severity) {
    incident.severity = e.alert.severity;
    incident.title = e.alert.title;
    event(incident, fmt::format("incident {} is {}: {}", incident.id, to_string(incident.severity), incident.title),
          now, out);
  }
  if (!muted(e) && incident.scope == scope_of(e.alert)) tell(e, incident, now, out);
}

void Alerting::Impl::resolve(Entry& e, const Now& now, AlertingOutput& out) {
  e.alert.state = AlertState::resolved;
  e.alert.ended_at = now.wall;
  e.alert.closed_as = e.closed_as;
  out.ledger.push_back({now.wall, e.alert});
  out.changed = true;
  const auto it = open.find(e.alert.incident_id);
  if (it == open.end()) {
    if (e.notified) out.acts.push_back(Notify{e.alert});
    return;
  }
  Incident& incident = it->second;
  std::erase(incident.alert_keys, e.alert.key);
  add(incident, TimelineKind::resolved, fmt::format("{}: {}", e.alert.title, e.closed_as), now.wall);
  if (e.notified) tell(e, incident, now, out);
  if (incident.alert_keys.empty()) close_incident(incident, e.closed_as, now, out);
}

void Alerting::Impl::close_incident(Incident& incident, const std::string& closed_as, const Now& now,
                                    AlertingOutput& out) {
  incident.ended_at = now.wall;
  event(incident, fmt::format("incident {} closed as {}", incident.id, closed_as), now, out);
  out.ledger.push_back({now.wall, incident});
  dirty_incidents.erase(incident.id);
  open_by_scope.erase(incident.scope);
  ended.push_front(incident);
  while (int(ended.size()) > config.max_ended_incidents) ended.pop_back();
  open.erase(std::string(incident.id));
  out.changed = true;
}

// A late worker turns silent: the same check of a worker is told already, and its story goes on without a new wait. Not
// where the wait is for an outage that may explain it.
bool Alerting::Impl::goes_on(const Entry& e) const {
  const auto w = workers.find(e.alert.worker_id);
  if (w == workers.end() || e.alert.check.empty() || e.alert.check == "queue_connection") return false;
  if (settings(e.alert)) return false;  // a wait of its own
  return std::any_of(w->second.keys.begin(), w->second.keys.end(), [&](const std::string& key) {
    const Entry& other = entries.at(key);
    return other.firing && other.alert.check == e.alert.check;
  });
}

void Alerting::Impl::process(const std::string& key, const Now& now, AlertingOutput& out) {
  const auto it = entries.find(key);
  if (it == entries.end()) return;
  Entry& e = it->second;
  const auto wait_until = [&](SteadyTime t) {
    queue.insert(key);
    if (!deadline || t < *deadline) deadline = t;
  };
  const auto forget = [&] {
    if (const auto w = workers.find(e.alert.worker_id); w != workers.end()) {
      w->second.keys.erase(key);
      if (w->second.keys.empty()) w->second.early.clear();
      if (w->second.keys.empty() && w->second.closing) workers.erase(w);
    }
    entries.erase(it);
  };
  if (!e.firing) {
    if (!e.on) return forget();
    if (muted(e)) return;  // looked at again when maintenance ends
    const Outage* outage = explanation(e);
    if (outage && !entries.at(outage->facts.key).firing) return;  // looked at again when the outage fires or ends
    if (now.steady < e.fires_at && !goes_on(e)) return wait_until(e.fires_at);
    fire(e, outage, now, out);
    if (outages.contains(key)) enqueue_waiting();
    return;
  }
  if (e.on && off(e)) {  // it waits on, as under maintenance, until its rule is on again
    e.closed_as = "rule_off";
    resolve(e, now, out);
    e.firing = e.notified = false;
    return;
  }
  if (e.on) {
    if (e.raised) raise(e, now, out);
    if (std::exchange(e.changed, false)) {
      retitle(e);
      out.ledger.push_back({now.wall, e.alert});
      out.changed = true;
    }
    return;
  }
  const auto w = workers.find(e.alert.worker_id);
  const bool cure_runs = w != workers.end() && w->second.held_open;
  if (cure_runs && !e.ends_now) return;  // looked at again when the cure is proven or has failed
  const SteadyTime ends = e.gone_since + (e.ends_now ? Duration{0} : config.keep_firing_for);
  if (now.steady < ends) return wait_until(ends);
  resolve(e, now, out);
  forget();
}

void Alerting::Impl::settle(const Now& now, AlertingOutput& out) {
  deadline.reset();
  // Outages fire first, so that what they explain joins them in the same step.
  for (int i = 0; i < 3 && !queue.empty(); ++i) {
    const auto keys = std::exchange(queue, {});
    for (const auto& key : keys)
      if (outages.contains(key)) process(key, now, out);
    // What begins before what ends: a story that goes on in another condition stays one.
    const auto begins = [&](const std::string& key) {
      const auto it = entries.find(key);
      return it != entries.end() && it->second.on;
    };
    std::vector<std::string_view> ends;
    for (const auto& key : keys)
      if (outages.contains(key))
        continue;
      else if (begins(key))
        process(key, now, out);
      else
        ends.push_back(key);
    for (const std::string_view key : ends) process(std::string(key), now, out);
    const bool only_waiting = std::all_of(queue.begin(), queue.end(), [&](const auto& k) { return keys.contains(k); });
    if (only_waiting) break;
  }
  for (const auto& id : std::exchange(dirty_incidents, {})) {
    const auto it = open.find(id);
    if (it != open.end()) out.ledger.push_back({now.wall, it->second});
    out.changed = true;
  }
}

}  // namespace paramedic
