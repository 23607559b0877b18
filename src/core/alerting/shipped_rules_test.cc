// Every built-in alert has a name, a page for the operator at night, and a row; the configuration may change it.
#include "core/alerting/shipped_rules.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "core/alerting/alerting.h"

namespace paramedic {
namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}
const std::filesystem::path kDocs = std::filesystem::path(PARAMEDIC_SOURCE_DIR) / "docs";

TEST(ShippedRules, every_reason_that_becomes_an_alert_has_one) {
  // Of these no alert is made: normal, no data, what people wrote, and what they planned.
  const std::set<Reason> none{Reason::none, Reason::no_data, Reason::rule, Reason::recycle};
  for (std::size_t i = 0; i < kEnumCount<Reason>; ++i) {
    const Reason reason = Reason(i);
    EXPECT_EQ(shipped_rule_of("worker/w/c/r", reason) == nullptr, none.contains(reason)) << to_string(reason);
  }
  EXPECT_EQ(shipped_rule_of("host/h3", Reason::source_blind)->name, "host_silent");
  EXPECT_EQ(shipped_rule_of("source/http", Reason::source_blind)->name, "source_blind");
}

TEST(ShippedRules, each_has_a_page_that_helps_and_a_row_in_the_list) {
  const std::string rows = read(kDocs / "alerts.md");
  for (const ShippedRule& rule : shipped_rules()) {
    const std::string page = read(kDocs / "alerts" / (std::string(rule.name) + ".md"));
    for (const char* part : {"## Meaning", "## Usual causes", "## What to do"})
      EXPECT_NE(page.find(part), std::string::npos) << rule.name << " lacks " << part;
    EXPECT_EQ(page.find("# " + std::string(rule.name) + "\n"), 0u) << rule.name;
    EXPECT_GE(std::count(page.begin(), page.end(), '\n'), 15) << rule.name;
    EXPECT_NE(rows.find("(alerts/" + std::string(rule.name) + ".md)"), std::string::npos) << rule.name << ": no row";
  }
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kDocs / "alerts")) {
    EXPECT_NE(find_shipped_rule(entry.path().stem().string()), nullptr) << entry.path() << " is no shipped rule";
    ++pages;
  }
  EXPECT_EQ(pages, shipped_rules().size());
}

// ---- what the configuration changes
// ------------------------------------------------------------------------------------

AlertingConfig config_of(const char* rule, const char* key, const char* value) {
  Params settings = Params::map();
  settings.set(key, Params::of(value));
  Params shipped = Params::map(), node = Params::map();
  shipped.set(rule, settings);
  node.set("shipped_rules", shipped);
  Problems problems;
  AlertingConfig out = parse_alerting_config(&node, "alerting", problems);
  for (const Problem& p : problems) ADD_FAILURE() << p.to_string();
  return out;
}

struct Desk {
  explicit Desk(AlertingConfig config) : alerting(std::move(config)) {}
  ManualClock clock;
  Alerting alerting;
  AlertingOutput out;

  void hot(bool on, FindingStatus status = FindingStatus::critical) {
    AlertingWorkerFacts f{"w1", "p", "h1", "agent/h1"};
    Finding& finding = f.findings.emplace_back();
    finding.check = "resources";
    if (on) {
      finding.status = status;
      finding.causes = {{.reason = Reason::cpu_high, .status = status, .value = 99, .limit = 95, .unit = "%"}};
    }
    alerting.update_worker(f, clock.now());
  }
  void pass(Duration d) {
    clock.advance(d);
    alerting.settle(clock.now(), out);
  }
};

TEST(ShippedRules, alerts_carry_their_rule_and_the_link_to_its_page) {
  Desk desk{AlertingConfig{}};
  desk.hot(true);
  desk.pass(1s);
  ASSERT_EQ(desk.alerting.alerts().size(), 1u);
  EXPECT_EQ(desk.alerting.alerts()[0].rule, "cpu_high");
  EXPECT_EQ(desk.alerting.alerts()[0].annotations, (Labels{{"runbook_url", "/docs/alerts/cpu_high.md"}}));
}

TEST(ShippedRules, one_that_is_off_makes_no_alert_and_ends_what_fires_on_reload) {
  Desk desk{config_of("cpu_high", "enabled", "false")};
  desk.hot(true);
  desk.pass(1min);
  EXPECT_TRUE(desk.alerting.alerts().empty());
  EXPECT_TRUE(desk.alerting.ill_workers().empty());
  desk.alerting.set_config(AlertingConfig{});
  desk.pass(1s);
  ASSERT_EQ(desk.alerting.alerts().size(), 1u);  // it holds still
  desk.alerting.set_config(config_of("cpu_high", "enabled", "false"));
  desk.pass(1s);
  EXPECT_TRUE(desk.alerting.alerts().empty());
  ASSERT_FALSE(desk.alerting.incidents().empty());
  EXPECT_FALSE(desk.alerting.incidents()[0].open());
  desk.alerting.set_config(AlertingConfig{});
  desk.pass(1s);
  ASSERT_EQ(desk.alerting.alerts().size(), 1u);
  EXPECT_EQ(desk.alerting.alerts()[0].closed_as, "");
}

TEST(ShippedRules, severity_and_wait_can_be_changed_also_by_a_reload) {
  Desk desk{config_of("cpu_high", "for", "5m")};
  desk.hot(true);
  desk.pass(4min);
  EXPECT_TRUE(desk.alerting.alerts().empty());
  desk.pass(1min);
  ASSERT_EQ(desk.alerting.alerts().size(), 1u);
  EXPECT_EQ(desk.alerting.alerts()[0].severity, Severity::critical);
  desk.alerting.set_config(config_of("cpu_high", "severity", "info"));
  desk.pass(1s);
  EXPECT_EQ(desk.alerting.alerts()[0].severity, Severity::info);
  desk.alerting.set_config(AlertingConfig{});
  desk.pass(1s);
  EXPECT_EQ(desk.alerting.alerts()[0].severity, Severity::critical);
}

TEST(ShippedRules, a_silent_outage_hides_no_symptom) {
  Desk desk{config_of("broker_down", "enabled", "false")};
  desk.alerting.update_outage({.key = "source/redis-a", .is_broker = true, .name = "redis-a", .title = "down"},
                              desk.clock.now());
  AlertingWorkerFacts f{"w1", "p", "h1", "agent/h1", {"redis-a"}};
  Finding& finding = f.findings.emplace_back();
  finding.check = "queue_connection";
  finding.status = FindingStatus::critical;
  finding.causes = {{.reason = Reason::disconnected, .status = FindingStatus::critical}};
  desk.alerting.update_worker(f, desk.clock.now());
  desk.pass(5s);
  ASSERT_EQ(desk.alerting.alerts().size(), 1u);
  EXPECT_EQ(desk.alerting.alerts()[0].rule, "disconnected");
}

TEST(ShippedRules, unknown_names_and_keys_are_problems) {
  Params settings = Params::map(), shipped = Params::map();
  settings.set("severty", Params::of("info"));
  shipped.set("silent", settings);
  shipped.set("slient", Params::map());
  Problems problems;
  (void)parse_shipped_rules(&shipped, "alerting.shipped_rules", problems);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_NE(problems[0].to_string().find("severty"), std::string::npos);
  EXPECT_NE(problems[1].message.find("docs/alerts.md lists their names"), std::string::npos);
}

}  // namespace
}  // namespace paramedic
