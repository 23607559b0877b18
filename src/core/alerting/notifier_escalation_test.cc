#include "core/alerting/notifier_harness.h"

namespace paramedic {
namespace {

// ---- acknowledgement and escalation --------------------------------------------------------------------------------

TEST(Notifier, an_unacknowledged_critical_escalates_after_300_s_and_its_last_step_repeats) {
  PostOffice p = PostOffice::on_call();
  p.fire("w1");
  p.pass(300s - 1ms);
  EXPECT_EQ(p.sent.size(), 1u);
  p.pass(1ms);
  ASSERT_EQ(p.story("pager"), "escalation");
  EXPECT_EQ(p.sent[1].escalation_step, 1);
  EXPECT_NE(p.sent[1].text.find("Nobody has acknowledged this for 5m"), std::string::npos) << p.sent[1].text;
  p.pass(900s);
  ASSERT_EQ(p.story("boss"), "escalation");
  p.pass(30min);
  EXPECT_EQ(p.story("boss"), "escalation escalation");
  EXPECT_EQ(p.story("pager"), "escalation");
  p.pass(60min);
  EXPECT_EQ(p.of(NotificationKind::escalation, "boss").size(), 4u);
  EXPECT_TRUE(p.of(NotificationKind::reminder).empty());
  p.resolve("w1");
  for (const std::string channel : {"chat", "pager", "boss"})
    EXPECT_EQ(p.of(NotificationKind::resolved, channel).size(), 1u) << channel;
}

TEST(Notifier, a_warning_does_not_escalate_until_it_is_critical) {
  PostOffice p = PostOffice::on_call();
  p.fire("w1", Severity::warning);
  p.pass(1h);
  EXPECT_TRUE(p.of(NotificationKind::escalation).empty());
  p.fire("w1", Severity::critical);
  p.pass(300s);
  EXPECT_EQ(p.of(NotificationKind::escalation).size(), 1u);
}

TEST(Notifier, without_a_chain_the_routes_own_channels_hear_it_again) {
  PostOffice p;
  p.fire("w1");
  p.pass(300s);
  EXPECT_EQ(p.story(), "firing escalation");
  p.pass(30min);
  EXPECT_EQ(p.story(), "firing escalation escalation");
}

TEST(Notifier, an_acknowledgement_stops_reminders_and_escalation_but_not_the_end) {
  PostOffice p = PostOffice::on_call();
  p.fire("w1");
  p.pass(60s);
  const CommandResult r = p.command(Verb::acknowledge, "inc-1");
  EXPECT_TRUE(r.success) << r.message;
  ASSERT_EQ(p.notifier->acknowledgements().size(), 1u);
  EXPECT_EQ(p.notifier->acknowledgements()[0].author, "ada");
  EXPECT_EQ(p.story("chat"), "firing acknowledged");
  EXPECT_EQ(p.sent[1].actor, "ada");
  EXPECT_NE(p.sent[1].text.find("Acknowledged by ada until"), std::string::npos);
  p.pass(8h - 61s);
  EXPECT_EQ(p.sent.size(), 2u);
  p.resolve("w1");
  EXPECT_EQ(p.story("chat"), "firing acknowledged resolved");
  EXPECT_TRUE(p.notifier->acknowledgements().empty()) << "it ends with its incident";
  EXPECT_FALSE(p.acks.at("inc-1").on);
}

TEST(Notifier, an_acknowledgement_expires_after_8_hours) {
  PostOffice p = PostOffice::on_call();
  p.fire("w1");
  p.command(Verb::acknowledge, "inc-1");
  p.pass(8h);
  EXPECT_TRUE(p.notifier->acknowledgements().empty());
  EXPECT_EQ(p.of(NotificationKind::reminder).size(), 1u) << "it was due long ago";
  p.pass(300s);
  EXPECT_EQ(p.of(NotificationKind::escalation, "pager").size(), 1u);
}

TEST(Notifier, an_acknowledgement_can_be_withdrawn_and_named_by_an_alert) {
  PostOffice p = PostOffice::on_call();
  p.fire("w1");
  EXPECT_TRUE(p.command(Verb::acknowledge, "worker/w1/heartbeat/silent", 1h).success);
  p.pass(30min);
  EXPECT_TRUE(p.of(NotificationKind::escalation).empty());
  EXPECT_TRUE(p.command(Verb::unacknowledge, "inc-1").success);
  EXPECT_TRUE(p.notifier->acknowledgements().empty());
  p.pass(300s);
  EXPECT_EQ(p.of(NotificationKind::escalation).size(), 1u);
  EXPECT_EQ(p.command(Verb::unacknowledge, "inc-1").error->code, Errc::not_found);
  EXPECT_EQ(p.command(Verb::acknowledge, "inc-99").error->code, Errc::not_found);
  EXPECT_EQ(p.command(Verb::acknowledge, "inc-1", 24h * 40).error->code, Errc::invalid_argument);
}

TEST(Notifier, a_rise_is_told_although_somebody_has_it) {
  PostOffice p;
  p.fire("w1", Severity::warning);
  p.command(Verb::acknowledge, "inc-1");
  p.fire("w1", Severity::critical);
  EXPECT_EQ(p.story(), "firing acknowledged update");
  p.pass(1h);
  EXPECT_EQ(p.sent.size(), 3u);
}

}  // namespace
}  // namespace paramedic
