// One cause for several workers: its alert, and how their incidents become one.
#include <algorithm>

#include <fmt/format.h>

#include "core/alerting/alerting_impl.h"

namespace paramedic {

namespace {

constexpr std::string_view kScope = "cause/";

// "host" "h3" → "of host h3"; a label of the user's own → "with zone=a".
std::string in_words(const CauseFacts& cause) {
  for (const std::string_view known : {"host", "pool", "queue", "broker", "source"})
    if (cause.label == known) return fmt::format("of {} {}", known, cause.value);
  if (cause.label == "version") return "with version " + cause.value;
  if (cause.label == "gpu") return "on GPU " + cause.value;
  return fmt::format("with {}={}", cause.label, cause.value);
}

// What its workers suffer from, the commonest first: "silent (4), hung task (1)".
std::string symptoms(const std::map<std::string, int>& counts) {
  std::vector<std::pair<int, std::string>> sorted;
  sorted.reserve(counts.size());
  for (const auto& [words, count] : counts) sorted.emplace_back(-count, words);
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (std::size_t i = 0; i < sorted.size() && i < 4; ++i)
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", sorted[i].second, -sorted[i].first);
  return out;
}

}  // namespace

std::string CauseFacts::key() const { return fmt::format("{}{}/{}", kScope, label, value); }

bool Alerting::Impl::sick(const Entry& e) const {
  // What is only unusual, or lies ahead, is no illness: nobody's restart waits for a cause of it.
  if (e.alert.reason == Reason::anomaly || e.alert.reason == Reason::forecast) return false;
  if (!e.on || e.alert.worker_id.empty() || muted(e)) return false;
  const Outage* outage = explanation(e);
  return !outage || outage->is_cause;
}

std::vector<IllWorker> Alerting::ill_workers() const {
  std::map<std::string, SteadyTime> since;
  for (const auto& [key, e] : impl_->entries) {
    if (!impl_->sick(e)) continue;
    const auto [it, fresh] = since.try_emplace(e.alert.worker_id, e.on_since);
    if (!fresh) it->second = std::min(it->second, e.on_since);
  }
  std::vector<IllWorker> out;
  out.reserve(since.size());
  for (auto& [id, t] : since) out.push_back({id, t});
  return out;
}

std::uint64_t Alerting::conditions_changed() const { return impl_->conditions_changed; }

void Alerting::update_causes(const std::vector<CauseFacts>& causes, const Now& now) {
  Impl& m = *impl_;
  std::set<std::string> holds;
  for (const CauseFacts& cause : causes) {
    holds.insert(cause.key());
    m.state_cause(cause, now);
  }
  std::vector<std::string> ended;
  for (const auto& [key, outage] : m.outages)
    if (outage.is_cause && !holds.contains(key)) ended.push_back(key);
  for (const std::string& key : ended) m.end_outage(key, "recovered", now);
}

void Alerting::Impl::state_cause(const CauseFacts& cause, const Now& now) {
  const std::string key = cause.key();
  const auto [it, fresh] = outages.try_emplace(key);
  Outage& outage = it->second;
  if (fresh) outage.since = cause.since;
  outage.is_cause = true;
  outage.facts.key = key;
  const std::set<std::string> before = std::exchange(outage.members, {cause.workers.begin(), cause.workers.end()});
  Alert a;
  a.reason = Reason::shared_cause;
  a.severity = Severity::info;
  std::map<std::string, int> suffering;
  for (const auto& [entry_key, e] : entries) {
    if (!e.on || !outage.members.contains(e.alert.worker_id)) continue;
    a.severity = std::max(a.severity, e.stated);
    Cause words;
    words.reason = e.alert.reason;
    ++suffering[describe(words)];
  }
  // It never falls while it holds: a cause whose worst worker is back is still the same story.
  if (const auto old = entries.find(key); old != entries.end()) a.severity = std::max(a.severity, old->second.stated);
  if (cause.label == "host") a.host = cause.value;
  a.labels = {{cause.label, cause.value}};
  a.title = fmt::format("{} of {} workers {} are ill", cause.ill, cause.all, in_words(cause));
  a.message = fmt::format("{}; elsewhere {} of {}. One cause is likely: look at what they share first",
                          symptoms(suffering), cause.ill_without, cause.others);
  state(key, a, config.group_wait_inferred, wall_at(cause.since, now), now);
  for (const std::string& id : outage.members)
    if (!before.contains(id))
      if (const auto w = workers.find(id); w != workers.end()) enqueue_worker(w->second);
}

void Alerting::Impl::restore_cause(const Alert& alert, const Incident* incident, const Now& now) {
  Outage& outage = outages[alert.key];
  outage.is_cause = true;
  outage.facts.key = alert.key;
  outage.since = steady_at(alert.started_at, now);
  if (incident) outage.members.insert(incident->workers.begin(), incident->workers.end());
}

// The oldest incident of its workers goes on as that of the cause, so that who was told of the first worker hears the
// rest of the same story; the others end in it.
void Alerting::Impl::adopt_incidents(const Entry& cause, const Now& now, AlertingOutput& out) {
  const Outage& outage = outages.at(cause.alert.key);
  std::vector<std::string> theirs;
  for (const std::string& id : outage.members)
    if (const auto it = open_by_scope.find("worker/" + id); it != open_by_scope.end()) theirs.push_back(it->second);
  if (theirs.empty()) return;
  std::sort(theirs.begin(), theirs.end(), [&](const std::string& a, const std::string& b) {
    return std::tie(open.at(a).started_at, a) < std::tie(open.at(b).started_at, b);
  });
  if (!open_by_scope.contains(cause.alert.key)) {
    Incident& first = open.at(theirs.front());
    open_by_scope.erase(first.scope);
    first.scope = cause.alert.key;
    first.title = cause.alert.title;
    first.pool = cause.alert.pool;
    first.host = cause.alert.host;
    open_by_scope[first.scope] = first.id;
    dirty_incidents.insert(first.id);
    theirs.erase(theirs.begin());
  }
  Incident& whole = open.at(open_by_scope.at(cause.alert.key));
  for (const std::string& id : theirs) join(open.at(id), whole, now, out);
}

void Alerting::Impl::join(Incident& part, Incident& whole, const Now& now, AlertingOutput& out) {
  for (const std::string& key : std::exchange(part.alert_keys, {})) {
    const auto it = entries.find(key);
    if (it == entries.end()) continue;
    Entry& e = it->second;
    e.alert.incident_id = whole.id;
    e.changed = true;
    queue.insert(key);
    whole.alert_keys.push_back(key);
    name_worker(whole, e.alert.worker_id);
  }
  whole.severity = std::max(whole.severity, part.severity);
  whole.started_at = std::min(whole.started_at, part.started_at);
  add(whole, TimelineKind::joined, fmt::format("incident {}: {}", part.id, part.title), now.wall);
  add(part, TimelineKind::resolved, fmt::format("goes on in incident {}: {}", whole.id, whole.title), now.wall);
  close_incident(part, "joined " + whole.id, now, out);
}

}  // namespace paramedic
