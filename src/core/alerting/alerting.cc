// Conditions in: what holds, what is explained by an outage, what is muted. alerting_incidents.cc tells the story.
#include "core/alerting/alerting.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/alerting/alerting_impl.h"

namespace paramedic {

namespace {
// About a pool, but stated by recovery or analysis: no pool finding, and no outage explains it.
bool is_wish(Reason reason) {
  return reason == Reason::crash_loop || reason == Reason::canary_failed || reason == Reason::rolling_paused ||
         reason == Reason::poison_task || reason == Reason::task_degraded;
}

bool known(FindingStatus s) { return s != FindingStatus::unknown && s != FindingStatus::error; }

// Recovery states a crash by itself, as info until its cure fails.
bool is_crash(Reason r) { return r == Reason::exited || r == Reason::zombie; }

bool depends_on_broker(std::string_view check, Reason reason) {
  return check == "queue_connection" || reason == Reason::queue_stalled;
}

Severity severity_of(FindingStatus s) { return s == FindingStatus::critical ? Severity::critical : Severity::warning; }

std::string bare_words(Cause cause) {
  cause.value = cause.limit = 0;
  return describe(cause);
}

}  // namespace

AlertingConfig parse_alerting_config(const Params* node, std::string path, Problems& problems) {
  AlertingConfig c;
  ParamsReader r(node, std::move(path), problems);
  r.read("group_wait_inferred", c.group_wait_inferred, 0s, 5min);
  r.read("group_wait_shared", c.group_wait_shared, 0s, 5min);
  r.read("source_silent_after", c.source_silent_after, 0s, 1h);
  r.read("keep_firing_for", c.keep_firing_for, 0s, 1h);
  r.read("max_ended_incidents", c.max_ended_incidents, 0, 1000);
  r.read("runbook_base", c.runbook_base);
  c.shipped = parse_shipped_rules(r.take("shipped_rules"), r.path() + ".shipped_rules", problems);
  r.take("rules");
  r.finish();
  return c;
}

std::string make_incident_id(std::string_view scope, WallTime started) {
  return "inc-" + hash_hex(hash_mix(stable_hash(scope), std::uint64_t(started.time_since_epoch().count())));
}

Alerting::Impl::Entry& Alerting::Impl::state(const std::string& key, const Alert& like, Duration wait, WallTime since,
                                             const Now& now) {
  auto [it, fresh] = entries.try_emplace(key);
  Entry& e = it->second;
  if (fresh) {
    e.alert = like;
    e.alert.key = key;
    name_rule(e.alert);
    e.alert.started_at = std::min(since, now.wall);
    const ShippedRuleSettings* own = settings(e.alert);
    e.fires_at = now.steady + (own ? std::max(wait, own->hold) : wait);
    e.asked = like.severity;
    take_severity(e);
    e.on_since = now.steady;
    ++conditions_changed;
    if (!like.worker_id.empty()) workers[like.worker_id].keys.insert(key);
    queue.insert(key);
  }
  if (!e.on) {  // it came back before it had ended
    e.on = true;
    e.on_since = now.steady;
    ++conditions_changed;
    queue.insert(key);
  }
  if (e.alert.message != like.message && e.alert.title != like.title) e.changed = e.firing;
  e.alert.message = like.message;
  e.alert.title = like.title;
  if (like.reason == Reason::rule) e.alert.annotations = like.annotations;
  e.asked = like.severity;
  take_severity(e);
  if (e.changed) queue.insert(key);
  return e;
}

// From what was asked for, the configuration of its rule, and the state of its pool.
void Alerting::Impl::take_severity(Entry& e) {
  const ShippedRuleSettings* own = settings(e.alert);
  e.stated = own ? own->severity.value_or(e.asked) : e.asked;
  const bool low = e.alert.reason == Reason::exited && pool_is_low(e.alert.pool);
  const Severity severity = low ? Severity::critical : e.stated;
  if (severity == e.alert.severity) return;
  e.raised = e.raised || (e.firing && severity > e.alert.severity);
  e.changed = e.firing;
  e.alert.severity = severity;
  queue.insert(e.alert.key);
}

void Alerting::Impl::name_rule(Alert& alert) const {
  const ShippedRule* rule = shipped_rule_of(alert.key, alert.reason);
  if (!rule) return;
  alert.rule = rule->name;
  for (const auto& [name, value] : alert.annotations)
    if (name == "runbook_url") return;
  alert.annotations.emplace_back("runbook_url", fmt::format("{}{}.md", config.runbook_base, rule->name));
}

const ShippedRuleSettings* Alerting::Impl::settings(const Alert& alert) const {
  if (config.shipped.empty() || alert.reason == Reason::rule) return nullptr;
  const auto found = config.shipped.find(alert.rule);
  return found == config.shipped.end() ? nullptr : &found->second;
}

bool Alerting::Impl::off(const Entry& e) const {
  const ShippedRuleSettings* own = settings(e.alert);
  return own && !own->enabled;
}

void Alerting::Impl::clear(const std::string& key, std::string closed_as, bool at_once, const Now& now) {
  const auto it = entries.find(key);
  if (it == entries.end() || (!it->second.on && !at_once)) return;
  Entry& e = it->second;
  if (e.on) {
    e.gone_since = now.steady;
    ++conditions_changed;
  }
  e.on = false;
  e.ends_now = e.ends_now || at_once;
  e.closed_as = std::move(closed_as);
  queue.insert(key);
}

Duration Alerting::Impl::wait_of(const Cause& cause, std::string_view check, const WorkerMemory& memory) const {
  if (memory.polled || depends_on_broker(check, cause.reason)) return config.group_wait_shared;
  return config.group_wait_inferred;
}

void Alerting::Impl::take_findings(const AlertingWorkerFacts& facts, WorkerMemory& memory, const Now& now) {
  std::set<std::string> holds;
  for (const Finding& finding : facts.findings) {
    for (const Cause& cause : finding.causes) {
      if (badness(cause.status) == 0 || is_crash(cause.reason)) continue;
      const std::string key = fmt::format("worker/{}/{}/{}", facts.id, finding.check, to_string(cause.reason));
      if (!holds.insert(key).second) continue;  // worst first: a second queue or disk tells nothing new
      Alert a;
      a.severity = severity_of(cause.status);
      a.reason = cause.reason;
      a.check = std::string(finding.check);
      a.worker_id = facts.id;
      a.pool = facts.pool;
      a.host = facts.host;
      a.title = fmt::format("Worker {}: {}", facts.id, bare_words(cause));
      a.message = describe(cause);
      a.labels = facts.labels;
      state(key, a, wait_of(cause, finding.check, memory), cause.since == WallTime{} ? now.wall : cause.since, now);
    }
  }
  const auto keys = memory.keys;
  for (const std::string& key : keys) {
    const Entry& e = entries.at(key);
    if (!e.on || e.alert.check.empty() || holds.contains(key)) continue;
    const auto finding = std::find_if(facts.findings.begin(), facts.findings.end(),
                                      [&](const Finding& f) { return f.check == e.alert.check; });
    if (finding != facts.findings.end() && known(finding->status)) clear(key, "recovered", false, now);
  }
}

// A check that fails is one alert about the monitor, not one per worker.
void Alerting::Impl::take_check_errors(const AlertingWorkerFacts& facts, const Now& now) {
  bool changed = false;
  for (const Finding& f : facts.findings) {
    const std::string id = fmt::format("{}/{}", f.check, facts.id);
    if (f.status == FindingStatus::error)
      changed = failing_checks.insert_or_assign(id, f.note).second || changed;
    else
      changed = failing_checks.erase(id) > 0 || changed;
  }
  if (!changed) return;
  if (failing_checks.empty()) return clear("monitor/check_failed", "recovered", false, now);
  Alert a;
  a.severity = Severity::warning;
  a.reason = Reason::check_failed;
  a.title = "A check of the monitor itself fails";
  const auto& [first, text] = *failing_checks.begin();
  a.message = fmt::format("{} of check and worker, first {}: {}", failing_checks.size(), first, text);
  state("monitor/check_failed", a, config.group_wait_inferred, now.wall, now);
}

bool Alerting::Impl::muted(const Entry& e) const {
  if (off(e)) return true;
  if (!e.alert.worker_id.empty()) {
    const auto it = workers.find(e.alert.worker_id);
    return it != workers.end() && it->second.muted;
  }
  return !e.alert.pool.empty() && muted_pools.contains(e.alert.pool);
}

bool Alerting::Impl::covers(const Outage& outage, const WorkerMemory& memory) const {
  if (!outage.facts.is_broker) return memory.source == outage.facts.name;
  return std::find(memory.brokers.begin(), memory.brokers.end(), outage.facts.name) != memory.brokers.end();
}

const Alerting::Impl::Outage* Alerting::Impl::explanation(const Entry& e) const {
  if (outages.empty() || outages.contains(e.alert.key)) return nullptr;
  const bool of_broker = depends_on_broker(e.alert.check, e.alert.reason);
  const auto silent = [&](const std::string& key) {  // an outage that nobody is told explains nothing
    const auto own = entries.find(key);
    return own == entries.end() || off(own->second);
  };
  if (!e.alert.worker_id.empty()) {
    const auto it = workers.find(e.alert.worker_id);
    if (it == workers.end()) return nullptr;
    // An outage was seen, a shared cause is inferred: the outage first. An exit was seen too, and no outage of the way
    // it was told explains it.
    for (const auto& [key, outage] : outages) {
      if (outage.is_cause || e.alert.hard_evidence || silent(key)) continue;
      if ((of_broker || !outage.facts.is_broker) && covers(outage, it->second)) return &outage;
    }
    for (const auto& [key, outage] : outages)
      if (outage.is_cause && outage.members.contains(e.alert.worker_id) && !silent(key)) return &outage;
    return nullptr;
  }
  if (e.alert.hard_evidence) return nullptr;
  if (e.alert.pool.empty() || is_wish(e.alert.reason)) return nullptr;
  // A pool's finding: explained when one outage covers half of its workers or more.
  for (const auto& [key, outage] : outages) {
    if (outage.is_cause || (outage.facts.is_broker && !of_broker) || silent(key)) continue;
    int all = 0, covered = 0;
    for (const auto& [id, memory] : workers) {
      if (memory.pool != e.alert.pool) continue;
      ++all;
      covered += covers(outage, memory) ? 1 : 0;
    }
    if (all > 0 && covered * 2 >= all) return &outage;
  }
  return nullptr;
}

bool Alerting::Impl::pool_is_low(const std::string& pool) const {
  const auto it = pool_keys.find(pool);
  if (it == pool_keys.end()) return false;
  return it->second.contains(fmt::format("pool/{}/pool_below_min", pool)) ||
         it->second.contains(fmt::format("pool/{}/pool_empty", pool));
}

void Alerting::Impl::enqueue_waiting() {
  for (const auto& [key, e] : entries)
    if (!e.firing) queue.insert(key);
}

// The pool fell below its minimum: its crashes are no longer information only.
void Alerting::Impl::raise_crashes(const std::string& pool) {
  const bool low = pool_is_low(pool);
  for (auto& [key, e] : entries) {
    if (e.alert.reason != Reason::exited || e.alert.pool != pool || !e.on) continue;
    const Severity severity = low ? Severity::critical : e.stated;
    if (severity == e.alert.severity) continue;
    e.raised = e.firing && severity > e.alert.severity;
    e.changed = e.firing;
    e.alert.severity = severity;
    queue.insert(key);
  }
}

void AlertingOutput::clear() {
  ledger.clear();
  acts.clear();
  events.clear();
  changed = false;
}

Alerting::Alerting(AlertingConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Alerting::~Alerting() = default;
void Alerting::set_config(AlertingConfig config) {
  Impl& m = *impl_;
  m.config = std::move(config);
  for (auto& [key, e] : m.entries) {
    if (!e.firing) {
      if (const ShippedRuleSettings* own = m.settings(e.alert))
        e.fires_at = std::max(e.fires_at, e.on_since + own->hold);
    }
    if (e.on) m.take_severity(e);
    m.queue.insert(key);
  }
  ++m.conditions_changed;
}

void Alerting::restore(const LedgerState& state, const Now& now) {
  Impl& m = *impl_;
  for (const Incident& incident : state.incidents) {
    if (!incident.open()) continue;
    m.open[incident.id] = incident;
    m.open_by_scope[incident.scope] = incident.id;
  }
  for (const Alert& alert : state.alerts) {
    if (alert.state != AlertState::firing) continue;
    Impl::Entry e;
    e.alert = alert;
    m.name_rule(e.alert);
    e.asked = e.stated = alert.severity;
    e.firing = true;
    e.on_since = steady_at(alert.started_at, now);
    const auto it = m.open.find(alert.incident_id);
    const auto of = [&](std::string_view kind) { return it->second.scope.starts_with(kind); };
    const bool joined =
        it != m.open.end() && (of("host/") || of("source/") || of("cause/")) && it->second.scope != alert.key;
    if (alert.reason == Reason::shared_cause) m.restore_cause(alert, it == m.open.end() ? nullptr : &it->second, now);
    e.notified = !joined;
    if (!alert.worker_id.empty()) {
      auto& memory = m.workers[alert.worker_id];
      memory.pool = alert.pool;
      memory.host = alert.host;
      memory.keys.insert(alert.key);
    }
    if (m.off(e)) m.queue.insert(alert.key);
    m.entries[alert.key] = std::move(e);
  }
  // A cure that was under way goes on, and its incident waits for the proof.
  for (const ActionRecord& action : state.actions) {
    const auto memory = m.workers.find(action.worker_id);
    const bool runs = !is_final(action.state) && action.state != ActionState::waiting_approval;
    if (runs && memory != m.workers.end()) memory->second.held_open = true;
  }
  // An incident whose alerts did not survive has nothing left that could end it.
  AlertingOutput ignored;
  const auto incidents = m.open;
  for (const auto& [key, incident] : incidents) {
    const std::string& id = key;  // clang 14 captures no structured bindings
    const bool alive = std::any_of(m.entries.begin(), m.entries.end(),
                                   [&](const auto& e) { return e.second.alert.incident_id == id; });
    if (!alive) m.close_incident(m.open.at(id), "recovered", now, ignored);
  }
}

void Alerting::update_worker(const AlertingWorkerFacts& facts, const Now& now) {
  Impl& m = *impl_;
  auto& memory = m.workers[facts.id];
  const bool unmuted = memory.muted && !facts.muted;
  memory.closing = false;
  memory.pool = facts.pool;
  memory.host = facts.host;
  memory.source = facts.source;
  memory.brokers = facts.brokers;
  memory.labels = facts.labels;
  memory.polled = facts.polled_source;
  m.conditions_changed += memory.muted != facts.muted;
  memory.muted = facts.muted;
  m.take_findings(facts, memory, now);
  m.take_check_errors(facts, now);
  if (unmuted) m.enqueue_worker(memory);
}

void Alerting::close_worker(std::string_view id, const std::string& closed_as, const Now& now) {
  Impl& m = *impl_;
  const auto it = m.workers.find(id);
  if (it == m.workers.end()) return;
  it->second.held_open = false;
  it->second.closing = true;
  const auto keys = it->second.keys;
  for (const auto& key : keys) m.clear(key, closed_as, true, now);
  std::erase_if(m.failing_checks, [&](const auto& f) { return f.first.ends_with("/" + std::string(id)); });
  if (m.failing_checks.empty()) m.clear("monitor/check_failed", "recovered", false, now);
  if (keys.empty()) m.workers.erase(it);
}

void Alerting::update_pool(const std::string& pool, const std::vector<Cause>& findings, bool muted, const Now& now) {
  Impl& m = *impl_;
  if (muted)
    m.muted_pools.insert(pool);
  else if (m.muted_pools.erase(pool))
    m.enqueue_waiting();
  std::set<std::string> holds;
  for (const Cause& cause : findings) {
    if (badness(cause.status) == 0) continue;
    // One entry per reason; findings that speak of one worker or queue name it.
    std::string key = fmt::format("pool/{}/{}", pool, to_string(cause.reason));
    if (cause.reason == Reason::did_not_return || cause.reason == Reason::duplicate_incarnation ||
        cause.reason == Reason::queue_stalled)
      if (!cause.subject.empty()) key += "/" + cause.subject;
    holds.insert(key);
    Alert a;
    a.severity = severity_of(cause.status);
    a.reason = cause.reason;
    a.pool = pool;
    a.title = fmt::format("Pool {}: {}", pool, bare_words(cause));
    a.message = describe(cause);
    const bool shared = cause.reason == Reason::queue_stalled;
    m.state(key, a, shared ? m.config.group_wait_shared : m.config.group_wait_inferred,
            cause.since == WallTime{} ? now.wall : cause.since, now);
  }
  auto& before = m.pool_keys[pool];
  for (const auto& key : before)
    if (!holds.contains(key)) m.clear(key, "recovered", false, now);
  const bool changed = before != holds;
  // Restored ones are not in `before` yet.
  for (const auto& [key, e] : m.entries)
    if (e.firing && e.on && e.alert.pool == pool && e.alert.worker_id.empty() && !is_wish(e.alert.reason) &&
        key.starts_with("pool/") && !holds.contains(key))
      m.clear(key, "recovered", false, now);
  before = std::move(holds);
  if (changed) m.raise_crashes(pool);
}

void Alerting::Impl::end_outage(const std::string& key, std::string closed_as, const Now& now) {
  clear(key, std::move(closed_as), false, now);
  if (outages.erase(key) == 0) return;
  ++conditions_changed;
  // Its members get the time to speak again before each is judged by itself.
  for (auto& [entry_key, e] : entries) {
    if (e.firing) continue;
    e.fires_at = std::max(e.fires_at, now.steady + config.group_wait_shared);
    queue.insert(entry_key);
  }
}

void Alerting::update_outage(const OutageFacts& outage, const Now& now) {
  Impl& m = *impl_;
  if (!outage.on) return m.end_outage(outage.key, "recovered", now);
  const auto [it, fresh] = m.outages.try_emplace(outage.key);
  it->second.facts = outage;
  if (fresh) ++m.conditions_changed;
  if (fresh) it->second.since = outage.since.value_or(now.steady);
  Alert a;
  a.severity = Severity::critical;
  a.reason = outage.is_broker ? Reason::broker_down : Reason::source_blind;
  a.host = outage.host;
  a.title = outage.title;
  a.message = outage.message;
  const SteadyTime since = it->second.since;
  const SteadyTime fires =
      outage.is_broker ? now.steady + m.config.group_wait_inferred : since + m.config.source_silent_after;
  m.state(outage.key, a, std::max(fires - now.steady, Duration{0}), wall_at(since, now), now);
  if (fresh) m.enqueue_waiting();
}

void Alerting::update_monitor(Reason reason, bool on, Severity severity, std::string message, const Now& now) {
  const std::string key = fmt::format("monitor/{}", to_string(reason));
  if (!on) return impl_->clear(key, "recovered", false, now);
  Alert a;
  a.severity = severity;
  a.reason = reason;
  Cause words;
  words.reason = reason;
  a.title = "Monitor: " + describe(words);
  a.message = std::move(message);
  impl_->state(key, a, impl_->config.group_wait_inferred, now.wall, now);
}

void Alerting::on_wish(const AlertWish& wish, const Now& now) {
  Impl& m = *impl_;
  if (!wish.on) return m.clear(wish.key, wish.closed_as, wish.closed_as != "recovered", now);
  Alert a;
  a.severity = wish.severity;
  a.reason = wish.reason;
  a.check = wish.check;
  a.worker_id = wish.worker_id;
  a.pool = wish.pool;
  a.host = wish.host;
  a.title = wish.title;
  a.message = wish.message;
  a.hard_evidence = wish.hard_evidence;
  a.rule = wish.rule;
  a.labels = wish.labels;
  a.annotations = wish.annotations;
  if (const auto it = m.workers.find(wish.worker_id); it != m.workers.end())
    for (const auto& label : it->second.labels)
      if (std::none_of(a.labels.begin(), a.labels.end(), [&](const auto& l) { return l.first == label.first; }))
        a.labels.push_back(label);
  m.state(wish.key, a, wish.hard_evidence ? Duration{0} : m.config.group_wait_inferred, now.wall, now);
  if (wish.worker_id.empty()) return;
  auto& memory = m.workers[wish.worker_id];
  if (memory.pool.empty()) memory.pool = wish.pool;
  if (memory.host.empty()) memory.host = wish.host;
}

void Alerting::on_note(const IncidentNote& note, const Now& now) {
  Impl& m = *impl_;
  auto it = m.workers.find(note.worker_id);
  if (it == m.workers.end()) return;
  if (Incident* incident = m.incident_of_worker(note.worker_id))
    m.add(*incident, note.kind, fmt::format("{}: {}", note.worker_id, note.text), now.wall);
  else if (!it->second.keys.empty() && it->second.early.size() < 20)
    it->second.early.push_back({now.wall, note.kind, fmt::format("{}: {}", note.worker_id, note.text)});
  if (!note.holds_open) return;
  it->second.held_open = *note.holds_open;
  m.enqueue_worker(it->second);
}

void Alerting::settle(const Now& now, AlertingOutput& out) { impl_->settle(now, out); }
std::optional<SteadyTime> Alerting::next_deadline() const { return impl_->deadline; }

std::vector<Alert> Alerting::alerts() const {
  std::vector<Alert> all;
  for (const auto& [key, e] : impl_->entries)
    if (e.firing) all.push_back(e.alert);
  return all;
}

std::vector<Incident> Alerting::incidents() const {
  std::vector<Incident> all;
  for (const auto& [id, incident] : impl_->open) all.push_back(incident);
  std::sort(all.begin(), all.end(), [](const Incident& a, const Incident& b) {
    return std::tie(a.started_at, a.id) < std::tie(b.started_at, b.id);
  });
  all.insert(all.end(), impl_->ended.begin(), impl_->ended.end());
  return all;
}

}  // namespace paramedic
