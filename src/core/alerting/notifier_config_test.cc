#include "core/alerting/notifier_config.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

Params list(std::vector<std::string> texts) {
  Params out{.kind = Params::Kind::list};
  for (std::string& text : texts) out.items.push_back(Params::of(std::move(text)));
  return out;
}
Params maps(std::vector<Params> items) { return Params{.kind = Params::Kind::list, .items = std::move(items)}; }

struct Parsed {
  NotifierConfig config;
  std::string problems;
};
Parsed parse(const Params& route, const Params& channels, const Params* inhibitions = nullptr,
             const Params* numbers = nullptr) {
  Problems problems;
  Parsed out;
  out.config = parse_notifier_config(
      {.channels = &channels, .route = &route, .inhibitions = inhibitions, .notifications = numbers}, problems);
  for (const Problem& p : problems) out.problems += p.to_string() + "\n";
  return out;
}
Params three_channels() {
  return Params::map().set("chat", Params::map()).set("pager", Params::map()).set("mail", Params::map());
}

std::string taken_by(const NotifierConfig& c, Labels labels, Severity severity = Severity::critical) {
  labels.emplace_back("severity", to_string(severity));
  std::sort(labels.begin(), labels.end());
  std::string out;
  for (const std::size_t i : select_routes(c, labels, severity)) out += (out.empty() ? "" : " ") + c.routes[i].name;
  return out;
}

TEST(NotifierConfig, children_inherit_and_the_deepest_route_takes_an_alert) {
  Params leaf = Params::map().set("name", Params::of("gpu")).set("matchers", list({"pool=gpu"}));
  Params team = Params::map()
                    .set("name", Params::of("team"))
                    .set("matchers", list({"team=ml"}))
                    .set("channels", list({"pager"}))
                    .set("group_interval", Params::of("1m"))
                    .set("routes", maps({leaf}));
  Params root =
      Params::map().set("channels", list({"chat"})).set("group_by", list({"pool", "host"})).set("routes", maps({team}));
  const Parsed p = parse(root, three_channels());
  EXPECT_EQ(p.problems, "");
  EXPECT_EQ(taken_by(p.config, {{"team", "ml"}, {"pool", "gpu"}}), "gpu");
  EXPECT_EQ(taken_by(p.config, {{"team", "ml"}, {"pool", "cpu"}}), "team");
  EXPECT_EQ(taken_by(p.config, {{"pool", "gpu"}}), "route");
  const Route& gpu = p.config.routes[2];
  EXPECT_EQ(gpu.channels, std::vector<std::string>{"pager"});
  EXPECT_EQ(gpu.group_interval, 1min);
  EXPECT_EQ(gpu.group_by, (std::vector<std::string>{"pool", "host"}));
  EXPECT_EQ(gpu.repeat_interval, 4h);
}

TEST(NotifierConfig, the_next_sibling_is_asked_only_after_continue) {
  const auto child = [](const std::string& name, bool go_on) {
    return Params::map()
        .set("name", Params::of(name))
        .set("matchers", list({"pool=p"}))
        .set("continue", Params::of(go_on ? "true" : "false"));
  };
  Params root = Params::map().set("routes", maps({child("a", true), child("b", false), child("c", false)}));
  const Parsed p = parse(root, three_channels());
  EXPECT_EQ(p.problems, "");
  EXPECT_EQ(taken_by(p.config, {{"pool", "p"}}), "a b");
  EXPECT_EQ(taken_by(p.config, {{"pool", "q"}}), "route");
}

TEST(NotifierConfig, info_needs_a_route_that_asks_for_it) {
  Params low = Params::map().set("name", Params::of("log")).set("matchers", list({"severity=info"}));
  Params all = Params::map()
                   .set("name", Params::of("all"))
                   .set("matchers", list({"pool=p"}))
                   .set("min_severity", Params::of("info"));
  Params root = Params::map().set("routes", maps({low, all}));
  const Parsed p = parse(root, three_channels());
  EXPECT_EQ(p.problems, "");
  EXPECT_EQ(taken_by(p.config, {{"pool", "q"}}, Severity::info), "log");
  EXPECT_EQ(taken_by(p.config, {{"pool", "p"}}, Severity::warning), "all");
  EXPECT_EQ(taken_by(p.config, {{"pool", "q"}}, Severity::warning), "route");
  Params bare = Params::map();
  EXPECT_EQ(taken_by(parse(bare, three_channels()).config, {}, Severity::info), "");
}

TEST(NotifierConfig, escalation_is_a_chain_of_steps_and_an_empty_one_turns_it_off) {
  Params step = Params::map().set("after", Params::of("10m")).set("channels", list({"pager"}));
  Params root = Params::map().set("escalation", maps({step, Params::map()}));
  const Parsed p = parse(root, three_channels());
  EXPECT_EQ(p.problems, "");
  ASSERT_EQ(p.config.routes[0].escalation.size(), 2u);
  EXPECT_EQ(p.config.routes[0].escalation[0].after, 10min);
  EXPECT_EQ(p.config.routes[0].escalation[1].after, 300s);
  Params off = Params::map().set("escalation", maps({}));
  EXPECT_TRUE(parse(off, three_channels()).config.routes[0].escalation.empty());
}

TEST(NotifierConfig, every_mistake_is_named) {
  const auto problems = [](Params route) { return parse(route, three_channels()).problems; };
  const auto has = [](const std::string& all, const std::string& text) {
    EXPECT_NE(all.find(text), std::string::npos) << all;
  };
  has(problems(Params::map().set("channels", list({"slak"}))), "no channel 'slak' stands under `channels`");
  has(problems(Params::map().set("matchers", list({"a=b"}))), "the root takes everything");
  has(problems(Params::map().set("nonsense", Params::of("1"))), "nonsense");
  has(problems(Params::map().set("min_severity", Params::of("high"))), "high");
  has(problems(Params::map().set("routes", Params::of("x"))), "must be a list");
  has(problems(Params::map().set("routes", maps({Params::map().set("matchers", list({"a=~["}))}))),
      "regular expression");
  has(problems(Params::map().set("routes", maps({Params::map().set("matchers", list({"what"}))}))), "is no matcher");
  has(problems(Params::map().set("routes", maps({Params::map().set("name", Params::of("route"))}))), "two routes");
  Params deep = Params::map();
  for (int i = 0; i < 12; ++i) deep = Params::map().set("routes", maps({deep}));
  has(problems(deep), "deep");
  has(problems(Params::map().set("routes", maps(std::vector<Params>(501, Params::map())))), "more than 500");

  Params channels = Params::map().set("a", Params::map().set("failover", Params::of("b")));
  has(parse(Params::map(), channels).problems, "channels.a.failover");
  Params own = Params::map().set("a", Params::map().set("failover", Params::of("a")));
  has(parse(Params::map(), own).problems, "cannot stand in for itself");
  Params inhibitions = maps({Params::map().set("source", list({"a=b"}))});
  has(parse(Params::map(), three_channels(), &inhibitions).problems, "needs a matcher");
  Params numbers = Params::map().set("acknowledge_for", Params::of("1s"));
  has(parse(Params::map(), three_channels(), nullptr, &numbers).problems, "notifications.acknowledge_for");
}

}  // namespace
}  // namespace paramedic
