#include "core/alerting/matchers.h"
#include "core/alerting/notifier_harness.h"
#include "core/alerting/silences.h"

namespace paramedic {
namespace {

CompiledMatchers matchers(std::vector<std::string> texts) {
  std::vector<Matcher> list;
  for (const std::string& text : texts) list.push_back(*parse_matcher(text));
  auto made = CompiledMatchers::compile(std::move(list));
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : CompiledMatchers{};
}

TEST(Matchers, an_alert_has_labels_of_its_own_that_a_workers_never_replace) {
  Alert a;
  a.key = "worker/w1/heartbeat/silent";
  a.incident_id = "inc-1";
  a.reason = Reason::silent;
  a.severity = Severity::critical;
  a.worker_id = "w1";
  a.pool = "thumbs";
  a.labels = {{"zone", "a"}, {"pool", "fake"}};
  const Labels l = labels_of(a);
  EXPECT_TRUE(std::is_sorted(l.begin(), l.end()));
  EXPECT_EQ(label_value(l, "pool"), "thumbs");
  EXPECT_EQ(label_value(l, "zone"), "a");
  EXPECT_EQ(label_value(l, "rule"), "silent");
  EXPECT_EQ(label_value(l, "severity"), "critical");
  EXPECT_EQ(label_value(l, "host"), "");
  a.rule = "my_rule";
  EXPECT_EQ(label_value(labels_of(a), "rule"), "my_rule");
}

TEST(Matchers, match_in_alertmanagers_meaning) {
  const Labels l = {{"host", "h12"}, {"pool", "thumbs"}};
  EXPECT_TRUE(matchers({}).match(l));
  EXPECT_TRUE(matchers({"pool=thumbs", "host=~h1[0-9]"}).match(l));
  EXPECT_FALSE(matchers({"host=~h1"}).match(l)) << "the whole value";
  EXPECT_TRUE(matchers({"host!~h1"}).match(l));
  EXPECT_TRUE(matchers({"zone="}).match(l)) << "absent is empty";
  EXPECT_TRUE(matchers({"zone!=a"}).match(l));
  EXPECT_FALSE(matchers({"zone!~"}).match(l));
}

TEST(Matchers, bad_or_huge_expressions_are_refused) {
  const auto wrong = CompiledMatchers::compile({{"host", MatchOp::matches, "h[1"}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::invalid_argument);
  EXPECT_NE(wrong.error().message.find("host=~h[1"), std::string::npos) << wrong.error().message;
  const auto huge = CompiledMatchers::compile({{"host", MatchOp::matches, "((((a{100}){100}){10}))"}});
  ASSERT_FALSE(huge);
  EXPECT_FALSE(CompiledMatchers::compile({{"host", MatchOp::matches, std::string(1001, 'a')}}));
  EXPECT_FALSE(CompiledMatchers::compile(std::vector<Matcher>(17, Matcher{"a", MatchOp::equal, "b"})));
  // Backtracking engines need hours for this one.
  EXPECT_FALSE(matchers({"host=~(a*)*b"}).match({{"host", std::string(500, 'a')}}));
}

// ---- silences ------------------------------------------------------------------------------------------------------

TEST(Silences, mute_what_they_select_until_they_end) {
  PostOffice p;
  const CommandResult made = p.silence({"pool=p"}, 1h);
  ASSERT_TRUE(made.success) << made.message;
  EXPECT_TRUE(made.id.starts_with("sil-"));
  ASSERT_EQ(p.notifier->silences().size(), 1u);
  EXPECT_EQ(p.notifier->silences()[0].author, "ada");
  p.fire("w1");
  p.fire("w2", Severity::critical, "other");
  ASSERT_EQ(p.sent.size(), 1u);
  EXPECT_EQ(p.sent[0].alerts.at(0).worker_id, "w2");
  p.pass(1h - 1s);
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 1u);
  p.pass(1s);
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 2u) << "it still fires";
  EXPECT_TRUE(p.notifier->silences().empty());
}

TEST(Silences, what_ends_under_one_was_never_told) {
  PostOffice p;
  p.silence({"pool=p"}, 1h);
  p.fire("w1");
  p.resolve("w1");
  p.pass(2h);
  EXPECT_TRUE(p.sent.empty());
}

TEST(Silences, stop_reminders_and_escalation_but_the_end_of_what_was_told_is_told) {
  PostOffice p;
  p.fire("w1");
  p.silence({"worker_id=w1"}, 24h);
  p.pass(12h);
  EXPECT_EQ(p.story(), "firing");
  p.resolve("w1");
  EXPECT_EQ(p.story(), "firing resolved");
}

TEST(Silences, begin_later_and_can_be_ended_by_hand) {
  PostOffice p;
  const std::string id = p.silence({"pool=p"}, 10h, 1h).id;
  p.fire("w1");
  EXPECT_EQ(p.sent.size(), 1u);
  p.pass(1h);
  p.fire("w2");
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 1u);
  EXPECT_TRUE(p.command(Verb::unsilence, id).success);
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 2u);
  EXPECT_TRUE(p.silences.at(id).ended_at);
  EXPECT_EQ(p.silences.at(id).ended_by, "ada");
  EXPECT_EQ(p.command(Verb::unsilence, id).error->code, Errc::not_found);
}

TEST(Silences, bad_ones_are_refused) {
  PostOffice p;
  EXPECT_EQ(p.silence({"pool=~["}, 1h).error->code, Errc::invalid_argument);
  EXPECT_EQ(p.silence({"pool=p"}, -1h).error->code, Errc::invalid_argument);
  EXPECT_EQ(p.silence({}, 1h).error->code, Errc::invalid_argument);
  EXPECT_TRUE(p.notifier->silences().empty());
}

TEST(Silences, are_bounded) {
  Silences s;
  Silence one;
  one.matchers = {{"pool", MatchOp::equal, "p"}};
  one.ends_at = WallTime{1h};
  for (std::size_t i = 0; i < Silences::kMax; ++i) {
    one.id = std::to_string(i);
    ASSERT_TRUE(s.add(one));
  }
  one.id = "more";
  EXPECT_EQ(s.add(one).error().code, Errc::too_many);
  Silences patterns;
  one.matchers.assign(10, Matcher{"pool", MatchOp::matches, "p.*"});
  for (int i = 0; i < 200; ++i) {
    one.id = std::to_string(i);
    ASSERT_TRUE(patterns.add(one));
  }
  one.id = "more";
  EXPECT_EQ(patterns.add(one).error().code, Errc::too_many);
  ASSERT_TRUE(patterns.end("7", "ada", WallTime{1s}));
  EXPECT_TRUE(patterns.add(one));
}

TEST(Silences, a_repeated_command_is_answered_once) {
  PostOffice p;
  CommandInput c{.command_id = "c", .verb = Verb::silence, .actor = "ada", .idempotency_key = "k"};
  Silence s;
  s.matchers = {{"pool", MatchOp::equal, "p"}};
  s.starts_at = p.clock.now().wall;
  s.ends_at = s.starts_at + 1h;
  c.silence = s;
  for (int i = 0; i < 2; ++i) p.notifier->on_command(c, p.clock.now(), p.out);
  p.settle();
  ASSERT_EQ(p.answers.size(), 2u);
  EXPECT_EQ(p.answers[0].id, p.answers[1].id);
  EXPECT_EQ(p.notifier->silences().size(), 1u);
}

TEST(Silences, nothing_silenced_or_inhibited_slips_out_during_a_restart_or_reload) {
  PostOffice p;
  p.config.inhibitions.push_back({matchers({"reason=broker_down"}), matchers({"reason=silent"}), {}});
  p.rebuild();
  p.silence({"worker_id=w1"}, 10h);
  p.fire("w1");
  Alert source = p.alert("b", Severity::critical, {}, "", Reason::broker_down);
  p.state(source);
  p.fire("w2");
  ASSERT_EQ(p.of(NotificationKind::firing).size(), 1u);
  for (int i = 0; i < 3; ++i) {
    p.restart();
    p.notifier->set_config(p.config, p.clock.now());
    p.settle();
    p.pass(1min);
  }
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 1u);
  p.resolve_key(source.key);
  p.settle();
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 2u) << "w2 speaks for itself now";
}

// ---- inhibitions ---------------------------------------------------------------------------------------------------

TEST(Inhibitions, a_source_mutes_targets_with_equal_labels) {
  PostOffice p;
  p.config.inhibitions.push_back({matchers({"severity=critical"}), matchers({"severity=warning"}), {"pool"}});
  p.rebuild();
  p.fire("w1", Severity::critical, "a");
  p.fire("w2", Severity::warning, "a");
  p.fire("w3", Severity::warning, "b");
  ASSERT_EQ(p.sent.size(), 2u);
  EXPECT_EQ(p.sent[1].alerts.at(0).worker_id, "w3");
  p.resolve("w1");
  EXPECT_EQ(p.sent.back().alerts.at(0).worker_id, "w2");
}

TEST(Inhibitions, two_that_are_source_and_target_do_not_mute_each_other) {
  PostOffice p;
  p.config.inhibitions.push_back({matchers({"severity=critical"}), matchers({"pool=p"}), {}});
  p.rebuild();
  p.fire("w1");
  p.fire("w2");
  EXPECT_EQ(p.sent.size(), 2u);
  p.fire("w3", Severity::critical, "other");
  p.fire("w4");
  EXPECT_EQ(p.sent.size(), 3u);
}

// ---- maintenance and windows ---------------------------------------------------------------------------------------

TEST(Maintenance, mutes_a_worker_a_pool_or_the_fleet) {
  for (const std::string scope : {"worker/w1", "pool/p", "fleet"}) {
    PostOffice p;
    p.notifier->set_maintenance({scope});
    p.fire("w1");
    p.pass(5h);
    EXPECT_TRUE(p.sent.empty()) << scope;
    p.notifier->set_maintenance({});
    p.settle();
    EXPECT_EQ(p.sent.size(), 1u) << scope;
  }
}

TEST(Maintenance, a_window_is_a_silence_that_no_operator_made) {
  PostOffice p;
  Silence w;
  w.id = "win-nightly";
  w.matchers = {{"pool", MatchOp::equal, "p"}};
  w.starts_at = p.clock.now().wall + 1h;
  w.ends_at = w.starts_at + 2h;
  p.notifier->set_windows({w});
  p.settle();
  ASSERT_EQ(p.notifier->silences().size(), 1u);
  EXPECT_TRUE(p.silences.empty()) << "the ledger does not keep it";
  p.pass(1h);
  p.fire("w1");
  EXPECT_TRUE(p.sent.empty());
  EXPECT_EQ(p.command(Verb::unsilence, "win-nightly").error->code, Errc::conflict);
  p.pass(2h);
  EXPECT_EQ(p.sent.size(), 1u);
}

}  // namespace
}  // namespace paramedic
