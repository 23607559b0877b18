#include "core/alerting/notifier.h"

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

// ---- acknowledgement and escalation --------------------------------------------------------------------------------

PostOffice on_call() {
  NotifierConfig c = PostOffice::simple({"chat", "pager", "boss"});
  c.routes[0].channels = {"chat"};
  c.routes[0].escalation = {{300s, {"pager"}}, {900s, {"boss"}}};
  return PostOffice(std::move(c));
}

TEST(Notifier, an_unacknowledged_critical_escalates_after_300_s_and_its_last_step_repeats) {
  PostOffice p = on_call();
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
  PostOffice p = on_call();
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
  PostOffice p = on_call();
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
  PostOffice p = on_call();
  p.fire("w1");
  p.command(Verb::acknowledge, "inc-1");
  p.pass(8h);
  EXPECT_TRUE(p.notifier->acknowledgements().empty());
  EXPECT_EQ(p.of(NotificationKind::reminder).size(), 1u) << "it was due long ago";
  p.pass(300s);
  EXPECT_EQ(p.of(NotificationKind::escalation, "pager").size(), 1u);
}

TEST(Notifier, an_acknowledgement_can_be_withdrawn_and_named_by_an_alert) {
  PostOffice p = on_call();
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

// ---- flapping ------------------------------------------------------------------------------------------------------

TEST(Notifier, flapping_lengthens_the_end_only) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  p.fire("w1");
  p.resolve("w1");
  EXPECT_EQ(p.story(), "firing resolved") << "a first end is told at once";
  p.pass(30s);
  p.fire("w1");
  EXPECT_EQ(p.story(), "firing resolved firing") << "a first firing never waits";
  p.resolve("w1");
  p.pass(59s);
  EXPECT_EQ(p.sent.size(), 3u);
  for (int i = 0; i < 20; ++i) {
    p.fire("w1");
    p.pass(30s);
    p.resolve("w1");
    p.pass(30s);
  }
  EXPECT_EQ(p.sent.size(), 3u) << "back before its end was told: one story";
  p.pass(1h);
  ASSERT_EQ(p.story(), "firing resolved firing resolved");
  EXPECT_EQ(p.sent[3].group_key, p.sent[2].group_key);
}

TEST(Notifier, the_hold_off_grows_by_half_up_to_an_hour) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  std::vector<Duration> holds;
  for (int i = 0; i < 16; ++i) {
    p.fire("w1");
    p.resolve("w1");
    const auto ended = p.clock.now().steady;
    const std::size_t before = p.of(NotificationKind::resolved).size();
    if (i > 0 && before == p.of(NotificationKind::resolved).size()) {
      const auto due = p.notifier->next_deadline();
      ASSERT_TRUE(due);
      holds.push_back(*due - ended);
      p.pass(*due - ended);
    }
  }
  ASSERT_GE(holds.size(), 12u);
  EXPECT_EQ(holds[0], 60s);
  EXPECT_EQ(holds[1], 90s);
  EXPECT_EQ(holds[2], 135s);
  EXPECT_EQ(holds.back(), 1h);
}

TEST(Notifier, a_rise_is_told_although_it_flaps) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  for (int i = 0; i < 3; ++i) {
    p.fire("w1", Severity::warning);
    p.resolve("w1");
  }
  const auto before = p.sent.size();
  p.fire("w1", Severity::critical);
  EXPECT_EQ(p.sent.size(), before + 1);
  EXPECT_EQ(p.sent.back().severity, Severity::critical);
}

TEST(Notifier, what_is_gone_does_not_flap) {
  PostOffice p;
  p.fire("w1");
  p.resolve("w1");
  p.fire("w1");
  p.resolve("w1", "gone");
  EXPECT_EQ(p.story(), "firing resolved firing resolved");
}

// ---- storm ---------------------------------------------------------------------------------------------------------

TEST(Notifier, more_than_20_new_incidents_in_5_min_become_one_notice) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  for (int i = 0; i < 60; ++i) {
    p.fire("w" + std::to_string(i));
    p.pass(100ms);
  }
  EXPECT_EQ(p.of(NotificationKind::firing).size(), 20u);
  ASSERT_EQ(p.of(NotificationKind::storm).size(), 1u);
  EXPECT_EQ(p.sent.size(), 21u);
  p.pass(6min);
  ASSERT_EQ(p.of(NotificationKind::update).size(), 1u);
  const Notification u = p.of(NotificationKind::update)[0];
  EXPECT_EQ(u.title, "40 incidents within 5m");
  EXPECT_EQ(u.worker_count, 40);
  EXPECT_NE(u.text.find("pool=p (40)"), std::string::npos) << u.text;
  EXPECT_EQ(label_value(u.common_labels, "host"), "h1");
  for (int i = 0; i < 59; ++i) p.resolve("w" + std::to_string(i));
  EXPECT_EQ(p.of(NotificationKind::resolved).size(), 20u);
  p.resolve("w59");
  EXPECT_EQ(p.of(NotificationKind::resolved).size(), 21u);
}

TEST(Notifier, a_storm_never_swallows_the_first_incident_of_a_pool) {
  PostOffice p;
  for (int i = 0; i < 40; ++i) p.fire("w" + std::to_string(i));
  p.fire("x1", Severity::critical, "other");
  p.fire("x2", Severity::critical, "other");
  const auto firing = p.of(NotificationKind::firing);
  EXPECT_EQ(firing.size(), 21u);
  EXPECT_EQ(firing.back().alerts.at(0).worker_id, "x1");
}

TEST(Notifier, after_the_storm_new_incidents_are_told_again) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  for (int i = 0; i < 30; ++i) p.fire("w" + std::to_string(i));
  p.pass(10min);
  p.fire("late");
  EXPECT_EQ(p.sent.back().kind, NotificationKind::firing);
  EXPECT_EQ(p.sent.back().title, "Worker late: silent");
}

TEST(Notifier, a_storm_outlives_a_restart) {
  PostOffice p;
  p.route().escalation.clear();
  p.rebuild();
  for (int i = 0; i < 40; ++i) p.fire("w" + std::to_string(i));
  const auto before = p.sent.size();
  p.restart();
  p.pass(1min);
  EXPECT_EQ(p.sent.size(), before) << "what the storm swallowed does not slip out";
  for (int i = 0; i < 40; ++i) p.resolve("w" + std::to_string(i));
  EXPECT_EQ(p.of(NotificationKind::resolved).size(), 21u);
}

// ---- restart and reload --------------------------------------------------------------------------------------------

TEST(Notifier, a_restart_tells_nothing_twice_and_goes_on) {
  PostOffice p = on_call();
  p.fire("w1");
  p.pass(200s);
  const auto first = p.sent[0];
  p.restart();
  EXPECT_EQ(p.sent.size(), 1u);
  p.pass(100s);
  ASSERT_EQ(p.story("pager"), "escalation") << "the chain goes on where it was";
  p.restart();
  p.pass(900s);
  EXPECT_EQ(p.story("boss"), "escalation");
  p.pass(10h);
  p.restart();
  p.resolve("w1");
  ASSERT_EQ(p.of(NotificationKind::resolved).size(), 3u);
  EXPECT_EQ(p.of(NotificationKind::resolved)[0].group_key, first.group_key);
  std::set<std::string> ids;
  for (const Notification& n : p.sent) EXPECT_TRUE(ids.insert(n.id).second) << n.id;
}

TEST(Notifier, messages_without_outcome_are_sent_again_under_the_same_id) {
  PostOffice p;
  p.deliver = false;
  p.fire("w1");
  p.outcome(p.sent[0].id, DeliveryState::tried, 1, "503");
  p.restart();
  ASSERT_EQ(p.sent.size(), 2u);
  EXPECT_EQ(p.sent[1].id, p.sent[0].id);
  p.outcome(p.sent[0].id, DeliveryState::delivered, 2);
  p.restart();
  EXPECT_EQ(p.sent.size(), 2u);
}

TEST(Notifier, a_decision_that_was_not_committed_is_made_again_with_the_same_id) {
  PostOffice p;
  p.state(p.alert("w1", Severity::critical));
  const LedgerState before = p.ledger();
  p.settle();
  ASSERT_EQ(p.sent.size(), 1u);
  Notifier again(p.config);
  again.restore(before, p.clock.now());
  NotifierOutput out;
  again.settle(p.clock.now(), out);
  ASSERT_EQ(out.acts.size(), 1u);
  EXPECT_EQ(std::get<SendNotification>(out.acts[0]).notification.id, p.sent[0].id);
}

TEST(Notifier, a_pending_wait_begins_anew_after_a_restart) {
  PostOffice p;
  p.route().group_wait = 10s;
  p.rebuild();
  p.fire("w1");
  p.pass(8s);
  p.restart();
  p.pass(9s);
  EXPECT_TRUE(p.sent.empty());
  p.pass(1s);
  EXPECT_EQ(p.sent.size(), 1u);
}

TEST(Notifier, what_resolved_while_nobody_watched_still_gets_its_end) {
  PostOffice p;
  p.fire("w1");
  p.firing.clear();
  p.open.clear();
  p.restart();
  EXPECT_EQ(p.story(), "firing resolved");
}

TEST(Notifier, a_reload_keeps_the_stories_of_routes_that_stay) {
  PostOffice p(PostOffice::simple({"chat", "mail"}));
  p.route().channels = {"chat"};
  p.rebuild();
  p.fire("w1");
  p.silence({"worker_id=w2"}, 1h);
  p.fire("w2");
  NotifierConfig other = p.config;
  other.routes[0].channels = {"chat", "mail"};
  p.notifier->set_config(other, p.clock.now());
  p.settle();
  EXPECT_EQ(p.story("chat"), "firing");
  EXPECT_EQ(p.story("mail"), "firing") << "who is new to the route is told";
  p.resolve("w1");
  EXPECT_EQ(p.of(NotificationKind::resolved).size(), 2u);
}

TEST(Notifier, a_reload_moves_a_story_to_the_route_that_takes_it_now) {
  PostOffice p;
  p.fire("w1");
  NotifierConfig other = p.config;
  Route child = other.routes[0];
  child.name = "pools";
  child.matchers = *CompiledMatchers::compile({*parse_matcher("pool=p")});
  other.routes[0].children = {1};
  other.routes.push_back(child);
  other.routes[0].name = "renamed";
  p.notifier->set_config(other, p.clock.now());
  p.pass(1min);
  EXPECT_EQ(p.story(), "firing");
  p.resolve("w1");
  ASSERT_EQ(p.story(), "firing resolved");
  EXPECT_EQ(p.sent[1].group_key, p.sent[0].group_key);
}

TEST(Notifier, a_story_whose_route_is_gone_still_gets_its_end) {
  PostOffice p;
  p.fire("w1", Severity::warning);
  NotifierConfig other = p.config;
  other.routes[0].name = "critical only";
  other.routes[0].min_severity = Severity::critical;
  p.notifier->set_config(other, p.clock.now());
  p.pass(9h);
  EXPECT_EQ(p.story(), "firing");
  p.resolve("w1");
  EXPECT_EQ(p.story(), "firing resolved");
}

}  // namespace
}  // namespace paramedic
