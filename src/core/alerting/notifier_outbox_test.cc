#include "core/alerting/notifier_harness.h"

namespace paramedic {
namespace {

PostOffice two_channels() {
  Params channels = Params::map();
  Params chat = Params::map();
  chat.set("failover", Params::of("mail"));
  channels.set("chat", chat);
  channels.set("mail", Params::map());
  NotifierConfig c = PostOffice::parse(channels);
  c.routes[0].channels = {"chat"};
  c.routes[0].escalation.clear();
  PostOffice p(std::move(c));
  p.deliver = false;
  return p;
}

// What Alerting makes of the notifier's wishes.
void apply_wishes(PostOffice& p) {
  for (const AlertWish& w : std::exchange(p.wishes, {})) {
    if (!w.on) {
      p.resolve_key(w.key);
      continue;
    }
    Alert a;
    a.key = w.key;
    a.severity = w.severity;
    a.reason = w.reason;
    a.title = w.title;
    a.message = w.message;
    a.labels = w.labels;
    a.incident_id = p.incident("monitor", w.title).id;
    a.started_at = p.clock.now().wall;
    p.state(a);
  }
  p.settle();
}

TEST(Outbox, each_message_stands_in_the_ledger_before_it_is_sent_and_until_its_end) {
  PostOffice p = two_channels();
  p.fire("w1");
  const std::string id = p.sent.at(0).id;
  EXPECT_EQ(p.records.at(id).state, DeliveryState::queued);
  p.outcome(id, DeliveryState::tried, 1, "503 Service Unavailable");
  EXPECT_EQ(p.records.at(id).state, DeliveryState::tried);
  EXPECT_EQ(p.records.at(id).answer, "503 Service Unavailable");
  EXPECT_TRUE(p.records.at(id).tried_at);
  p.outcome(id, DeliveryState::delivered, 2, "200 OK");
  EXPECT_EQ(p.records.at(id).state, DeliveryState::delivered);
  EXPECT_EQ(p.records.at(id).attempts, 2);
  EXPECT_TRUE(p.records.at(id).ended_at);
  EXPECT_EQ(p.notifier->stats().outbox, 0u);
  EXPECT_TRUE(p.wishes.empty());
  p.outcome(id, DeliveryState::failed, 3);
  EXPECT_EQ(p.records.at(id).state, DeliveryState::delivered) << "an end is an end";
  EXPECT_EQ(p.notifier->stats().unknown_outcomes, 1u);
}

TEST(Outbox, a_permanent_failure_goes_to_the_next_channel_at_once_and_raises_an_alert_that_avoids_the_failed_one) {
  PostOffice p = two_channels();
  p.fire("w1");
  const Notification first = p.sent.at(0);
  p.outcome(first.id, DeliveryState::failed, 1, "404 no_service");
  ASSERT_EQ(p.sent.size(), 2u);
  EXPECT_EQ(p.sent[1].channel, "mail");
  EXPECT_EQ(p.sent[1].group_key, first.group_key);
  EXPECT_EQ(p.records.at(first.id).failed_over_to, p.sent[1].id);
  ASSERT_EQ(p.wishes.size(), 1u);
  EXPECT_EQ(p.wishes[0].key, "monitor/notification_failed/chat");
  EXPECT_EQ(p.wishes[0].rule, "paramedic_notification_failed");
  EXPECT_NE(p.wishes[0].message.find("404 no_service"), std::string::npos);
  apply_wishes(p);
  ASSERT_EQ(p.sent.size(), 3u);
  EXPECT_EQ(p.sent[2].kind, NotificationKind::delivery_failed);
  EXPECT_EQ(p.sent[2].channel, "mail");
  // The story is told to its end to both; the alert about the channel never uses it.
  p.resolve("w1");
  EXPECT_EQ(p.of(NotificationKind::resolved, "chat").size(), 1u);
  EXPECT_EQ(p.of(NotificationKind::resolved, "mail").size(), 1u);
  for (const Notification& n : p.sent) EXPECT_TRUE(n.channel == "mail" || !n.title.ends_with("cannot be reached"));
}

TEST(Outbox, a_channel_that_works_again_ends_its_alert) {
  PostOffice p = two_channels();
  p.fire("w1");
  p.outcome(p.sent.at(0).id, DeliveryState::failed);
  apply_wishes(p);
  p.fire("w2");
  p.outcome(p.of(NotificationKind::firing, "chat").back().id, DeliveryState::delivered);
  ASSERT_EQ(p.wishes.size(), 1u);
  EXPECT_FALSE(p.wishes[0].on);
  apply_wishes(p);
  EXPECT_EQ(p.sent.back().kind, NotificationKind::resolved);
  EXPECT_EQ(p.sent.back().channel, "mail");
}

TEST(Outbox, a_failing_channel_that_leaves_the_configuration_ends_its_alert) {
  PostOffice p = two_channels();
  p.fire("w1");
  p.outcome(p.sent.at(0).id, DeliveryState::failed);
  apply_wishes(p);
  EXPECT_TRUE(p.notifier->any_channel_fails());
  p.notifier->set_config(PostOffice::simple({"mail"}), p.clock.now());
  NotifierOutput out;
  p.notifier->check_deliveries(p.clock.now(), out);
  ASSERT_EQ(out.wishes.size(), 1u);
  EXPECT_EQ(out.wishes[0].key, "monitor/notification_failed/chat");
  EXPECT_FALSE(out.wishes[0].on);
  EXPECT_FALSE(p.notifier->any_channel_fails());
}

TEST(Outbox, a_route_names_who_stands_in_and_nobody_gets_it_twice) {
  NotifierConfig c = PostOffice::simple({"a", "b", "c"});
  c.routes[0].channels = {"a", "b"};
  c.routes[0].failover = {"b", "c"};
  PostOffice p(std::move(c));
  p.deliver = false;
  p.fire("w1");
  ASSERT_EQ(p.sent.size(), 2u);
  p.outcome(p.sent[0].id, DeliveryState::failed);
  EXPECT_EQ(p.sent.size(), 2u) << "b was told the same";
  p.outcome(p.sent[1].id, DeliveryState::failed);
  ASSERT_EQ(p.sent.size(), 3u);
  EXPECT_EQ(p.sent[2].channel, "c");
  p.outcome(p.sent[2].id, DeliveryState::failed);
  EXPECT_EQ(p.sent.size(), 3u) << "nobody is left, and nothing goes round";
  EXPECT_NE(p.wishes.back().message.find("nobody else has the message"), std::string::npos);
}

TEST(Outbox, channels_that_stand_in_for_each_other_do_not_play_ping_pong) {
  Params channels = Params::map();
  channels.set("a", Params::map().set("failover", Params::of("b")));
  channels.set("b", Params::map().set("failover", Params::of("a")));
  NotifierConfig c = PostOffice::parse(channels);
  c.routes[0].channels = {"a"};
  PostOffice p(std::move(c));
  p.deliver = false;
  p.fire("w1");
  p.outcome(p.sent.at(0).id, DeliveryState::failed);
  p.restart();
  p.outcome(p.sent.back().id, DeliveryState::failed);
  EXPECT_EQ(p.of(NotificationKind::firing, "a").size(), 1u);
}

TEST(Outbox, a_critical_message_goes_to_the_next_channel_after_5_min_of_tries_while_the_first_is_tried_on) {
  PostOffice p = two_channels();
  p.fire("w1");
  p.fire("w2", Severity::warning);
  const std::string critical = p.sent.at(0).id, warning = p.sent.at(1).id;
  p.pass(1min);
  p.outcome(critical, DeliveryState::tried, 1, "503");
  p.outcome(warning, DeliveryState::tried, 1, "503");
  p.pass(5min - 1s);
  EXPECT_TRUE(p.of(NotificationKind::firing, "mail").empty());
  p.outcome(critical, DeliveryState::tried, 9, "503");
  p.pass(1s);
  ASSERT_EQ(p.of(NotificationKind::firing, "mail").size(), 1u);
  EXPECT_EQ(p.of(NotificationKind::firing, "mail")[0].severity, Severity::critical);
  EXPECT_EQ(p.records.at(critical).state, DeliveryState::tried);
  ASSERT_EQ(p.wishes.size(), 1u);
  EXPECT_TRUE(p.wishes[0].on);
  p.pass(1h);
  EXPECT_EQ(p.of(NotificationKind::firing, "mail").size(), 1u);
  p.outcome(critical, DeliveryState::delivered, 30);
  EXPECT_EQ(p.records.at(critical).state, DeliveryState::delivered);
  EXPECT_FALSE(p.wishes.back().on);
}

TEST(Outbox, a_queue_that_cannot_deliver_for_24_h_has_failed) {
  PostOffice p = two_channels();
  p.fire("w1", Severity::warning);
  const std::string id = p.sent.at(0).id;
  p.pass(12h);
  p.restart();
  p.pass(12h);
  EXPECT_EQ(p.records.at(id).state, DeliveryState::failed);
  EXPECT_EQ(p.records.at(id).answer, "not delivered within 1d");
  EXPECT_FALSE(p.wishes.empty());
  EXPECT_GE(p.of(NotificationKind::firing, "mail").size(), 1u);
}

TEST(Outbox, a_digest_comes_with_its_first_outcome_and_its_members_end_as_merged) {
  PostOffice p = two_channels();
  p.fire("w1");
  p.fire("w2");
  Notification digest;
  digest.id = "dig-1";
  digest.channel = "chat";
  digest.kind = NotificationKind::digest;
  digest.members = {p.sent[0].id, p.sent[1].id};
  DeliveryOutcome o{.notification_id = "dig-1", .state = DeliveryState::tried, .attempts = 1};
  o.digest = digest;
  p.notifier->on_delivery(o, p.clock.now(), p.out);
  for (int i = 0; i < 2; ++i)
    p.notifier->on_delivery({.notification_id = p.sent[i].id, .state = DeliveryState::merged, .merged_into = "dig-1"},
                            p.clock.now(), p.out);
  p.settle();
  EXPECT_EQ(p.records.at("dig-1").state, DeliveryState::tried);
  EXPECT_EQ(p.records.at(p.sent[0].id).state, DeliveryState::merged);
  EXPECT_EQ(p.records.at(p.sent[1].id).merged_into, "dig-1");
  p.outcome("dig-1", DeliveryState::failed);
  ASSERT_EQ(p.sent.size(), 3u);
  EXPECT_EQ(p.sent[2].kind, NotificationKind::digest);
  EXPECT_EQ(p.sent[2].channel, "mail");
}

}  // namespace
}  // namespace paramedic
