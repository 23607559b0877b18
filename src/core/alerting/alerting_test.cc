#include "core/alerting/alerting.h"

#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {
namespace {

struct Desk {
  ManualClock clock;
  Alerting alerting{AlertingConfig{}};
  AlertingOutput out;
  std::map<std::string, AlertingWorkerFacts> facts;

  AlertingWorkerFacts& worker(const std::string& id, const std::string& pool = "p") {
    auto [it, fresh] = facts.try_emplace(id);
    auto& f = it->second;
    if (!fresh) return f;
    f.id = id;
    f.pool = pool;
    f.host = "h1";
    f.source = "agent/h1";
    f.brokers = {"redis-a"};
    for (const std::string_view check : {"heartbeat", "task_performance", "queue_connection"})
      f.findings.push_back({.check = check});
    return f;
  }
  void finding(const std::string& id, std::string_view check, FindingStatus status, Reason reason = Reason::none) {
    for (Finding& f : worker(id).findings) {
      if (f.check != check) continue;
      f.status = status;
      f.causes.clear();
      if (reason != Reason::none)
        f.causes.push_back({.reason = reason, .status = status, .value = 72, .limit = 60, .unit = "s"});
    }
    alerting.update_worker(facts.at(id), clock.now());
  }
  void settle() { alerting.settle(clock.now(), out); }
  void pass(Duration d) {
    const SteadyTime target = clock.now().steady + d;
    for (int i = 0; i < 1000; ++i) {
      const auto next = alerting.next_deadline();
      if (!next || *next >= target) break;
      if (*next > clock.now().steady) clock.advance(*next - clock.now().steady);
      settle();
    }
    clock.advance(target - clock.now().steady);
    settle();
  }
  void outage(bool on, bool broker = false) {
    OutageFacts o;
    o.key = broker ? "source/redis-a" : "host/h1";
    o.on = on;
    o.is_broker = broker;
    o.name = broker ? "redis-a" : "agent/h1";
    o.host = broker ? "" : "h1";
    o.title = broker ? "Broker redis-a is down" : "Agent of host h1 is silent";
    alerting.update_outage(o, clock.now());
  }
  void crash(const std::string& id, Severity severity = Severity::info, bool on = true) {
    AlertWish w;
    w.key = "worker/" + id + "/exited";
    w.on = on;
    w.severity = severity;
    w.reason = Reason::exited;
    w.worker_id = id;
    w.pool = "p";
    w.host = "h1";
    w.title = "Worker " + id + " crashed";
    w.message = "signal 9";
    w.hard_evidence = true;
    alerting.on_wish(w, clock.now());
  }
  void note(const std::string& id, TimelineKind kind, std::optional<bool> holds = std::nullopt) {
    alerting.on_note({id, kind, "note", holds}, clock.now());
  }
  std::vector<Alert> notices() const {
    std::vector<Alert> all;
    for (const auto& act : out.acts)
      if (const auto* n = std::get_if<Notify>(&act)) all.push_back(n->alert);
    return all;
  }
  std::vector<Incident> open() const {
    auto all = alerting.incidents();
    std::erase_if(all, [](const Incident& i) { return !i.open(); });
    return all;
  }
  bool told(TimelineKind kind) const {
    for (const auto& i : alerting.incidents())
      for (const auto& t : i.timeline)
        if (t.kind == kind) return true;
    return false;
  }
};

TEST(Alerting, a_critical_cause_becomes_one_alert_one_incident_one_notice) {
  Desk d;
  for (int i = 0; i < 5; ++i) {
    d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
    d.pass(100ms);
  }
  ASSERT_EQ(d.notices().size(), 1u);
  const Alert a = d.notices()[0];
  EXPECT_EQ(a.key, "worker/w1/task_performance/hung_task");
  EXPECT_EQ(a.severity, Severity::critical);
  EXPECT_EQ(a.title, "Worker w1: hung task");
  EXPECT_EQ(a.message, "hung task: 72 s (limit 60 s)");
  ASSERT_EQ(d.open().size(), 1u);
  EXPECT_EQ(d.open()[0].id, a.incident_id);
  EXPECT_EQ(d.open()[0].scope, "worker/w1");
  EXPECT_EQ(d.open()[0].workers, std::vector<std::string>{"w1"});
  d.finding("w1", "task_performance", FindingStatus::healthy);
  d.settle();
  EXPECT_TRUE(d.open().empty());
  ASSERT_EQ(d.notices().size(), 2u);
  EXPECT_EQ(d.notices()[1].state, AlertState::resolved);
  EXPECT_EQ(d.notices()[1].closed_as, "recovered");
  EXPECT_EQ(d.alerting.incidents().front().timeline.front().kind, TimelineKind::detected);
}

TEST(Alerting, inferred_symptoms_wait_200_ms_broker_symptoms_two_seconds_and_hard_evidence_nothing) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::warning, Reason::slow_tasks);
  d.finding("w2", "queue_connection", FindingStatus::critical, Reason::disconnected);
  d.crash("w3");
  d.settle();
  EXPECT_EQ(d.notices().size(), 1u);
  d.pass(199ms);
  EXPECT_EQ(d.notices().size(), 1u);
  d.pass(1ms);
  EXPECT_EQ(d.notices().size(), 2u);
  d.pass(1799ms);
  EXPECT_EQ(d.notices().size(), 2u);
  d.pass(2ms);
  EXPECT_EQ(d.notices().size(), 3u);
  Desk polled;
  polled.worker("w1").polled_source = true;
  polled.finding("w1", "heartbeat", FindingStatus::critical, Reason::silent);
  polled.pass(1999ms);
  EXPECT_TRUE(polled.notices().empty());
}

TEST(Alerting, what_passes_before_it_fires_is_never_told) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.pass(100ms);
  d.finding("w1", "task_performance", FindingStatus::healthy);
  d.pass(1min);
  EXPECT_TRUE(d.notices().empty());
  EXPECT_TRUE(d.alerting.incidents().empty());
}

TEST(Alerting, later_members_join_silently_unless_they_are_worse) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::warning, Reason::slow_tasks);
  d.pass(1s);
  d.finding("w1", "heartbeat", FindingStatus::warning, Reason::late);
  d.pass(1s);
  EXPECT_EQ(d.notices().size(), 1u);
  d.finding("w1", "heartbeat", FindingStatus::critical, Reason::silent);
  d.pass(1s);
  EXPECT_EQ(d.notices().size(), 2u);
  ASSERT_EQ(d.open().size(), 1u);
  EXPECT_EQ(d.open()[0].severity, Severity::critical);
  EXPECT_TRUE(d.told(TimelineKind::joined));
}

TEST(Alerting, a_rise_in_severity_is_told_a_fall_is_not) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::warning, Reason::error_rate_high);
  d.pass(1s);
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::error_rate_high);
  d.pass(1s);
  ASSERT_EQ(d.notices().size(), 2u);
  EXPECT_TRUE(d.told(TimelineKind::raised));
  d.finding("w1", "task_performance", FindingStatus::warning, Reason::error_rate_high);
  d.pass(1s);
  EXPECT_EQ(d.notices().size(), 2u);
  EXPECT_EQ(d.alerting.alerts().front().severity, Severity::warning);
}

TEST(Alerting, missing_data_never_resolves) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.pass(1s);
  d.finding("w1", "task_performance", FindingStatus::unknown);
  d.pass(1h);
  EXPECT_EQ(d.open().size(), 1u);
  d.facts.at("w1").findings.clear();
  d.alerting.update_worker(d.facts.at("w1"), d.clock.now());
  d.pass(1h);
  EXPECT_EQ(d.open().size(), 1u);
}

TEST(Alerting, a_crash_is_info_and_closes_with_its_proof) {
  Desk d;
  d.finding("w1", "heartbeat", FindingStatus::critical, Reason::exited);  // the finding alone pages nobody
  d.crash("w1");
  d.settle();
  ASSERT_EQ(d.notices().size(), 1u);
  EXPECT_EQ(d.notices()[0].severity, Severity::info);
  d.note("w1", TimelineKind::acted, true);
  d.crash("w1", Severity::info, false);
  d.note("w1", TimelineKind::verified, false);
  d.settle();
  EXPECT_TRUE(d.open().empty());
  EXPECT_TRUE(d.told(TimelineKind::verified));
}

TEST(Alerting, a_crash_rises_when_its_cure_fails_or_its_pool_is_below_minimum) {
  Desk d;
  d.worker("w1");
  d.crash("w1");
  d.settle();
  d.crash("w1", Severity::critical);
  d.settle();
  EXPECT_EQ(d.notices().back().severity, Severity::critical);
  Desk low;
  low.finding("w1", "heartbeat", FindingStatus::healthy);
  low.crash("w1");
  low.settle();
  low.alerting.update_pool("p", {{.reason = Reason::pool_below_min, .status = FindingStatus::critical}}, false,
                           low.clock.now());
  low.settle();
  ASSERT_EQ(low.notices().size(), 2u);
  EXPECT_EQ(low.notices()[1].reason, Reason::exited);
  EXPECT_EQ(low.notices()[1].severity, Severity::critical);
  low.crash("w2");
  low.settle();
  EXPECT_EQ(low.notices()[2].severity, Severity::critical);  // born critical
  low.pass(1s);
  EXPECT_EQ(low.notices().size(), 4u);  // the pool's own
}

TEST(Alerting, the_incident_stays_open_until_the_cure_is_proven) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.note("w1", TimelineKind::acted, true);  // before it fired: kept for the incident
  d.pass(1s);
  EXPECT_TRUE(d.told(TimelineKind::acted));
  d.finding("w1", "task_performance", FindingStatus::healthy);
  d.pass(1min);
  EXPECT_EQ(d.open().size(), 1u);
  d.note("w1", TimelineKind::verified, false);
  d.settle();
  EXPECT_TRUE(d.open().empty());
}

TEST(Alerting, a_note_without_incident_is_dropped) {
  Desk d;
  d.note("nobody", TimelineKind::acted, true);
  d.finding("w1", "heartbeat", FindingStatus::healthy);
  d.note("w1", TimelineKind::acted, true);
  d.note("w1", TimelineKind::verified, false);
  d.pass(1s);
  EXPECT_TRUE(d.alerting.incidents().empty());
}

TEST(Alerting, a_silent_agent_is_one_critical_incident_after_a_minute) {
  Desk d;
  for (int i = 0; i < 20; ++i) d.finding("w" + std::to_string(i), "heartbeat", FindingStatus::healthy);
  d.outage(true);
  for (int i = 0; i < 20; ++i) d.finding("w" + std::to_string(i), "heartbeat", FindingStatus::critical, Reason::silent);
  d.alerting.update_pool("p", {{.reason = Reason::pool_below_min, .status = FindingStatus::critical}}, false,
                         d.clock.now());
  d.pass(59s);
  EXPECT_TRUE(d.notices().empty());
  d.pass(2s);
  ASSERT_EQ(d.notices().size(), 1u);
  EXPECT_EQ(d.notices()[0].key, "host/h1");
  EXPECT_EQ(d.notices()[0].severity, Severity::critical);
  ASSERT_EQ(d.open().size(), 1u);
  EXPECT_EQ(d.open()[0].affected_workers, 20);
  EXPECT_EQ(d.open()[0].alert_keys.size(), 22u);
  d.outage(false);
  for (int i = 0; i < 20; ++i) d.finding("w" + std::to_string(i), "heartbeat", FindingStatus::healthy);
  d.alerting.update_pool("p", {}, false, d.clock.now());
  d.pass(1s);
  EXPECT_TRUE(d.open().empty());
  EXPECT_EQ(d.notices().size(), 2u);  // the end of the outage; nobody heard of the others
}

TEST(Alerting, an_agent_that_returns_within_a_minute_wakes_nobody) {
  Desk d;
  d.finding("w1", "heartbeat", FindingStatus::healthy);
  d.outage(true);
  d.finding("w1", "heartbeat", FindingStatus::critical, Reason::silent);
  d.pass(30s);
  d.outage(false);
  d.pass(1s);
  d.finding("w1", "heartbeat", FindingStatus::healthy);
  d.pass(1min);
  EXPECT_TRUE(d.notices().empty());
}

// ---- one cause for several workers ----

struct SharedDesk : Desk {
  void share(std::vector<std::string> workers, int all = 4) {
    std::vector<CauseFacts> causes;
    if (!workers.empty()) {
      CauseFacts& c = causes.emplace_back();
      c.label = "version";
      c.value = "2.0";
      c.ill = int(workers.size());
      c.all = all;
      c.others = 10;
      c.workers = std::move(workers);
      c.since = clock.now().steady;
    }
    alerting.update_causes(causes, clock.now());
  }
  void hang(const std::string& id, bool on = true) {
    finding(id, "task_performance", on ? FindingStatus::critical : FindingStatus::healthy,
            on ? Reason::hung_task : Reason::none);
  }
};

TEST(SharedCauseIncident, workers_that_fall_ill_together_are_one_incident_and_one_notice) {
  SharedDesk d;
  for (const char* id : {"w1", "w2", "w3"}) d.hang(id);
  EXPECT_EQ(d.alerting.ill_workers().size(), 3u);
  d.settle();
  d.pass(100ms);
  d.share({"w1", "w2", "w3"});
  d.pass(1s);
  ASSERT_EQ(d.open().size(), 1u);
  EXPECT_EQ(d.open()[0].scope, "cause/version/2.0");
  EXPECT_EQ(d.open()[0].title, "3 of 4 workers with version 2.0 are ill");
  EXPECT_EQ(d.open()[0].affected_workers, 3);
  ASSERT_EQ(d.notices().size(), 1u);
  EXPECT_EQ(d.notices()[0].severity, Severity::critical);
  EXPECT_EQ(d.notices()[0].message,
            "hung task (3); elsewhere 0 of 10. One cause is likely: look at what they share first");
  d.hang("w4");
  d.share({"w1", "w2", "w3", "w4"});
  d.pass(1s);
  EXPECT_EQ(d.notices().size(), 1u) << "later members join silently";
  EXPECT_EQ(d.open()[0].title, "4 of 4 workers with version 2.0 are ill");
  for (const char* id : {"w1", "w2", "w3", "w4"}) d.hang(id, false);
  EXPECT_TRUE(d.alerting.ill_workers().empty());
  d.share({});
  d.pass(1s);
  EXPECT_TRUE(d.open().empty());
  EXPECT_EQ(d.notices().size(), 2u) << "its end";
}

TEST(SharedCauseIncident, the_first_worker_s_incident_goes_on_as_that_of_the_cause) {
  SharedDesk d;
  d.hang("w1");
  d.pass(1s);
  const std::string first = d.open()[0].id;
  d.hang("w2");
  d.pass(1s);
  ASSERT_EQ(d.open().size(), 2u);
  d.hang("w3");
  d.share({"w1", "w2", "w3"});
  d.pass(1s);
  ASSERT_EQ(d.open().size(), 1u);
  EXPECT_EQ(d.open()[0].id, first) << "who heard of w1 hears the rest of the same story";
  EXPECT_EQ(d.open()[0].scope, "cause/version/2.0");
  EXPECT_EQ(d.open()[0].alert_keys.size(), 4u) << "three symptoms and the cause";
  for (const Alert& a : d.alerting.alerts()) EXPECT_EQ(a.incident_id, first) << a.key;
  const auto all = d.alerting.incidents();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].scope, "worker/w2");
  EXPECT_NE(all[1].timeline.back().text.find("goes on in incident " + first), std::string::npos);
}

TEST(SharedCauseIncident, crashes_join_too_and_stay_information) {
  SharedDesk d;
  for (const char* id : {"w1", "w2", "w3"}) {
    d.worker(id);
    d.crash(id);
  }
  d.settle();
  d.share({"w1", "w2", "w3"});
  d.pass(1s);
  ASSERT_EQ(d.open().size(), 1u);
  EXPECT_EQ(d.open()[0].severity, Severity::info);
}

TEST(Alerting, a_cure_that_was_under_way_holds_its_incident_open_after_a_restart_of_the_monitor) {
  Desk d;
  d.finding("w1", "heartbeat", FindingStatus::critical, Reason::stopped);
  d.pass(1s);
  LedgerState state;
  state.alerts = d.alerting.alerts();
  state.incidents = d.open();
  ASSERT_EQ(state.incidents.size(), 1u);
  ActionRecord action;
  action.worker_id = "w1";
  action.state = ActionState::running;
  state.actions.push_back(action);
  Desk after;
  after.alerting.restore(state, after.clock.now());
  after.finding("w1", "heartbeat", FindingStatus::healthy);
  after.pass(1h);
  EXPECT_EQ(after.open().size(), 1u) << "well, but not proven";
  after.note("w1", TimelineKind::verified, false);
  after.pass(1s);
  EXPECT_TRUE(after.open().empty());
}

TEST(SharedCauseIncident, survives_a_restart_of_the_monitor_and_is_not_told_again) {
  SharedDesk d;
  for (const char* id : {"w1", "w2", "w3"}) d.hang(id);
  d.share({"w1", "w2", "w3"});
  d.pass(1s);
  LedgerState state;
  state.alerts = d.alerting.alerts();
  state.incidents = d.open();
  SharedDesk after;
  after.alerting.restore(state, after.clock.now());
  for (const char* id : {"w1", "w2", "w3"}) after.hang(id);
  after.share({"w1", "w2", "w3"});
  after.pass(1s);
  ASSERT_EQ(after.open().size(), 1u);
  EXPECT_EQ(after.open()[0].id, d.open()[0].id);
  EXPECT_TRUE(after.notices().empty());
  for (const char* id : {"w1", "w2", "w3"}) after.hang(id, false);
  after.share({});
  after.pass(1s);
  EXPECT_TRUE(after.open().empty());
}

TEST(SharedCauseIncident, an_outage_that_was_seen_explains_before_a_cause_that_is_inferred) {
  SharedDesk d;
  for (const char* id : {"w1", "w2", "w3"})
    d.finding(id, "queue_connection", FindingStatus::critical, Reason::disconnected);
  EXPECT_EQ(d.alerting.ill_workers().size(), 3u);
  d.outage(true, true);
  EXPECT_TRUE(d.alerting.ill_workers().empty());
}

TEST(Alerting, a_symptom_that_outlives_the_outage_speaks_for_itself) {
  Desk d;
  d.finding("w1", "heartbeat", FindingStatus::healthy);
  d.outage(true);
  d.finding("w1", "heartbeat", FindingStatus::critical, Reason::silent);
  d.pass(30s);
  d.outage(false);
  d.pass(3s);
  ASSERT_EQ(d.notices().size(), 1u);
  EXPECT_EQ(d.notices()[0].worker_id, "w1");
}

TEST(Alerting, a_broker_outage_explains_connections_but_not_hung_tasks_or_crashes) {
  Desk d;
  for (const std::string id : {"w1", "w2", "w3"})
    d.finding(id, "queue_connection", FindingStatus::critical, Reason::disconnected);
  d.pass(1s);
  d.outage(true, true);
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.crash("w2");
  d.pass(10s);
  std::set<Reason> told;
  for (const Alert& a : d.notices()) told.insert(a.reason);
  EXPECT_EQ(d.notices().size(), 3u);
  EXPECT_EQ(told, (std::set<Reason>{Reason::exited, Reason::broker_down, Reason::hung_task}));
}

TEST(Alerting, maintenance_mutes_and_what_still_holds_fires_afterwards) {
  Desk d;
  d.worker("w1").muted = true;
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.alerting.update_pool("q", {{.reason = Reason::pool_empty, .status = FindingStatus::critical}}, true, d.clock.now());
  d.pass(1h);
  EXPECT_TRUE(d.notices().empty());
  d.facts.at("w1").muted = false;
  d.alerting.update_worker(d.facts.at("w1"), d.clock.now());
  d.alerting.update_pool("q", {{.reason = Reason::pool_empty, .status = FindingStatus::critical}}, false,
                         d.clock.now());
  d.settle();
  EXPECT_EQ(d.notices().size(), 2u);
}

TEST(Alerting, gone_and_announced_ends_close_as_what_they_are) {
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.note("w1", TimelineKind::acted, true);
  d.pass(1s);
  d.alerting.close_worker("w1", "gone", d.clock.now());
  d.alerting.close_worker("nobody", "gone", d.clock.now());
  d.settle();
  EXPECT_TRUE(d.open().empty());
  EXPECT_EQ(d.notices().back().closed_as, "gone");
}

TEST(Alerting, a_failing_check_is_one_alert_about_the_monitor) {
  Desk d;
  for (int i = 0; i < 50; ++i) d.finding("w" + std::to_string(i), "heartbeat", FindingStatus::error);
  d.pass(1s);
  ASSERT_EQ(d.notices().size(), 1u);
  EXPECT_EQ(d.notices()[0].key, "monitor/check_failed");
  for (int i = 0; i < 49; ++i) d.finding("w" + std::to_string(i), "heartbeat", FindingStatus::healthy);
  d.pass(1s);
  EXPECT_EQ(d.open().size(), 1u);
  d.alerting.close_worker("w49", "gone", d.clock.now());
  d.settle();
  EXPECT_TRUE(d.open().empty());
}

TEST(Alerting, the_monitor_speaks_of_itself) {
  Desk d;
  d.alerting.update_monitor(Reason::monitor_lag, true, Severity::warning, "rounds are 3 s late", d.clock.now());
  d.pass(1s);
  ASSERT_EQ(d.notices().size(), 1u);
  EXPECT_EQ(d.notices()[0].key, "monitor/monitor_lag");
  EXPECT_EQ(d.open()[0].scope, "monitor");
  d.alerting.update_monitor(Reason::monitor_lag, false, Severity::warning, "", d.clock.now());
  d.settle();
  EXPECT_TRUE(d.open().empty());
}

TEST(Alerting, keep_firing_for_bridges_a_flapping_condition) {
  Desk d;
  AlertingConfig c;
  c.keep_firing_for = 5min;
  d.alerting.set_config(c);
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.pass(1s);
  d.finding("w1", "task_performance", FindingStatus::healthy);
  d.pass(4min);
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.pass(4min);
  EXPECT_EQ(d.notices().size(), 1u);
  d.finding("w1", "task_performance", FindingStatus::healthy);
  d.pass(5min);
  EXPECT_EQ(d.notices().size(), 2u);
}

TEST(AlertingRestore, continues_the_story_without_telling_it_again) {
  Desk a;
  a.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  a.alerting.update_pool("p", {{.reason = Reason::pool_empty, .status = FindingStatus::critical}}, false,
                         a.clock.now());
  a.pass(1s);
  LedgerState state;
  std::map<std::string, Incident> incidents;
  std::map<std::string, Alert> alerts;
  for (const auto& e : a.out.ledger) {
    if (const auto* i = std::get_if<Incident>(&e.body)) incidents[i->id] = *i;
    if (const auto* i = std::get_if<Alert>(&e.body)) alerts[i->key] = *i;
  }
  for (const auto& [id, i] : incidents) state.incidents.push_back(i);
  for (const auto& [id, i] : alerts) state.alerts.push_back(i);
  Incident orphan;
  orphan.id = "inc-orphan";
  orphan.scope = "worker/w9";
  state.incidents.push_back(orphan);
  Desk b;
  b.alerting.restore(state, b.clock.now());
  EXPECT_EQ(b.open().size(), 2u);
  b.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  b.pass(1min);
  EXPECT_TRUE(b.notices().empty());
  b.finding("w1", "task_performance", FindingStatus::healthy);
  b.alerting.update_pool("p", {}, false, b.clock.now());
  b.settle();
  EXPECT_EQ(b.notices().size(), 2u);
  EXPECT_TRUE(b.open().empty());
}

TEST(AlertingConfig, reads_its_keys) {
  Params node = Params::map();
  node.set("keep_firing_for", Params::of("5m")).set("nonsense", Params::of("1"));
  Problems problems;
  EXPECT_EQ(parse_alerting_config(&node, "alerting", problems).keep_firing_for, 5min);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].key, "alerting.nonsense");
}

TEST(Incidents, have_the_same_id_in_a_replay_and_a_bounded_timeline) {
  EXPECT_EQ(make_incident_id("worker/w1", WallTime{5s}), make_incident_id("worker/w1", WallTime{5s}));
  EXPECT_NE(make_incident_id("worker/w1", WallTime{5s}), make_incident_id("worker/w2", WallTime{5s}));
  Desk d;
  d.finding("w1", "task_performance", FindingStatus::critical, Reason::hung_task);
  d.pass(1s);
  for (int i = 0; i < 1000; ++i) d.note("w1", TimelineKind::held);
  const auto timeline = d.open()[0].timeline;
  EXPECT_EQ(timeline.size(), 200u);
  EXPECT_EQ(timeline.front().kind, TimelineKind::detected);
}

// Whatever comes: each firing alert has an open incident that names it, no open incident is empty, and for each key
// firing and resolved notices alternate (raises aside) and end resolved when all is well.
RC_GTEST_PROP(AlertingProperty, every_story_has_one_end, ()) {
  Desk d;
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 9), rc::gen::inRange(0, 4), rc::gen::inRange(0, 4000)));
  const auto check = [&] {
    const auto open = d.open();
    for (const Alert& a : d.alerting.alerts())
      RC_ASSERT(std::any_of(open.begin(), open.end(), [&](const Incident& i) {
        return i.id == a.incident_id && std::count(i.alert_keys.begin(), i.alert_keys.end(), a.key) == 1;
      }));
    for (const Incident& i : open) RC_ASSERT(!i.alert_keys.empty());
  };
  for (const auto& [what, who, ms] : steps) {
    const std::string id = "w" + std::to_string(who);
    const auto status = ms % 3 == 0 ? FindingStatus::warning : FindingStatus::critical;
    switch (what) {
      case 0:
        d.finding(id, "task_performance", status, Reason::hung_task);
        break;
      case 1:
        d.finding(id, "task_performance", FindingStatus::healthy);
        break;
      case 2:
        d.finding(id, "queue_connection", status, Reason::disconnected);
        break;
      case 3:
        d.finding(id, "queue_connection", ms % 2 ? FindingStatus::healthy : FindingStatus::unknown);
        break;
      case 4:
        d.outage(ms % 2, who % 2);
        break;
      case 5:
        d.crash(id, ms % 2 ? Severity::info : Severity::critical, ms % 5 != 0);
        break;
      case 6:
        d.note(id, TimelineKind::acted, ms % 2 == 0);
        break;
      case 7:
        d.worker(id).muted = ms % 2;
        d.alerting.update_worker(d.worker(id), d.clock.now());
        break;
      case 8:
        d.alerting.close_worker(id, "gone", d.clock.now());
        break;
    }
    d.settle();
    check();
    d.pass(std::chrono::milliseconds(ms));
    check();
  }
  d.outage(false, false);
  d.outage(false, true);
  for (int who = 0; who < 4; ++who) {
    const std::string id = "w" + std::to_string(who);
    d.worker(id).muted = false;
    d.note(id, TimelineKind::verified, false);
    d.crash(id, Severity::info, false);
    for (const std::string_view c : {"task_performance", "queue_connection"}) d.finding(id, c, FindingStatus::healthy);
  }
  d.pass(1min);
  RC_ASSERT(d.alerting.alerts().empty());
  RC_ASSERT(d.open().empty());
  std::map<std::string, AlertState> last;
  for (const Alert& a : d.notices()) {
    if (a.state == AlertState::resolved) RC_ASSERT(last.contains(a.key) && last[a.key] == AlertState::firing);
    last[a.key] = a.state;
  }
  for (const auto& [key, state] : last) RC_ASSERT(state == AlertState::resolved);
}

}  // namespace
}  // namespace paramedic
