// Rules that people write, wired: what the fleet shows becomes alerts and incidents, over reloads and restarts.
#include <algorithm>

#include <gtest/gtest.h>

#include "core/engine/engine.h"

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
RuleSet rules_of(std::initializer_list<Params> rules) {
  Problems problems;
  const Params node = list(rules);
  RuleSet set = parse_rules(&node, "rules", problems);
  for (const Problem& p : problems) ADD_FAILURE() << p.to_string();
  return set;
}
Params hot(const char* above = "50") {
  return map({{"name", s("hot")},
              {"when", map({{"metric", s("cpu_percent")}, {"above", s(above)}, {"clear", s("40")}})},
              {"severity", s("critical")},
              {"annotations", map({{"summary", s("{{ worker }} burns {{ value }} %")}})}});
}

struct Shop {
  ManualClock clock;
  EngineConfig config;
  std::unique_ptr<Engine> engine;
  std::vector<LedgerEntry> ledger;
  std::vector<Notify> notices;
  std::vector<Input> waiting;
  FleetDelta delta;
  std::uint64_t seq = 0;

  explicit Shop(RuleSet rules) {
    config.rules = std::move(rules);
    engine = std::make_unique<Engine>(config, clock.now());
  }
  void step() {
    Effects out;
    engine->step(waiting, Duration{}, clock.now(), out);
    waiting.clear();
    for (auto& entry : out.ledger) ledger.push_back(std::move(entry));
    for (auto& act : out.acts)
      if (const auto* notify = std::get_if<Notify>(&act)) notices.push_back(*notify);
    if (engine->view_dirty()) delta = engine->publish(clock.now());
  }
  void run_for(Duration d) {
    const SteadyTime end = clock.now().steady + d;
    while (clock.now().steady < end) {
      clock.advance(std::min<Duration>(1s, end - clock.now().steady));
      step();
    }
  }
  void report(const std::string& id, double cpu, double free_metric = 0) {
    clock.advance(10ms);
    Report r;
    r.worker_id = id;
    r.pool = "thumbs";
    r.host = "h1";
    r.incarnation = "1";
    r.seq = ++seq;
    r.sent_at = r.alive_at = clock.now().wall;
    r.period = 30s;
    r.state = WorkerState::running;
    r.resources = ResourcesPart{.cpu_percent = cpu};
    r.metrics = {{"free", free_metric}};
    waiting.push_back(ReportInput{std::move(r), "http", clock.now().steady});
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const Alert& a : delta.view->alerts) out.push_back(a.key);
    return out;
  }
  LedgerState state() const {
    LedgerState out;
    std::map<std::string, Alert> alerts;
    std::map<std::string, Incident> incidents;
    std::map<std::string, WorkerRecord> workers;
    for (const LedgerEntry& entry : ledger) {
      if (const auto* a = std::get_if<Alert>(&entry.body)) alerts[a->key] = *a;
      if (const auto* i = std::get_if<Incident>(&entry.body)) incidents[i->id] = *i;
      if (const auto* w = std::get_if<WorkerRecord>(&entry.body)) workers[w->worker_id] = *w;
    }
    for (const auto& [key, a] : alerts)
      if (a.state == AlertState::firing) out.alerts.push_back(a);
    for (const auto& [id, i] : incidents)
      if (i.open()) out.incidents.push_back(i);
    for (const auto& [id, w] : workers) out.workers.push_back(w);
    return out;
  }
};

TEST(EngineRules, a_rule_becomes_an_alert_with_its_words_and_joins_an_incident) {
  Shop shop(rules_of({hot()}));
  shop.report("w-1", 60);
  shop.step();
  shop.run_for(1s);
  ASSERT_EQ(shop.keys(), std::vector<std::string>{"rule/hot/w-1"});
  const Alert& alert = shop.delta.view->alerts[0];
  EXPECT_EQ(alert.rule, "hot");
  EXPECT_EQ(alert.title, "w-1 burns 60 %");
  EXPECT_EQ(alert.severity, Severity::critical);
  EXPECT_EQ(alert.pool, "thumbs");
  ASSERT_EQ(shop.delta.view->incidents.size(), 1u);
  EXPECT_EQ(shop.delta.view->incidents[0].scope, "worker/w-1");
  ASSERT_EQ(shop.notices.size(), 1u);
  shop.report("w-1", 45);  // above the clear threshold
  shop.run_for(1s);
  EXPECT_EQ(shop.keys().size(), 1u);
  shop.report("w-1", 30);
  shop.run_for(1s);
  EXPECT_TRUE(shop.keys().empty());
  EXPECT_FALSE(shop.delta.view->incidents[0].open());
  EXPECT_EQ(shop.notices.size(), 2u);
}

TEST(EngineRules, five_thousand_updates_of_values_that_no_rule_watches_evaluate_nothing) {
  Shop shop(rules_of({hot()}));
  for (int i = 0; i < 50; ++i) shop.report("w-" + std::to_string(i), 10);
  shop.run_for(1s);
  const auto before = shop.delta.view->stats.rule_evaluations;
  EXPECT_EQ(before, 50u);
  const auto rounds = shop.delta.view->stats.rounds;
  for (int n = 0; n < 100; ++n) {
    for (int i = 0; i < 50; ++i) shop.report("w-" + std::to_string(i), 10, n);
    shop.run_for(1s);
  }
  EXPECT_GE(shop.delta.view->stats.rounds - rounds, 5000u);
  EXPECT_EQ(shop.delta.view->stats.rule_evaluations - before, 0u);
}

TEST(EngineRules, maintenance_mutes_them_too) {
  Shop shop(rules_of({hot()}));
  shop.report("w-1", 10);
  shop.step();
  CommandInput command{.command_id = "c", .verb = Verb::maintenance_on, .worker_id = "w-1", .actor = "ada"};
  command.duration = 1h;
  shop.waiting.push_back(command);
  shop.step();
  shop.report("w-1", 60);
  shop.run_for(2s);
  EXPECT_TRUE(shop.keys().empty());
  command.verb = Verb::maintenance_off;
  command.command_id = "d";
  command.duration.reset();
  shop.waiting.push_back(command);
  shop.step();
  shop.run_for(2s);
  EXPECT_EQ(shop.keys().size(), 1u);
}

TEST(EngineRules, a_reload_keeps_alerts_of_unchanged_rules_and_ends_those_of_removed_ones) {
  const auto warm = [] {
    return map({{"name", s("warm")}, {"when", map({{"metric", s("cpu_percent")}, {"above", s("20")}})}});
  };
  Shop shop(rules_of({hot(), warm()}));
  shop.report("w-1", 60);
  shop.run_for(2s);
  EXPECT_EQ(shop.keys().size(), 2u);
  const auto told = shop.notices.size();
  EngineConfig next = shop.config;
  next.rules = rules_of({hot()});
  shop.engine->configure(next, shop.clock.now());
  shop.step();
  shop.run_for(2s);
  EXPECT_EQ(shop.keys(), std::vector<std::string>{"rule/hot/w-1"});
  for (std::size_t i = told; i < shop.notices.size(); ++i) EXPECT_EQ(shop.notices[i].alert.rule, "warm");
  next.rules = rules_of({hot("70")});
  shop.engine->configure(next, shop.clock.now());
  shop.step();
  shop.run_for(2s);
  EXPECT_EQ(shop.keys().size(), 1u);  // between clear and limit: it had been firing
  shop.report("w-1", 30);
  shop.run_for(2s);
  EXPECT_TRUE(shop.keys().empty());
}

TEST(EngineRules, a_restart_keeps_firing_alerts_without_telling_them_again) {
  Shop before(rules_of({hot()}));
  before.report("w-1", 60);
  before.run_for(2s);
  ASSERT_EQ(before.keys().size(), 1u);
  Shop after(rules_of({hot()}));
  after.engine->restore(before.state(), after.clock.now());
  after.step();
  after.run_for(10s);
  EXPECT_EQ(after.keys(), std::vector<std::string>{"rule/hot/w-1"});  // nothing is heard: it stays
  after.report("w-1", 60);
  after.run_for(2s);
  EXPECT_EQ(after.keys().size(), 1u);
  EXPECT_TRUE(after.notices.empty());
  after.report("w-1", 10);
  after.run_for(2s);
  EXPECT_TRUE(after.keys().empty());
  Shop without(RuleSet{});
  without.engine->restore(before.state(), without.clock.now());
  without.step();
  without.run_for(2s);
  EXPECT_TRUE(without.keys().empty());
}

TEST(EngineRules, a_share_of_a_pool_its_queue_and_its_source_are_told) {
  Shop shop(rules_of({map({{"name", s("most")},
                           {"for_each", s("pool")},
                           {"when", map({{"share", map({{"of", map({{"metric", s("cpu_percent")}, {"above", s("50")}})},
                                                        {"above", s("50")}})}})}}),
                      map({{"name", s("some")},
                           {"for_each", s("fleet")},
                           {"when", map({{"metric", s("workers")}, {"above", s("2")}})}}),
                      map({{"name", s("away")},
                           {"for_each", s("source")},
                           {"when", map({{"source", list({s("silent"), s("disconnected")})}})}})}));
  for (int i = 0; i < 3; ++i) shop.report("w-" + std::to_string(i), 60);
  shop.waiting.push_back(SourceInput{
      .source = "agent/h2", .state = SourceState::connected, .host = "h2", .received = shop.clock.now().steady});
  shop.run_for(2s);
  EXPECT_EQ(shop.keys(), (std::vector<std::string>{"rule/most/thumbs", "rule/some/fleet"}));
  shop.waiting.push_back(SourceInput{
      .source = "agent/h2", .state = SourceState::disconnected, .host = "h2", .received = shop.clock.now().steady});
  shop.run_for(2s);
  EXPECT_EQ(shop.keys().size(), 3u);
  EXPECT_EQ(shop.keys()[0], "rule/away/agent/h2");
}

}  // namespace
}  // namespace paramedic
