// For the notifier's tests: alerting's edges by hand, messages as they leave, outcomes, restarts from its own ledger.
#pragma once
#include <gtest/gtest.h>

#include "core/alerting/notifier.h"

namespace paramedic {

struct PostOffice {
  ManualClock clock;
  NotifierConfig config;
  std::unique_ptr<Notifier> notifier;
  NotifierOutput out;
  std::vector<Notification> sent;  // in order, with repetitions after restarts
  std::map<std::string, Alert> firing;
  std::map<std::string, Incident> open;
  std::vector<AlertWish> wishes;
  std::vector<CommandResult> answers;
  // The ledger: latest value per key.
  std::map<std::string, NotificationRecord> records;
  std::map<std::string, NotificationGroup> groups;
  std::map<std::string, Silence> silences;
  std::map<std::string, Acknowledgement> acks;
  bool deliver = true;  // every message succeeds at once
  int incidents_made = 0, commands = 0;

  static NotifierConfig parse(const Params& channels, const Params* route = nullptr) {
    Problems problems;
    NotifierConfig c = parse_notifier_config({.channels = &channels, .route = route}, problems);
    for (const Problem& p : problems) ADD_FAILURE() << p.to_string();
    return c;
  }
  static NotifierConfig simple(std::vector<std::string> channels = {"chat"}) {
    Params node = Params::map();
    for (const std::string& name : channels) node.set(name, Params::map());
    return parse(node);
  }

  // Tells chat first, pager after 300 s without acknowledgement, boss 900 s later.
  static PostOffice on_call() {
    NotifierConfig c = simple({"chat", "pager", "boss"});
    c.routes[0].channels = {"chat"};
    c.routes[0].escalation = {{300s, {"pager"}}, {900s, {"boss"}}};
    return PostOffice(std::move(c));
  }

  explicit PostOffice(NotifierConfig c = simple()) : config(std::move(c)) {
    notifier = std::make_unique<Notifier>(config);
  }
  Route& route(std::size_t i = 0) { return config.routes.at(i); }
  void rebuild() { notifier = std::make_unique<Notifier>(config); }

  void take_output() {
    for (const LedgerEntry& e : out.ledger) {
      if (const auto* r = std::get_if<NotificationRecord>(&e.body)) records[r->notification.id] = *r;
      if (const auto* g = std::get_if<NotificationGroup>(&e.body)) groups[g->key] = *g;
      if (const auto* s = std::get_if<Silence>(&e.body)) silences[s->id] = *s;
      if (const auto* a = std::get_if<Acknowledgement>(&e.body)) acks[a->incident_id] = *a;
    }
    std::vector<Notification> fresh;
    for (const Act& act : out.acts) {
      if (const auto* n = std::get_if<SendNotification>(&act)) {
        EXPECT_TRUE(records.contains(n->notification.id)) << "ledger before act";
        fresh.push_back(n->notification);
      }
      if (const auto* a = std::get_if<Answer>(&act)) answers.push_back(a->result);
    }
    wishes.insert(wishes.end(), out.wishes.begin(), out.wishes.end());
    out.clear();
    for (const Notification& n : fresh) {
      sent.push_back(n);
      if (deliver) outcome(n.id, DeliveryState::delivered);
    }
  }
  void settle() {
    notifier->check_deliveries(clock.now(), out);
    notifier->settle(clock.now(), out);
    take_output();
  }
  // Steps at every deadline, as the engine does.
  void pass(Duration d) {
    const SteadyTime target = clock.now().steady + d;
    for (int i = 0; i < 10'000; ++i) {
      const auto next = notifier->next_deadline();
      if (!next || *next > target) break;
      clock.advance(std::max(*next - clock.now().steady, Duration{1'000'000}));
      settle();
    }
    if (clock.now().steady < target) clock.advance(target - clock.now().steady);
    settle();
  }
  void outcome(const std::string& id, DeliveryState state, int attempts = 1, std::string answer = "200 OK") {
    notifier->on_delivery({.notification_id = id, .state = state, .attempts = attempts, .answer = std::move(answer)},
                          clock.now(), out);
    take_output();
  }

  Incident& incident(const std::string& scope, const std::string& title) {
    for (auto& [id, i] : open)
      if (i.scope == scope) return i;
    Incident i;
    i.id = "inc-" + std::to_string(++incidents_made);
    i.scope = scope;
    i.title = title;
    i.started_at = clock.now().wall;
    notifier->on_incident(i, clock.now(), out);
    return open[i.id] = i;
  }
  // An alert of a worker, in an incident of its own unless told.
  Alert alert(const std::string& worker, Severity severity, std::string incident_id = {}, const std::string& pool = "p",
              Reason reason = Reason::silent) {
    Alert a;
    a.worker_id = worker;
    a.pool = pool;
    a.host = "h1";
    a.reason = reason;
    a.severity = severity;
    a.key = "worker/" + worker + "/heartbeat/" + std::string(to_string(reason));
    a.title = "Worker " + worker + ": " + std::string(to_string(reason));
    a.message = "for 72 s (limit 60 s)";
    a.started_at = clock.now().wall;
    a.incident_id = incident_id.empty() ? incident("worker/" + worker, a.title).id : std::move(incident_id);
    return a;
  }
  void state(Alert a) {
    if (const auto it = firing.find(a.key); it != firing.end()) a.started_at = it->second.started_at;
    notifier->on_alert(a, clock.now());
    firing[a.key] = std::move(a);
  }
  void fire(const std::string& worker, Severity severity = Severity::critical, const std::string& pool = "p") {
    state(alert(worker, severity, {}, pool));
    settle();
  }
  void end_incident(const std::string& id) {
    const auto it = open.find(id);
    if (it == open.end()) return;
    it->second.ended_at = clock.now().wall;
    notifier->on_incident(it->second, clock.now(), out);
    open.erase(it);
  }
  void resolve_key(const std::string& key, const std::string& closed_as = "recovered") {
    const auto it = firing.find(key);
    if (it == firing.end()) return;
    Alert a = it->second;
    firing.erase(it);
    a.state = AlertState::resolved;
    a.ended_at = clock.now().wall;
    a.closed_as = closed_as;
    notifier->on_alert(a, clock.now());
    const bool alone = std::none_of(firing.begin(), firing.end(),
                                    [&](const auto& f) { return f.second.incident_id == a.incident_id; });
    if (alone) end_incident(a.incident_id);
  }
  void resolve(const std::string& worker, const std::string& closed_as = "recovered") {
    resolve_key("worker/" + worker + "/heartbeat/silent", closed_as);
    settle();
  }

  CommandResult command(Verb verb, const std::string& target, std::optional<Duration> duration = std::nullopt) {
    CommandInput c{.command_id = "c" + std::to_string(++commands), .verb = verb, .actor = "ada", .reason = "known"};
    c.target = target;
    c.duration = duration;
    EXPECT_TRUE(notifier->on_command(c, clock.now(), out));
    settle();
    return answers.back();
  }
  CommandResult silence(std::vector<std::string> matchers, Duration lasts, Duration in = 0s) {
    CommandInput c{.command_id = "c" + std::to_string(++commands), .verb = Verb::silence, .actor = "ada"};
    Silence s;
    for (const std::string& text : matchers) s.matchers.push_back(*parse_matcher(text));
    s.starts_at = clock.now().wall + in;
    s.ends_at = s.starts_at + lasts;
    c.silence = s;
    EXPECT_TRUE(notifier->on_command(c, clock.now(), out));
    settle();
    return answers.back();
  }

  LedgerState ledger() const {
    LedgerState s;
    for (const auto& [id, i] : open) s.incidents.push_back(i);
    for (const auto& [key, a] : firing) s.alerts.push_back(a);
    for (const auto& [id, r] : records)
      if (!is_final(r.state) || clock.now().wall - r.notification.at < 2h) s.notifications.push_back(r);
    for (const auto& [id, x] : silences)
      if (!x.ended_at) s.silences.push_back(x);
    for (const auto& [id, a] : acks)
      if (a.on) s.acknowledgements.push_back(a);
    for (const auto& [key, g] : groups)
      if (g.open) s.groups.push_back(g);
    return s;
  }
  void restart() {
    rebuild();
    out.clear();
    notifier->restore(ledger(), clock.now());
    settle();
  }

  std::vector<Notification> of(NotificationKind kind, const std::string& channel = {}) const {
    std::vector<Notification> found;
    for (const Notification& n : sent)
      if (n.kind == kind && (channel.empty() || n.channel == channel)) found.push_back(n);
    return found;
  }
  // "firing resolved": the kinds that were sent, in order.
  std::string story(const std::string& channel = {}) const {
    std::string text;
    for (const Notification& n : sent)
      if (channel.empty() || n.channel == channel) text += (text.empty() ? "" : " ") + std::string(to_string(n.kind));
    return text;
  }
};

}  // namespace paramedic
