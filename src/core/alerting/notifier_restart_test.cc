#include "core/alerting/notifier_harness.h"

namespace paramedic {
namespace {

// ---- restart and reload --------------------------------------------------------------------------------------------

TEST(Notifier, a_restart_tells_nothing_twice_and_goes_on) {
  PostOffice p = PostOffice::on_call();
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

TEST(Notifier, a_reload_without_any_channel_lets_no_timer_stand_still) {
  PostOffice p;
  p.fire("w1");
  p.notifier->set_config(PostOffice::simple({}), p.clock.now());
  p.pass(9h);
  EXPECT_EQ(p.story(), "firing");
  const auto next = p.notifier->next_deadline();
  EXPECT_TRUE(!next || *next > p.clock.now().steady);
  p.resolve("w1");
  EXPECT_EQ(p.notifier->stats().groups, 0u);
}

}  // namespace
}  // namespace paramedic
