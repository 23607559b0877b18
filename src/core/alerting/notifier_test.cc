#include "core/alerting/notifier_harness.h"

namespace paramedic {
namespace {

// ---- one incident, one story ---------------------------------------------------------------------------------------

TEST(Notifier, an_incident_is_told_once_and_its_end_once) {
  PostOffice p;
  p.fire("w1");
  ASSERT_EQ(p.story(), "firing");
  const Notification n = p.sent[0];
  EXPECT_EQ(n.channel, "chat");
  EXPECT_EQ(n.severity, Severity::critical);
  EXPECT_EQ(n.title, "Worker w1: silent");
  EXPECT_EQ(n.text, "critical: Worker w1: silent: for 72 s (limit 60 s) (for 0s)");
  EXPECT_EQ(n.incident_id, "inc-1");
  EXPECT_TRUE(n.needs_acknowledgement);
  EXPECT_EQ(n.firing_count, 1);
  EXPECT_EQ(n.worker_count, 1);
  EXPECT_EQ(n.alerts.size(), 1u);
  p.fire("w1");
  EXPECT_EQ(p.sent.size(), 1u) << "stating it again tells nothing";
  p.pass(1min);
  p.resolve("w1");
  ASSERT_EQ(p.story(), "firing resolved");
  EXPECT_EQ(p.sent[1].group_key, n.group_key);
  EXPECT_GT(p.sent[1].sequence, n.sequence);
  EXPECT_EQ(p.sent[1].severity, Severity::critical) << "the worst that fired";
  EXPECT_EQ(p.sent[1].title, n.title);
  EXPECT_EQ(p.sent[1].alerts.at(0).closed_as, "recovered");
  EXPECT_NE(p.sent[1].id, n.id);
  EXPECT_FALSE(p.groups.at(n.group_key).open);
  p.pass(24h);
  EXPECT_EQ(p.sent.size(), 2u);
}

TEST(Notifier, without_channels_nobody_is_told_and_nothing_waits) {
  PostOffice p(PostOffice::simple({}));
  p.fire("w1");
  EXPECT_TRUE(p.sent.empty());
  EXPECT_FALSE(p.notifier->next_deadline());
}

TEST(Notifier, the_default_route_tells_warnings_to_every_channel_and_info_to_none) {
  PostOffice p(PostOffice::simple({"chat", "mail"}));
  p.fire("w1", Severity::info);
  EXPECT_TRUE(p.sent.empty());
  p.fire("w2", Severity::warning);
  EXPECT_EQ(p.story("chat"), "firing");
  EXPECT_EQ(p.story("mail"), "firing");
  EXPECT_NE(p.sent[0].id, p.sent[1].id);
  EXPECT_FALSE(p.sent[0].needs_acknowledgement);
}

TEST(Notifier, a_crash_that_is_cured_is_info_and_wakes_nobody_until_its_cure_fails) {
  PostOffice p;
  p.fire("w1", Severity::info);
  p.resolve("w1");
  EXPECT_TRUE(p.sent.empty());
  p.fire("w1", Severity::info);
  p.fire("w1", Severity::critical);
  EXPECT_EQ(p.story(), "firing");
  p.resolve("w1");
  EXPECT_EQ(p.sent.back().kind, NotificationKind::resolved);
}

TEST(Notifier, later_members_join_silently_until_the_group_interval) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  p.fire("w1");
  const std::string inc = p.firing.begin()->second.incident_id;
  p.pass(10s);
  for (int i = 2; i < 40; ++i) p.state(p.alert("w" + std::to_string(i), Severity::critical, inc));
  p.settle();
  EXPECT_EQ(p.story(), "firing");
  p.pass(5min - 11s);
  EXPECT_EQ(p.story(), "firing");
  p.pass(2s);
  ASSERT_EQ(p.story(), "firing update");
  EXPECT_EQ(p.sent[1].firing_count, 39);
  EXPECT_EQ(p.sent[1].worker_count, 39);
  EXPECT_EQ(p.sent[1].alerts.size(), Notification::kMaxAlerts);
  EXPECT_NE(p.sent[1].text.find("and 29 more"), std::string::npos) << p.sent[1].text;
  for (int i = 1; i < 39; ++i) p.resolve("w" + std::to_string(i));
  p.pass(1h);
  EXPECT_EQ(p.story(), "firing update") << "who leaves is no news";
  p.resolve("w39");
  EXPECT_EQ(p.story(), "firing update resolved");
}

TEST(Notifier, a_rise_in_severity_is_told_at_once) {
  PostOffice p;
  p.fire("w1", Severity::warning);
  p.pass(1s);
  p.fire("w1", Severity::critical);
  ASSERT_EQ(p.story(), "firing update");
  EXPECT_EQ(p.sent[1].severity, Severity::critical);
  p.fire("w1", Severity::warning);
  p.pass(1min);
  p.fire("w1", Severity::critical);
  EXPECT_EQ(p.story(), "firing update") << "it was told already";
}

TEST(Notifier, a_new_member_that_is_worse_is_told_at_once) {
  PostOffice p;
  p.fire("w1", Severity::warning);
  p.state(p.alert("w2", Severity::critical, p.firing.begin()->second.incident_id));
  p.settle();
  EXPECT_EQ(p.story(), "firing update");
}

TEST(Notifier, reminds_after_the_repeat_interval) {
  PostOffice p;
  p.fire("w1", Severity::warning);
  p.pass(4h - 1s);
  EXPECT_EQ(p.story(), "firing");
  p.pass(1s);
  EXPECT_EQ(p.story(), "firing reminder");
  EXPECT_NE(p.sent[1].text.find("Still firing after 4h"), std::string::npos) << p.sent[1].text;
  p.pass(4h);
  EXPECT_EQ(p.story(), "firing reminder reminder");
}

TEST(Notifier, a_group_wait_delays_inferred_ones_only) {
  PostOffice p;
  p.route().group_wait = 2s;
  p.rebuild();
  p.fire("w1");
  EXPECT_TRUE(p.sent.empty());
  p.pass(1s);
  p.state(p.alert("w1", Severity::critical, {}, "p", Reason::hung_task));
  p.pass(999ms);
  EXPECT_TRUE(p.sent.empty());
  p.pass(1ms);
  ASSERT_EQ(p.sent.size(), 1u);
  EXPECT_EQ(p.sent[0].firing_count, 2);
  Alert seen = p.alert("w2", Severity::critical);
  seen.hard_evidence = true;
  p.state(seen);
  p.settle();
  EXPECT_EQ(p.sent.size(), 2u);
}

TEST(Notifier, what_ended_within_its_wait_is_not_told) {
  PostOffice p;
  p.route().group_wait = 2s;
  p.rebuild();
  p.fire("w1");
  p.pass(1s);
  p.resolve("w1");
  p.pass(1h);
  EXPECT_TRUE(p.sent.empty());
}

TEST(Notifier, closing_as_gone_is_said) {
  PostOffice p;
  p.fire("w1");
  p.resolve("w1", "gone");
  ASSERT_EQ(p.story(), "firing resolved");
  EXPECT_NE(p.sent[1].text.find("gone after"), std::string::npos) << p.sent[1].text;
}

// ---- incidents that join -------------------------------------------------------------------------------------------

TEST(Notifier, a_cause_joins_the_story_that_was_told_as_an_update_and_nobody_hears_a_false_end) {
  PostOffice p;
  p.fire("w1");
  p.fire("w2");
  ASSERT_EQ(p.story(), "firing firing");
  const std::string first = p.alert("w1", Severity::critical).incident_id;
  const std::string second = p.alert("w2", Severity::critical).incident_id;
  p.pass(1s);
  // As Alerting does it in one settle: the oldest goes on as that of the cause, the other joins it.
  p.open.at(first).scope = "cause/host/h1";
  p.open.at(first).title = "3 of 3 workers of host h1 are ill";
  p.notifier->on_incident(p.open.at(first), p.clock.now(), p.out);
  p.state(p.alert("w2", Severity::critical, first));
  p.state(p.alert("w3", Severity::critical, first));
  Alert cause;
  cause.key = "cause/host/h1";
  cause.reason = Reason::shared_cause;
  cause.severity = Severity::critical;
  cause.title = "3 of 3 workers of host h1 are ill";
  cause.incident_id = first;
  cause.started_at = p.clock.now().wall;
  p.state(cause);
  p.end_incident(second);
  p.settle();
  ASSERT_EQ(p.story(), "firing firing update");
  EXPECT_EQ(p.sent[2].group_key, p.sent[0].group_key);
  EXPECT_EQ(p.sent[2].title, "3 of 3 workers of host h1 are ill");
  EXPECT_EQ(p.sent[2].alerts.at(0).key, "cause/host/h1") << "the explanation first";
  cause.title = "3 of 4 workers of host h1 are ill";
  p.state(cause);
  p.pass(4min);
  EXPECT_EQ(p.sent.size(), 3u);
  p.restart();
  p.resolve("w1");
  p.resolve("w2");
  p.resolve("w3");
  EXPECT_EQ(p.sent.size(), 3u);
  p.resolve_key("cause/host/h1");
  p.settle();
  ASSERT_EQ(p.story(), "firing firing update resolved resolved");
  EXPECT_EQ(p.sent[3].group_key, p.sent[0].group_key);
  EXPECT_EQ(p.sent[4].group_key, p.sent[1].group_key) << "both receivers hear the end";
}

TEST(Notifier, what_an_outage_explains_opens_no_story_of_its_own) {
  PostOffice p;
  p.route().group_by = {"pool"};
  p.rebuild();
  Alert head;
  head.key = "source/redis-a";
  head.reason = Reason::broker_down;
  head.severity = Severity::critical;
  head.title = "Broker redis-a is down";
  head.incident_id = p.incident("source/redis-a", head.title).id;
  head.started_at = p.clock.now().wall;
  p.state(head);
  for (int i = 0; i < 100; ++i)
    p.state(p.alert("w" + std::to_string(i), Severity::critical, head.incident_id, i % 2 ? "a" : "b"));
  p.settle();
  ASSERT_EQ(p.story(), "firing");
  EXPECT_EQ(p.sent[0].title, "Broker redis-a is down");
  p.pass(1h);
  EXPECT_TRUE(p.of(NotificationKind::update).empty());
  // The broker is back but pool a is not: it speaks for itself.
  for (int i = 0; i < 100; i += 2) p.resolve("w" + std::to_string(i));
  p.resolve_key("source/redis-a");
  p.settle();
  EXPECT_EQ(p.of(NotificationKind::resolved).size(), 1u);
  ASSERT_EQ(p.of(NotificationKind::firing).size(), 2u);
  EXPECT_EQ(p.of(NotificationKind::firing)[1].group_labels, (Labels{{"pool", "a"}}));
}

TEST(Notifier, a_broker_outage_of_500_workers_is_one_message_one_update_and_its_end) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  Alert head;
  head.key = "source/redis-a";
  head.reason = Reason::broker_down;
  head.severity = Severity::critical;
  head.title = "Broker redis-a is down";
  head.incident_id = p.incident("source/redis-a", head.title).id;
  head.started_at = p.clock.now().wall;
  p.state(head);
  p.settle();
  for (int i = 0; i < 500; ++i) {
    p.state(p.alert("w" + std::to_string(i), Severity::critical, head.incident_id));
    if (i % 50 == 0) p.pass(100ms);
  }
  p.pass(20min);
  EXPECT_EQ(p.story(), "firing update");
  EXPECT_EQ(p.sent[1].worker_count, 500);
  EXPECT_EQ(p.sent[1].title, "Broker redis-a is down");
  for (int i = 0; i < 500; ++i) p.resolve("w" + std::to_string(i));
  p.resolve_key("source/redis-a");
  p.settle();
  EXPECT_EQ(p.story(), "firing update resolved");
}

}  // namespace
}  // namespace paramedic
