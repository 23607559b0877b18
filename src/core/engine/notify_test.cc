// From reports to messages: the engine's wiring of alerting and notifier.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "core/engine/engine.h"

namespace paramedic {
namespace {

EngineConfig told_by(std::vector<std::string> names) {
  EngineConfig c;
  c.defaults.recovery.mode = RecoveryMode::off;
  c.defaults.rules.min_healthy = 0;  // one worker is the pool: its illness alone is told
  Params channels = Params::map();
  for (const std::string& name : names) channels.set(name, Params::map());
  Problems problems;
  c.notifier = parse_notifier_config({.channels = &channels}, problems);
  EXPECT_TRUE(problems.empty());
  return c;
}

struct Monitor {
  ManualClock clock;
  EngineConfig config;
  std::unique_ptr<Engine> engine;
  FleetDelta delta;
  std::vector<Input> waiting;
  std::vector<LedgerEntry> ledger;
  std::vector<Notification> sent;
  std::vector<CommandResult> answers;
  std::uint64_t seq = 0;
  bool speaks = true;

  explicit Monitor(EngineConfig c = told_by({"chat"})) : config(std::move(c)) {
    engine = std::make_unique<Engine>(config, clock.now());
    waiting.push_back(SourceInput{.source = "agent/h1", .host = "h1", .received = clock.now().steady});
  }
  void step() {
    Effects out;
    engine->step(waiting, {}, clock.now(), out);
    waiting.clear();
    for (const LedgerEntry& e : out.ledger) ledger.push_back(e);
    for (const Act& act : out.acts) {
      if (const auto* n = std::get_if<SendNotification>(&act)) sent.push_back(n->notification);
      if (const auto* a = std::get_if<Answer>(&act)) answers.push_back(a->result);
    }
    if (engine->view_dirty()) delta = engine->publish(clock.now());
    next = out.next_deadline;
  }
  std::optional<SteadyTime> next;
  void report() {
    Report r;
    r.worker_id = "w1";
    r.pool = "thumbs";
    r.host = "h1";
    r.incarnation = "1";
    r.seq = ++seq;
    r.sent_at = clock.now().wall;
    if (speaks) r.alive_at = voice = clock.now().wall;
    if (!speaks) r.alive_at = voice;
    r.period = 5s;
    r.state = WorkerState::running;
    r.capabilities = Capabilities{.voice = true, .process = true};
    r.process = ProcessPart{.pid = 100, .state = 'S'};
    waiting.push_back(ReportInput{std::move(r), "agent/h1", clock.now().steady});
    waiting.push_back(SourceFrameInput{"agent/h1", clock.now().steady});
  }
  WallTime voice{};
  void run(Duration d) {
    const SteadyTime end = clock.now().steady + d;
    SteadyTime report_at = clock.now().steady;
    while (clock.now().steady < end) {
      if (clock.now().steady >= report_at) {
        report();
        report_at += 5s;
      }
      step();
      const SteadyTime until = std::min({end, report_at, next.value_or(end)});
      clock.advance(std::max<Duration>(until - clock.now().steady, 1ms));
    }
  }
  CommandResult command(CommandInput c) {
    c.actor = "ada";
    waiting.push_back(std::move(c));
    step();
    return answers.empty() ? CommandResult{} : answers.back();
  }
  void outcome(const std::string& id, DeliveryState state) {
    waiting.push_back(DeliveryInput{{.notification_id = id, .state = state, .attempts = 1, .answer = "404"}});
    step();
  }
};

TEST(Notify, a_silent_worker_is_told_once_and_its_recovery_once) {
  Monitor m;
  m.run(20s);
  m.speaks = false;
  m.run(120s);
  ASSERT_FALSE(m.sent.empty());
  EXPECT_EQ(m.sent[0].kind, NotificationKind::firing);
  EXPECT_EQ(m.sent[0].channel, "chat");
  EXPECT_EQ(m.sent[0].alerts.at(0).worker_id, "w1");
  const std::string incident = m.sent[0].incident_id;
  ASSERT_FALSE(m.delta.view->incidents.empty());
  EXPECT_EQ(m.delta.view->incidents[0].id, incident);
  m.speaks = true;
  m.run(60s);
  EXPECT_EQ(m.sent.back().kind, NotificationKind::resolved);
  EXPECT_EQ(m.sent.back().incident_id, incident);
  for (const Notification& n : m.sent)
    EXPECT_EQ(n.group_key, m.sent[0].group_key) << to_string(n.kind) << " " << n.title << " " << n.incident_id;
}

TEST(Notify, silences_and_acknowledgements_are_commands_and_stand_in_the_view) {
  Monitor m;
  m.run(20s);
  CommandInput silence{.command_id = "1", .verb = Verb::silence};
  silence.silence = Silence{.matchers = {{"pool", MatchOp::equal, "thumbs"}},
                            .starts_at = m.clock.now().wall,
                            .ends_at = m.clock.now().wall + 1h};
  const CommandResult made = m.command(silence);
  EXPECT_TRUE(made.success) << made.message;
  ASSERT_EQ(m.delta.view->silences.size(), 1u);
  EXPECT_EQ(m.delta.view->silences[0].id, made.id);
  m.speaks = false;
  m.run(120s);
  EXPECT_TRUE(m.sent.empty());
  EXPECT_FALSE(m.delta.view->alerts.empty());
  CommandInput ack{.command_id = "2", .verb = Verb::acknowledge};
  ack.target = m.delta.view->incidents.at(0).id;
  EXPECT_TRUE(m.command(ack).success);
  ASSERT_EQ(m.delta.view->acknowledgements.size(), 1u);
  CommandInput end{.command_id = "3", .verb = Verb::unsilence};
  end.target = made.id;
  EXPECT_TRUE(m.command(end).success);
  EXPECT_TRUE(m.delta.view->silences.empty());
  ASSERT_EQ(m.sent.size(), 1u);
}

TEST(Notify, maintenance_mutes_what_was_told_until_it_ends) {
  Monitor m;
  m.run(20s);
  m.speaks = false;
  m.run(120s);
  const auto before = m.sent.size();
  EXPECT_TRUE(m.command({.command_id = "1", .verb = Verb::maintenance_on, .pool = "thumbs", .duration = 2h}).success);
  m.run(1h);
  EXPECT_EQ(m.sent.size(), before) << "no escalation";
  m.run(70min);
  EXPECT_GT(m.sent.size(), before);
}

TEST(Notify, a_channel_that_fails_is_an_alert_told_through_another) {
  Monitor m(told_by({"chat", "mail"}));
  m.run(20s);
  m.speaks = false;
  m.run(70s);
  ASSERT_GE(m.sent.size(), 2u);
  const auto before = m.sent.size();
  m.outcome(m.sent[0].id, DeliveryState::failed);
  m.run(2s);
  ASSERT_GT(m.sent.size(), before);
  const Notification& n = m.sent.back();
  EXPECT_EQ(n.kind, NotificationKind::delivery_failed);
  EXPECT_EQ(n.alerts.at(0).key, "monitor/notification_failed/" + m.sent[0].channel);
  EXPECT_NE(n.channel, m.sent[0].channel);
}

TEST(Notify, a_rule_sees_a_channel_that_fails) {
  EngineConfig config = told_by({"chat", "mail"});
  Problems problems;
  Params when = Params::map(), rule = Params::map(), rules;
  when.set("monitor", Params::of("notification_failed"));
  rule.set("name", Params::of("post"));
  rule.set("when", std::move(when));
  rules.kind = Params::Kind::list;
  rules.items.push_back(std::move(rule));
  config.rules = parse_rules(&rules, "rules", problems);
  ASSERT_TRUE(problems.empty()) << problems[0].to_string();
  Monitor m(std::move(config));
  m.run(20s);
  m.speaks = false;
  m.run(70s);
  const auto fires = [&] {
    const auto& alerts = m.delta.view->alerts;
    return std::any_of(alerts.begin(), alerts.end(), [](const Alert& a) { return a.rule == "post"; });
  };
  const std::string chat = m.sent.at(0).id;
  EXPECT_FALSE(fires());
  m.outcome(chat, DeliveryState::failed);
  m.run(2s);
  EXPECT_TRUE(fires());
  ASSERT_EQ(m.sent.at(2).channel, "chat");
  m.outcome(m.sent[2].id, DeliveryState::delivered);
  m.run(2s);
  EXPECT_FALSE(fires());
}

TEST(Notify, a_remedy_that_waits_for_a_word_is_told_once_at_once_and_with_its_action) {
  EngineConfig config = told_by({"chat"});
  config.defaults.recovery.mode = RecoveryMode::approve;
  config.defaults.recovery.allow_last = true;
  config.defaults.recovery.young_monitor = 0s;
  Monitor m(std::move(config));
  m.waiting.push_back(
      SourceInput{.source = "agent/h1", .host = "h1", .can_restart = true, .received = m.clock.now().steady});
  m.run(20s);
  m.speaks = false;
  m.run(150s);  // before anything escalates
  std::vector<const Alert*> asked;
  std::set<std::string> messages;
  for (const Notification& n : m.sent)
    for (const Alert& a : n.alerts)
      if (a.reason == Reason::approval_wanted) {
        asked.push_back(&a);
        messages.insert(n.id);
      }
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(messages.size(), 1u);
  const auto action = m.delta.view->find("w1")->action;
  ASSERT_TRUE(action);
  EXPECT_EQ(asked[0]->annotations.at(0), std::make_pair(std::string("action_id"), action->action_id));
  EXPECT_EQ(asked[0]->annotations.at(1).first, "runbook_url");
  CommandInput yes{.command_id = "1", .verb = Verb::approve, .worker_id = "w1"};
  EXPECT_TRUE(m.command(yes).success);
  for (const Alert& a : m.delta.view->alerts) EXPECT_NE(a.reason, Reason::approval_wanted);
}

TEST(Notify, after_a_shutdown_nothing_new_is_sent) {
  Monitor m;
  m.run(20s);
  m.speaks = false;
  m.waiting.push_back(ShutdownInput{});
  m.run(120s);
  EXPECT_TRUE(m.sent.empty());
}

}  // namespace
}  // namespace paramedic
