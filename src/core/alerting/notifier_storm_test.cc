#include "core/alerting/notifier_harness.h"

namespace paramedic {
namespace {

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

}  // namespace
}  // namespace paramedic
