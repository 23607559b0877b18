#include "core/alerting/rules.h"

#include <gtest/gtest.h>

#include "core/alerting/rule_tests.h"

namespace paramedic {
namespace {

Params s(std::string text) { return Params::of(std::move(text)); }
Params map(std::initializer_list<std::pair<const char*, Params>> members) {
  Params out = Params::map();
  for (const auto& [key, value] : members) out.set(key, value);
  return out;
}
Params list(std::initializer_list<Params> items) {
  Params out;
  out.kind = Params::Kind::list;
  out.items = items;
  return out;
}
Params over(const char* metric, const char* above) { return map({{"metric", s(metric)}, {"above", s(above)}}); }

RuleSet rules_of(std::initializer_list<Params> rules) {
  Problems problems;
  const Params node = list(rules);
  RuleSet set = parse_rules(&node, "rules", problems);
  for (const Problem& p : problems) ADD_FAILURE() << p.to_string();
  return set;
}
Params rule(const char* name, Params when, std::initializer_list<std::pair<const char*, Params>> more = {}) {
  Params out = map({{"name", s(name)}, {"when", std::move(when)}});
  for (const auto& [key, value] : more) out.set(key, value);
  return out;
}

struct Scene {
  explicit Scene(RuleSet set) : rules(std::move(set)) {}
  explicit Scene(std::initializer_list<Params> set) : rules(rules_of(set)) {}

  ManualClock clock;
  Rules rules;
  std::map<std::string, AlertWish> firing;
  std::vector<AlertWish> wishes;

  struct WorkerState_ {
    std::string pool = "p", host = "h1", source = "agent/h1";
    Status status = Status::healthy;
    WorkerState state = WorkerState::running;
    Labels labels;
    std::map<std::string, double> metrics;
    std::vector<Finding> findings;
    NamedValues anomalies, forecasts;
  };
  std::map<std::string, WorkerState_> workers;

  WorkerState_& worker(const std::string& id) { return workers[id]; }
  void tell(const std::string& id) {
    const WorkerState_& w = workers[id];
    MetricNames names;
    MetricSet metrics;
    for (const auto& [name, value] : w.metrics) {
      names.push_back(name);
      metrics.values.push_back(value);
    }
    metrics.names = std::make_shared<const MetricNames>(names);
    RuleWorkerFacts f{id, w.pool, w.host, "v1", w.source, &w.labels, w.state, w.status, &w.findings, &metrics};
    f.anomalies = &w.anomalies;
    f.forecasts = &w.forecasts;
    rules.update_worker(f, clock.now());
  }
  void metric(const std::string& id, const std::string& name, double value) {
    worker(id).metrics[name] = value;
    tell(id);
    settle();
  }
  void status(const std::string& id, Status status) {
    worker(id).status = status;
    tell(id);
    settle();
  }
  void settle() {
    std::vector<AlertWish> out;
    rules.settle(clock.now(), out);
    for (const AlertWish& w : out) {
      if (w.on)
        firing.insert_or_assign(w.key, w);
      else
        firing.erase(w.key);
      wishes.push_back(w);
    }
  }
  void pass(Duration d) {
    clock.advance(d);
    settle();
  }
  bool fires(const std::string& key) const { return firing.contains("rule/" + key); }
};

TEST(Rules, a_metric_over_its_threshold_fires_and_clears_below_the_clear_threshold) {
  Scene scene{rule("hot", map({{"metric", s("cpu_percent")}, {"above", s("90")}, {"clear", s("80")}}))};
  scene.metric("w1", "cpu_percent", 90);
  EXPECT_FALSE(scene.fires("hot/w1"));  // above, not at
  scene.metric("w1", "cpu_percent", 91);
  EXPECT_TRUE(scene.fires("hot/w1"));
  scene.metric("w1", "cpu_percent", 85);
  EXPECT_TRUE(scene.fires("hot/w1"));
  scene.metric("w1", "cpu_percent", 80);
  EXPECT_FALSE(scene.fires("hot/w1"));
  EXPECT_EQ(scene.wishes.back().closed_as, "recovered");
  scene.metric("w1", "cpu_percent", 85);
  EXPECT_FALSE(scene.fires("hot/w1"));
}

TEST(Rules, below_works_the_other_way_round) {
  Scene scene{rule("idle", map({{"metric", s("tasks_per_minute")}, {"below", s("1")}, {"clear", s("5")}}))};
  scene.metric("w1", "tasks_per_minute", 0.5);
  EXPECT_TRUE(scene.fires("idle/w1"));
  scene.metric("w1", "tasks_per_minute", 4);
  EXPECT_TRUE(scene.fires("idle/w1"));
  scene.metric("w1", "tasks_per_minute", 5);
  EXPECT_FALSE(scene.fires("idle/w1"));
}

TEST(Rules, missing_data_neither_fires_nor_resolves) {
  Scene scene{rule("hot", over("cpu_percent", "90")), rule("cool", map({{"not", over("cpu_percent", "90")}}))};
  scene.tell("w1");
  scene.settle();
  EXPECT_TRUE(scene.firing.empty());  // not (no data) is no data
  scene.metric("w1", "cpu_percent", 95);
  EXPECT_TRUE(scene.fires("hot/w1"));
  scene.worker("w1").metrics.clear();
  scene.tell("w1");
  scene.pass(10min);
  EXPECT_TRUE(scene.fires("hot/w1"));
  EXPECT_FALSE(scene.fires("cool/w1"));
  scene.metric("w1", "cpu_percent", 10);
  EXPECT_FALSE(scene.fires("hot/w1"));
  EXPECT_TRUE(scene.fires("cool/w1"));
}

TEST(Rules, all_and_any_follow_the_three_truths) {
  const auto yes = [] { return map({{"status", s("healthy")}}); };
  const auto no = [] { return map({{"status", s("critical")}}); };
  const auto unknown = [] { return over("absent", "1"); };
  Scene scene{rule("a1", map({{"all", list({yes(), unknown()})}})), rule("a2", map({{"all", list({no(), unknown()})}})),
              rule("o1", map({{"any", list({yes(), unknown()})}})),
              rule("o2", map({{"any", list({no(), unknown()})}}))};
  scene.tell("w1");
  std::map<std::string, Truth> truths;
  for (const auto& match : scene.rules.matches()) truths[match.rule] = match.truth;
  EXPECT_EQ(truths["a1"], Truth::no_data);
  EXPECT_FALSE(truths.contains("a2"));  // false whatever the unknown part is
  EXPECT_EQ(truths["o1"], Truth::yes);
  EXPECT_EQ(truths["o2"], Truth::no_data);
}

TEST(Rules, for_and_keep_firing_for_are_waited_out) {
  Scene scene{rule("hot", over("cpu_percent", "90"), {{"for", s("2m")}, {"keep_firing_for", s("1m")}})};
  scene.metric("w1", "cpu_percent", 95);
  EXPECT_EQ(scene.rules.next_deadline(), scene.clock.now().steady + 2min);
  scene.pass(119s);
  EXPECT_FALSE(scene.fires("hot/w1"));
  scene.pass(1s);
  EXPECT_TRUE(scene.fires("hot/w1"));
  scene.metric("w1", "cpu_percent", 50);
  EXPECT_TRUE(scene.fires("hot/w1"));
  scene.pass(30s);
  scene.metric("w1", "cpu_percent", 95);  // it is back: the end is not waited for any more
  scene.pass(5min);
  EXPECT_TRUE(scene.fires("hot/w1"));
  scene.metric("w1", "cpu_percent", 50);
  scene.pass(1min);
  EXPECT_FALSE(scene.fires("hot/w1"));
  EXPECT_EQ(scene.rules.next_deadline(), std::nullopt);
}

TEST(Rules, time_without_data_does_not_count_for_the_wait) {
  Scene scene{rule("hot", over("cpu_percent", "90"), {{"for", s("2m")}})};
  scene.metric("w1", "cpu_percent", 95);
  scene.pass(90s);
  scene.worker("w1").metrics.clear();
  scene.tell("w1");
  scene.pass(5min);
  scene.metric("w1", "cpu_percent", 95);
  EXPECT_FALSE(scene.fires("hot/w1"));
  scene.pass(2min);
  EXPECT_TRUE(scene.fires("hot/w1"));
}

TEST(Rules, a_status_that_is_unknown_is_no_data_unless_it_is_asked_for) {
  Scene scene{rule("ill", map({{"status", list({s("critical"), s("warning")})}})),
              rule("blind", map({{"status", s("unknown")}}))};
  scene.status("w1", Status::critical);
  EXPECT_TRUE(scene.fires("ill/w1"));
  scene.status("w1", Status::unknown);
  EXPECT_TRUE(scene.fires("ill/w1"));
  EXPECT_TRUE(scene.fires("blind/w1"));
  scene.status("w1", Status::healthy);
  EXPECT_TRUE(scene.firing.empty());
}

TEST(Rules, a_check_is_matched_by_finding_and_reason) {
  Scene scene{rule("quiet", map({{"check", s("heartbeat")}, {"reason", s("silent")}, {"finding", s("critical")}})),
              rule("heart", map({{"check", s("heartbeat")}}))};
  auto& w = scene.worker("w1");
  w.findings = {{.check = "heartbeat", .status = FindingStatus::critical}};
  w.findings[0].causes = {
      {.reason = Reason::blocked, .status = FindingStatus::critical, .value = 70, .limit = 60, .unit = "s"}};
  scene.tell("w1");
  scene.settle();
  EXPECT_FALSE(scene.fires("quiet/w1"));
  EXPECT_TRUE(scene.fires("heart/w1"));
  w.findings[0].causes[0].reason = Reason::silent;
  scene.tell("w1");
  scene.settle();
  EXPECT_TRUE(scene.fires("quiet/w1"));
  EXPECT_EQ(scene.firing["rule/quiet/w1"].message, "check heartbeat (silent) is critical: 70 s (limit 60 s)");
  w.findings[0] = {.check = "heartbeat", .status = FindingStatus::unknown};
  scene.tell("w1");
  scene.settle();
  EXPECT_TRUE(scene.fires("quiet/w1"));
}

TEST(Rules, a_rate_of_change_needs_half_its_window) {
  Scene scene{rule("leak", map({{"rate", s("memory_mb")}, {"over", s("10m")}, {"per", s("1h")}, {"above", s("100")}}))};
  double mb = 100;
  for (int i = 0; i < 9; ++i) {  // 4 min: nothing is known yet
    scene.metric("w1", "memory_mb", mb += 5);
    scene.pass(30s);
  }
  EXPECT_TRUE(scene.firing.empty());
  for (int i = 0; i < 3; ++i) {
    scene.metric("w1", "memory_mb", mb += 5);
    scene.pass(30s);
  }
  ASSERT_TRUE(scene.fires("leak/w1"));  // 5 MiB per 30 s = 600 per hour
  EXPECT_NE(scene.firing["rule/leak/w1"].message.find("600"), std::string::npos);
  for (int i = 0; i < 30; ++i) {
    scene.metric("w1", "memory_mb", mb);
    scene.pass(30s);
  }
  EXPECT_FALSE(scene.fires("leak/w1"));
}

TEST(Rules, anomaly_and_forecast_are_no_data_without_a_model) {
  Scene scene{rule("odd", map({{"anomaly", s("cpu_percent")}, {"above", s("4")}})),
              rule("soon", map({{"forecast", s("disk_percent")}, {"within", s("4h")}, {"clear", s("6h")}}))};
  scene.tell("w1");
  scene.settle();
  ASSERT_EQ(scene.rules.matches().size(), 2u);
  EXPECT_EQ(scene.rules.matches()[0].truth, Truth::no_data);
  scene.worker("w1").anomalies = {{"cpu_percent", 5}};
  scene.worker("w1").forecasts = {{"disk_percent", 3600}};
  scene.tell("w1");
  scene.settle();
  EXPECT_TRUE(scene.fires("odd/w1"));
  EXPECT_TRUE(scene.fires("soon/w1"));
  EXPECT_EQ(scene.firing["rule/soon/w1"].message, "disk_percent is forecast to cross its limit in 1h");
  scene.worker("w1").forecasts = {{"disk_percent", 5 * 3600}};
  scene.tell("w1");
  scene.settle();
  EXPECT_TRUE(scene.fires("soon/w1"));
  scene.worker("w1").forecasts = {{"disk_percent", 7 * 3600}};
  scene.tell("w1");
  scene.settle();
  EXPECT_FALSE(scene.fires("soon/w1"));
}

TEST(Rules, labels_select_workers_by_pattern) {
  Scene scene{rule(
      "zone", map({{"all", list({map({{"labels", map({{"zone", list({s("eu-*"), s("us-1")})}, {"host", s("h1")}})}}),
                                 map({{"status", s("critical")}})})}}))};
  scene.worker("w1").labels = {{"zone", "eu-2"}};
  scene.worker("w2").labels = {{"zone", "ap-1"}};
  scene.worker("w3").labels = {{"zone", "us-1"}};
  scene.worker("w3").host = "h2";
  for (const char* id : {"w1", "w2", "w3"}) scene.status(id, Status::critical);
  EXPECT_EQ(scene.firing.size(), 1u);
  EXPECT_TRUE(scene.fires("zone/w1"));
  EXPECT_EQ(scene.firing["rule/zone/w1"].labels, (Labels{{"zone", "eu-2"}}));
}

TEST(Rules, a_share_of_a_pool_is_counted_as_workers_change) {
  Scene scene{rule(
      "ill",
      map({{"share", map({{"of", map({{"status", s("critical")}})},
                          {"above", s("20")},
                          {"clear", s("10")},
                          {"min_workers", s("5")}})}}),
      {{"for_each", s("pool")},
       {"pools", list({s("thumbs")})},
       {"severity", s("critical")},
       {"annotations", map({{"summary", s("{{ count }} of {{ total }} of {{ pool }}: {{ value }} > {{ limit }}")}})}})};
  for (int i = 0; i < 10; ++i) {
    scene.worker("t" + std::to_string(i)).pool = "thumbs";
    scene.worker("o" + std::to_string(i)).pool = "other";
    scene.status("t" + std::to_string(i), Status::healthy);
    scene.status("o" + std::to_string(i), Status::critical);
  }
  EXPECT_TRUE(scene.firing.empty());
  scene.status("t0", Status::critical);
  scene.status("t1", Status::critical);
  EXPECT_TRUE(scene.firing.empty());  // 20 % is not more than 20 %
  scene.status("t2", Status::critical);
  ASSERT_TRUE(scene.fires("ill/thumbs"));
  EXPECT_EQ(scene.firing["rule/ill/thumbs"].title, "3 of 10 of thumbs: 30 > 20");
  EXPECT_EQ(scene.firing["rule/ill/thumbs"].pool, "thumbs");
  scene.status("t2", Status::unknown);  // not known: not counted, 2 of 9 are more than 10 %
  EXPECT_TRUE(scene.fires("ill/thumbs"));
  scene.status("t1", Status::healthy);
  EXPECT_TRUE(scene.fires("ill/thumbs"));  // 1 of 9
  scene.status("t2", Status::healthy);
  EXPECT_FALSE(scene.fires("ill/thumbs"));  // 1 of 10
}

TEST(Rules, a_share_of_the_fleet_forgets_who_left_and_a_pool_without_workers_is_gone) {
  const auto share = [] {
    return map({{"share", map({{"of", map({{"status", s("critical")}})}, {"above", s("50")}})}});
  };
  Scene scene{rule("fleet", share(), {{"for_each", s("fleet")}}), rule("pool", share(), {{"for_each", s("pool")}})};
  scene.status("w1", Status::critical);
  scene.status("w2", Status::critical);
  scene.status("w3", Status::healthy);
  EXPECT_TRUE(scene.fires("fleet/fleet"));
  scene.rules.remove_worker("w1", "gone", scene.clock.now());
  scene.settle();
  EXPECT_FALSE(scene.fires("fleet/fleet"));  // 1 of 2
  scene.status("w3", Status::critical);
  EXPECT_TRUE(scene.fires("pool/p"));
  for (const char* id : {"w2", "w3"}) scene.rules.remove_worker(id, "gone", scene.clock.now());
  scene.settle();
  EXPECT_FALSE(scene.fires("pool/p"));
  EXPECT_EQ(scene.wishes.back().closed_as, "gone");
}

TEST(Rules, pool_findings_source_and_monitor_state_are_watched) {
  Scene scene{
      rule("stalled", map({{"pool_finding", list({s("queue_stalled"), s("pool_empty")})}}), {{"for_each", s("pool")}}),
      rule("deep", over("queue_ready", "1000"), {{"for_each", s("pool")}}),
      rule("away", map({{"source", list({s("silent"), s("disconnected")})}}), {{"for_each", s("source")}}),
      rule("its_source", map({{"source", s("disconnected")}})),
      rule("redis", map({{"source", s("disconnected")}, {"source_id", s("redis-a")}}), {{"for_each", s("fleet")}}),
      rule("lagging", map({{"monitor", s("monitor_lag")}}), {{"for_each", s("fleet")}}),
      rule("many", over("critical", "2"), {{"for_each", s("fleet")}})};
  const Now now = scene.clock.now();
  std::vector<Cause> findings{{.reason = Reason::queue_stalled, .status = FindingStatus::critical}};
  scene.rules.update_pool({"p", &findings, {{"queue_ready", 1500}}}, now);
  scene.rules.update_source({"agent/h1", "h1", SourceState::connected}, now);
  scene.tell("w1");
  scene.rules.update_source({"agent/h1", "h1", SourceState::disconnected}, now);
  scene.rules.update_source({"redis-a", "", SourceState::disconnected}, now);
  scene.rules.update_monitor(Reason::monitor_lag, true, now);
  scene.rules.update_fleet({{"critical", 3}}, now);
  scene.settle();
  for (const char* key : {"stalled/p", "deep/p", "away/agent/h1", "away/redis-a", "its_source/w1", "redis/fleet",
                          "lagging/fleet", "many/fleet"})
    EXPECT_TRUE(scene.fires(key)) << key;
  EXPECT_EQ(scene.firing["rule/away/agent/h1"].host, "h1");
  findings.clear();
  scene.rules.update_pool({"p", &findings, {{"queue_ready", 10}}}, now);
  scene.rules.update_source({"agent/h1", "h1", SourceState::connected}, now);
  scene.rules.update_source({"redis-a", "", SourceState::connected}, now);
  scene.rules.update_monitor(Reason::monitor_lag, false, now);
  scene.rules.update_fleet({{"critical", 0}}, now);
  scene.settle();
  EXPECT_TRUE(scene.firing.empty());
}

TEST(Rules, a_pool_finding_in_a_rule_for_workers_is_of_their_pool) {
  Scene scene{rule(
      "both", map({{"all", list({map({{"status", s("critical")}}), map({{"pool_finding", s("queue_stalled")}})})}}))};
  std::vector<Cause> findings;
  scene.rules.update_pool({"p", &findings, {}}, scene.clock.now());
  scene.status("w1", Status::critical);
  scene.status("w2", Status::healthy);
  EXPECT_TRUE(scene.firing.empty());
  findings.push_back({.reason = Reason::queue_stalled, .status = FindingStatus::critical});
  scene.rules.update_pool({"p", &findings, {}}, scene.clock.now());
  scene.settle();
  EXPECT_EQ(scene.firing.size(), 1u);
  EXPECT_TRUE(scene.fires("both/w1"));
}

TEST(Rules, values_that_no_rule_watches_evaluate_nothing) {
  Scene scene{rule("hot", over("cpu_percent", "90")), rule("ill", map({{"status", s("critical")}})),
              rule("pool", map({{"share", map({{"of", over("memory_mb", "9000")}, {"above", s("50")}})}}),
                   {{"for_each", s("pool")}})};
  for (int i = 0; i < 50; ++i) scene.metric("w" + std::to_string(i), "cpu_percent", 10);
  const auto before = scene.rules.stats().evaluations;
  for (int round = 0; round < 100; ++round)
    for (int i = 0; i < 50; ++i) scene.metric("w" + std::to_string(i), "disk_percent", round);
  EXPECT_EQ(scene.rules.stats().evaluations - before, 0u);
  scene.metric("w1", "cpu_percent", 11);
  EXPECT_EQ(scene.rules.stats().evaluations - before, 1u);
}

TEST(Rules, the_alerts_of_one_rule_are_bounded_and_counted) {
  Scene scene{rule("ill", map({{"status", s("critical")}}))};
  for (std::size_t i = 0; i < kMaxRuleAlerts + 7; ++i) {
    scene.worker("w" + std::to_string(i)).status = Status::critical;
    scene.tell("w" + std::to_string(i));
  }
  scene.settle();
  EXPECT_EQ(scene.firing.size(), kMaxRuleAlerts);
  EXPECT_EQ(scene.rules.stats().cut, 7u);
}

TEST(Rules, a_stop_on_purpose_and_a_forgotten_worker_end_their_alerts) {
  Scene scene{rule("ill", map({{"status", s("critical")}}), {{"keep_firing_for", s("1h")}})};
  scene.status("w1", Status::critical);
  scene.status("w2", Status::critical);
  scene.worker("w1").state = WorkerState::stopped;
  scene.tell("w1");
  scene.rules.remove_worker("w2", "gone", scene.clock.now());
  scene.settle();
  EXPECT_TRUE(scene.firing.empty());
  ASSERT_GE(scene.wishes.size(), 4u);
  EXPECT_EQ(scene.wishes[2].closed_as, "announced_stop");
  EXPECT_EQ(scene.wishes[3].closed_as, "gone");
  EXPECT_EQ(scene.rules.next_deadline(), std::nullopt);
}

TEST(Rules, annotations_are_filled_and_follow_the_value_once_a_minute) {
  Scene scene{
      rule("hot", over("cpu_percent", "90"),
           {{"severity", s("critical")},
            {"labels", map({{"team", s("media")}})},
            {"runbook", s("https://wiki/hot")},
            {"annotations",
             map({{"summary", s("{{worker}} of {{ pool }} on {{ host }} ({{ label.zone }})")},
                  {"description", s("CPU {{ value }} > {{ limit }} since {{ since }}, see {{ runbook }}")}})}})};
  scene.worker("w1").labels = {{"zone", "a"}, {"team", "theirs"}};
  scene.metric("w1", "cpu_percent", 95.25);
  const AlertWish& wish = scene.firing["rule/hot/w1"];
  EXPECT_EQ(wish.title, "w1 of p on h1 (a)");
  EXPECT_TRUE(wish.message.starts_with("CPU 95.25 > 90 since ")) << wish.message;
  EXPECT_TRUE(wish.message.ends_with("see https://wiki/hot"));
  EXPECT_EQ(wish.severity, Severity::critical);
  EXPECT_EQ(wish.reason, Reason::rule);
  EXPECT_EQ(wish.worker_id, "w1");
  EXPECT_EQ(wish.labels, (Labels{{"team", "media"}, {"zone", "a"}}));
  EXPECT_EQ(wish.annotations.back(), std::make_pair(std::string("runbook_url"), std::string("https://wiki/hot")));
  const auto told = scene.wishes.size();
  scene.metric("w1", "cpu_percent", 96);
  EXPECT_EQ(scene.wishes.size(), told);
  scene.pass(60s);
  scene.metric("w1", "cpu_percent", 97);
  EXPECT_EQ(scene.wishes.size(), told + 1);
  EXPECT_NE(scene.firing["rule/hot/w1"].message.find("97"), std::string::npos);
}

// ---- reload and restart
// ------------------------------------------------------------------------------------------------

TEST(RulesReload, unchanged_rules_keep_pending_and_firing_states) {
  const auto hot = [] { return rule("hot", over("cpu_percent", "90"), {{"for", s("2m")}}); };
  Scene scene{hot()};
  scene.metric("w1", "cpu_percent", 95);
  scene.pass(1min);
  scene.metric("w2", "cpu_percent", 95);
  scene.pass(1min);
  EXPECT_TRUE(scene.fires("hot/w1"));
  const auto told = scene.wishes.size();
  scene.rules.configure(rules_of({rule("new", map({{"status", s("critical")}})), hot()}), scene.clock.now());
  scene.tell("w1");
  scene.tell("w2");
  scene.settle();
  EXPECT_EQ(scene.wishes.size(), told);  // nothing ended, nothing was told twice
  scene.pass(59s);
  EXPECT_FALSE(scene.fires("hot/w2"));
  scene.pass(1s);
  EXPECT_TRUE(scene.fires("hot/w2"));  // two minutes since it began, over the reload
  scene.metric("w1", "cpu_percent", 10);
  EXPECT_FALSE(scene.fires("hot/w1"));
}

TEST(RulesReload, a_changed_rule_keeps_its_firing_alert_until_the_new_text_says_otherwise) {
  Scene scene{rule("hot", over("cpu_percent", "90"))};
  scene.metric("w1", "cpu_percent", 95);
  scene.metric("w2", "cpu_percent", 92);
  scene.rules.configure(rules_of({rule("hot", over("cpu_percent", "93"), {{"severity", s("critical")}})}),
                        scene.clock.now());
  scene.settle();
  EXPECT_TRUE(scene.fires("hot/w1") && scene.fires("hot/w2"));
  scene.tell("w1");
  scene.tell("w2");
  scene.settle();
  EXPECT_TRUE(scene.fires("hot/w1"));
  EXPECT_EQ(scene.firing["rule/hot/w1"].severity, Severity::critical);
  EXPECT_FALSE(scene.fires("hot/w2"));
}

TEST(RulesReload, alerts_of_removed_rules_end_and_shares_are_counted_anew) {
  const auto share = [] {
    return rule("pool", map({{"share", map({{"of", map({{"status", s("critical")}})}, {"above", s("40")}})}}),
                {{"for_each", s("pool")}});
  };
  Scene scene{rule("ill", map({{"status", s("critical")}})), share()};
  scene.status("w1", Status::critical);
  scene.status("w2", Status::healthy);
  EXPECT_TRUE(scene.fires("ill/w1") && scene.fires("pool/p"));
  scene.rules.configure(rules_of({share()}), scene.clock.now());
  scene.settle();
  EXPECT_FALSE(scene.fires("ill/w1"));
  EXPECT_EQ(scene.wishes.back().closed_as, "rule_removed");
  EXPECT_TRUE(scene.fires("pool/p"));
  scene.tell("w1");
  scene.tell("w2");
  scene.settle();
  EXPECT_TRUE(scene.fires("pool/p"));
  scene.status("w1", Status::healthy);
  EXPECT_FALSE(scene.fires("pool/p"));
}

TEST(RulesRestart, restored_alerts_go_on_without_being_told_again) {
  Scene scene{rule("hot", map({{"metric", s("cpu_percent")}, {"above", s("90")}, {"clear", s("80")}}))};
  Alert hot;
  hot.key = "rule/hot/w1";
  hot.reason = Reason::rule;
  hot.rule = "hot";
  hot.worker_id = "w1";
  hot.started_at = scene.clock.now().wall - 10min;
  Alert old = hot;
  old.key = "rule/removed/w1";
  old.rule = "removed";
  scene.rules.restore({hot, old}, scene.clock.now());
  scene.tell("w1");  // nothing is known of it yet
  scene.settle();
  ASSERT_EQ(scene.wishes.size(), 1u);
  EXPECT_EQ(scene.wishes[0].key, "rule/removed/w1");
  EXPECT_EQ(scene.wishes[0].closed_as, "rule_removed");
  EXPECT_TRUE(scene.rules.fires_for("w1"));
  scene.metric("w1", "cpu_percent", 85);  // above the clear threshold: it had been firing
  EXPECT_EQ(scene.wishes.size(), 1u);
  scene.metric("w1", "cpu_percent", 70);
  ASSERT_EQ(scene.wishes.size(), 2u);
  EXPECT_EQ(scene.wishes[1].closed_as, "recovered");
}

// ---- the configuration
// -------------------------------------------------------------------------------------------------

std::string problem_of(Params rule_node) {
  Problems problems;
  const Params node = list({std::move(rule_node)});
  (void)parse_rules(&node, "rules", problems);
  return problems.empty() ? "" : problems.front().to_string();
}

TEST(RulesConfig, mistakes_name_the_key_and_the_remedy) {
  const auto with = [](const char* key, Params value) {
    return rule("r", map({{"status", s("critical")}}), {{key, std::move(value)}});
  };
  const std::vector<std::pair<Params, std::string>> wrong = {
      {rule("", map({{"status", s("critical")}})), "rules[0].name"},
      {rule("silent", map({{"status", s("critical")}})), "shipped rule"},
      {map({{"name", s("r")}}), "rules[0].when: is missing"},
      {rule("r", s("critical")), "must be a map with one condition"},
      {rule("r", map({{"status", s("ill")}})), "unknown, critical, warning, healthy"},
      {rule("r", map({{"status", s("critical")}, {"state", s("running")}})), "exactly one of"},
      {rule("r", map({{"metric", s("m")}})), "above: give one of"},
      {rule("r", map({{"metric", s("m")}, {"above", s("1")}, {"below", s("2")}})), "give one of"},
      {rule("r", map({{"metric", s("m")}, {"above", s("1")}, {"clear", s("2")}})), "must not be above the limit"},
      {rule("r", map({{"metric", s("m")}, {"above", s("1")}, {"abov", s("2")}})), "abov"},
      {rule("r", map({{"forecast", s("m")}})), "within: is missing"},
      {rule("r", map({{"all", list({})}})), "at least one condition"},
      {rule("r", map({{"share", map({{"above", s("20")}})}}), {{"for_each", s("pool")}}), "of: is missing"},
      {rule("r", map({{"share", map({{"above", s("20")}, {"of", map({{"status", s("critical")}})}})}})),
       "does not fit"},
      {rule("r", map({{"status", s("critical")}}), {{"for_each", s("pool")}}), "does not fit"},
      {rule("r", map({{"source", s("silent")}}), {{"for_each", s("fleet")}}), "source_id: is missing"},
      {rule("r", map({{"pool_finding", s("crash_loop")}}), {{"for_each", s("pool")}}), "queue_stalled, pool_below_min"},
      {with("annotations", map({{"summary", s("{{ wroker }}")}})), "unknown placeholder 'wroker'; known are: rule"},
      {with("annotations", map({{"summary", s("{{ worker")}})), "without '}}'"},
      {with("annotations", map({{"summary", s(std::string(3000, 'x'))}})), "longer than 2000 bytes"},
      {with("labels", map({{"a-b", s("x")}})), "letters, digits and _"},
      {with("for", s("8d")), "for"},
      {with("severity", s("page")), "info, warning, critical"},
      {with("pool", s("thumbs")), "pool"},
  };
  for (const auto& [node, words] : wrong) {
    const std::string said = problem_of(node);
    EXPECT_NE(said.find(words), std::string::npos) << words << "\n" << said;
  }
}

TEST(RulesConfig, depth_and_number_of_comparisons_are_bounded) {
  Params deep = map({{"status", s("critical")}});
  for (int i = 0; i < 20; ++i) deep = map({{"not", deep}});
  EXPECT_NE(problem_of(rule("r", deep)).find("nested deeper than 8"), std::string::npos);
  Params many;
  many.kind = Params::Kind::list;
  for (int i = 0; i < 8; ++i) {
    Params inner;
    inner.kind = Params::Kind::list;
    for (int k = 0; k < 9; ++k) inner.items.push_back(map({{"status", s("critical")}}));
    many.items.push_back(map({{"any", inner}}));
  }
  EXPECT_NE(problem_of(rule("r", map({{"all", many}}))).find("more than 64 comparisons"), std::string::npos);
}

TEST(RulesConfig, two_rules_of_one_name_are_refused) {
  Problems problems;
  const Params node = list({rule("r", map({{"status", s("critical")}})), rule("r", map({{"status", s("critical")}}))});
  (void)parse_rules(&node, "rules", problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].message.find("another rule"), std::string::npos);
}

TEST(RulesConfig, a_rule_is_explained_in_one_sentence) {
  const Params when =
      map({{"all", list({over("cpu_percent", "90"), map({{"not", map({{"state", s("draining")}})}})})}});
  const RuleSet set = rules_of({rule("hot", when, {{"for", s("2m")}, {"pools", list({s("thumbs")})}})});
  EXPECT_EQ(explain(set.rules[0]),
            "hot: for each worker of pool thumbs, when (cpu_percent is above 90 and not state is draining), for 2m: "
            "warning");
}

TEST(RuleTemplate, a_label_cannot_smuggle_placeholders_in_and_long_texts_are_cut) {
  const Labels labels{{"zone", "{{ worker }}"}};
  TemplateValues values{.worker = std::string(3000, 'w'), .labels = &labels};
  const auto parsed = Template::parse("{{label.zone}}-{{ label.none }}-{{worker}}{{worker}}");
  ASSERT_TRUE(parsed.has_value());
  const std::string out = parsed->render(values);
  EXPECT_TRUE(out.starts_with("{{ worker }}--www"));
  EXPECT_EQ(out.size(), kMaxRenderedBytes);
}

// ---- tests of rules
// ----------------------------------------------------------------------------------------------------

TEST(RuleTests, values_over_time_are_expanded) {
  const auto values = parse_rule_series("90 95x2 _ 0+10x3 8-2x2 critical/silent");
  ASSERT_TRUE(values.has_value());
  std::string all;
  for (const auto& v : *values) all += v.value_or("-") + " ";
  EXPECT_EQ(all, "90 95 95 - 0 10 20 8 6 critical/silent ");
  EXPECT_FALSE(parse_rule_series("").has_value());
  EXPECT_FALSE(parse_rule_series("1x0").has_value());
  EXPECT_FALSE(parse_rule_series("1x99999999").has_value());
}

Params hot_test(const char* summary, const char* at) {
  const Params expected = map({{"rule", s("hot")},
                               {"subject", s("w1")},
                               {"severity", s("warning")},
                               {"annotations", map({{"summary", s(summary)}})}});
  return map(
      {{"interval", s("30s")},
       {"tests",
        list({map(
            {{"name", s("it fires")},
             {"workers", list({map({{"id", s("w1")}, {"metrics", map({{"cpu_percent", s("10x2 95x10 20")}})}})})},
             {"expect", list({map({{"at", s("2m")}, {"alerts", list({})}}),
                              map({{"at", s(at)}, {"alerts", list({expected})}}), map({{"at", s("10m")}})})}})})}});
}

TEST(RuleTests, a_good_test_passes_and_a_wrong_one_says_how_it_differs) {
  const RuleSet set = rules_of({rule("hot", over("cpu_percent", "90"),
                                     {{"for", s("2m")}, {"annotations", map({{"summary", s("{{ value }}")}})}})});
  Problems problems;
  const RuleTestReport good = run_rule_tests(set, hot_test("95", "3m"), problems);
  ASSERT_TRUE(problems.empty()) << problems[0].to_string();
  EXPECT_EQ(good.tests, 1);
  EXPECT_EQ(good.expectations, 3);
  EXPECT_TRUE(good.failures.empty()) << good.failures[0];
  const RuleTestReport text = run_rule_tests(set, hot_test("96", "3m"), problems);
  ASSERT_EQ(text.failures.size(), 1u);
  EXPECT_NE(text.failures[0].find("expected '96'\n      got      '95'"), std::string::npos) << text.failures[0];
  const RuleTestReport early = run_rule_tests(set, hot_test("95", "2m30s"), problems);
  ASSERT_EQ(early.failures.size(), 1u);
  EXPECT_NE(early.failures[0].find("missing:    hot/w1"), std::string::npos);
}

TEST(RuleTests, mistakes_of_the_file_are_problems) {
  const RuleSet set = rules_of({rule("hot", over("cpu_percent", "90"))});
  Problems problems;
  (void)run_rule_tests(
      set, map({{"tests", list({map({{"workers", list({map({{"metrics", map({{"cpu_percent", s("hot")}})}})})}})})}}),
      problems);
  std::string all;
  for (const Problem& p : problems) all += p.to_string() + "\n";
  EXPECT_NE(all.find("tests[0].workers[0].id: is missing"), std::string::npos) << all;
  EXPECT_NE(all.find("'hot' must be a number or _"), std::string::npos) << all;
  EXPECT_NE(all.find("tests[0].expect: is missing"), std::string::npos) << all;
}

}  // namespace
}  // namespace paramedic
