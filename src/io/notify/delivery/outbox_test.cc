// The rules of an outbox as scripts: what goes out when, and what the ledger is told. No thread, no sleeping.
#include "io/notify/delivery/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/notify/delivery/digest.h"

namespace paramedic::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Notification note(std::string id, std::string story, Severity severity = Severity::warning,
                  NotificationKind kind = NotificationKind::firing) {
  Notification out;
  out.id = std::move(id);
  out.group_key = std::move(story);
  out.channel = "chat";
  out.severity = severity;
  out.kind = kind;
  out.title = "title of " + out.id;
  return out;
}

struct Bench {
  ManualClock clock;
  DeliveryLimits limits;
  ChannelTraits traits;
  std::optional<Outbox> box;
  std::vector<DeliveryOutcome> told;

  Bench() {
    limits.pace = {1000, 1000};
    traits.can_digest = true;
    traits.wants.fill(true);
  }
  Outbox& outbox() {
    if (!box) box.emplace(limits, traits, clock.now());
    return *box;
  }
  void add(Notification n) {
    if (n.at == WallTime{}) n.at = clock.now().wall;
    outbox().add(std::move(n), clock.now());
  }
  void collect() {
    for (auto& one : outbox().take_outcomes()) told.push_back(std::move(one));
  }
  // Id of what goes out now; "" = nothing.
  std::string next() {
    const auto attempt = outbox().next(clock.now());
    collect();
    return attempt ? attempt->notification.id : "";
  }
  void answer(SendResult result) {
    outbox().finish(result, clock.now());
    collect();
  }
  void deliver(std::string remote_id = "") {
    answer({.verdict = SendVerdict::delivered, .answer = "ok", .remote_id = std::move(remote_id), .http_status = 200});
    outbox().recorded(told.back().notification_id, told.back().state);
  }
  void fail(int status = 500, std::optional<Duration> retry_after = {}) {
    answer({.verdict = SendVerdict::retry, .answer = "no", .retry_after = retry_after, .http_status = status});
  }
  // Until the outbox wants to be asked again.
  Duration sleep() {
    const auto until = outbox().wake();
    EXPECT_TRUE(until) << "nothing would ever happen again";
    const Duration d = until ? *until - clock.now().steady : 0s;
    clock.advance(d);
    return d;
  }
  // Sends all that goes, delivering it.
  std::vector<std::string> drain() {
    std::vector<std::string> out;
    for (std::string id; !(id = next()).empty();) {
      out.push_back(id);
      deliver();
    }
    return out;
  }
  std::vector<std::string> states() const {
    std::vector<std::string> out;
    for (const auto& one : told) out.push_back(one.notification_id + " " + std::string(to_string(one.state)));
    return out;
  }
};

TEST(Outbox, sends_the_worst_first_then_the_oldest) {
  Bench b;
  b.add(note("i", "s1", Severity::info));
  b.add(note("w1", "s2"));
  b.add(note("w2", "s3"));
  b.add(note("c", "s4", Severity::critical));
  EXPECT_THAT(b.drain(), ElementsAre("c", "w1", "w2", "i"));
  EXPECT_TRUE(b.outbox().empty());
}

TEST(Outbox, keeps_the_order_of_a_story_while_others_pass) {
  Bench b;
  b.add(note("a1", "a"));
  b.add(note("a2", "a", Severity::warning, NotificationKind::resolved));
  b.add(note("b1", "b"));
  EXPECT_EQ(b.next(), "a1");
  b.fail();
  EXPECT_THAT(b.drain(), ElementsAre("b1"));
  const Duration waited = b.sleep();
  EXPECT_GE(waited, 1s);
  EXPECT_LE(waited, 1250ms);
  EXPECT_THAT(b.drain(), ElementsAre("a1", "a2"));
  EXPECT_THAT(b.states(), ElementsAre("a1 tried", "b1 delivered", "a1 delivered", "a2 delivered"));
  EXPECT_EQ(b.told[2].attempts, 2);
}

TEST(Outbox, puts_a_message_of_a_story_in_its_place_by_sequence) {
  Bench b;
  Notification late = note("a2", "a"), early = note("a1", "a");
  late.sequence = 2;
  early.sequence = 1;
  b.add(late);
  b.add(early);
  EXPECT_THAT(b.drain(), ElementsAre("a1", "a2"));
}

TEST(Outbox, a_rise_of_severity_lifts_its_whole_story) {
  Bench b;
  b.add(note("w", "other"));
  b.add(note("a1", "a", Severity::info));
  b.add(note("a2", "a", Severity::critical, NotificationKind::update));
  EXPECT_THAT(b.drain(), ElementsAre("a1", "a2", "w"));
}

TEST(Outbox, waits_twice_as_long_after_each_failure_up_to_the_cap) {
  Bench b;
  b.limits.give_up_after = 24h;
  b.add(note("a", "a"));
  std::vector<Duration> waits;
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(b.next(), "a");
    b.fail();
    EXPECT_EQ(b.next(), "");
    waits.push_back(b.sleep());
  }
  Duration wanted = 1s;
  for (const Duration wait : waits) {
    EXPECT_GE(wait, wanted);
    EXPECT_LE(wait, wanted * 5 / 4);
    wanted = std::min<Duration>(wanted * 2, 5min);
  }
}

TEST(Outbox, a_permanent_error_is_told_at_once) {
  Bench b;
  b.add(note("a", "a"));
  EXPECT_EQ(b.next(), "a");
  b.answer({.verdict = SendVerdict::permanent, .answer = "404 channel_not_found", .http_status = 404});
  EXPECT_THAT(b.states(), ElementsAre("a failed"));
  EXPECT_EQ(b.told[0].answer, "404 channel_not_found");
  EXPECT_TRUE(b.outbox().empty());
}

TEST(Outbox, gives_up_after_the_time_of_the_channel_once_it_was_tried) {
  Bench b;
  b.limits.give_up_after = 10min;
  b.add(note("a", "a"));
  EXPECT_EQ(b.next(), "a");
  b.fail();
  b.clock.advance(10min);
  EXPECT_EQ(b.next(), "");
  EXPECT_THAT(b.states(), ElementsAre("a tried", "a failed"));
  EXPECT_THAT(b.told[1].answer, HasSubstr("given up after 10m"));
  // Old, but never tried and nothing wrong: it is tried.
  Notification old = note("b", "b");
  old.at = b.clock.now().wall - 3h;
  b.add(old);
  b.outbox().set_channel(b.limits, b.traits, b.clock.now());
  EXPECT_EQ(b.next(), "b");
}

TEST(Outbox, retry_after_holds_the_whole_destination_up_to_a_bound) {
  Bench b;
  b.limits.give_up_after = 24h;
  b.add(note("a", "a"));
  b.add(note("b", "b"));
  EXPECT_EQ(b.next(), "a");
  b.fail(429, 7s);
  EXPECT_EQ(b.next(), "") << "all that goes there waits, not this story alone";
  EXPECT_EQ(b.sleep(), 7s);
  EXPECT_EQ(b.next(), "a");
  b.fail(429, 48h);
  EXPECT_EQ(b.next(), "");
  EXPECT_EQ(b.sleep(), Outbox::kRetryAfterMax);
  EXPECT_THAT(b.drain(), ElementsAre("a", "b"));
}

TEST(Outbox, a_destination_that_is_down_is_probed_and_all_go_on_when_it_is_back) {
  Bench b;
  b.limits.give_up_after = 24h;
  b.traits.can_digest = false;
  for (int i = 0; i < 5; ++i) b.add(note("m" + std::to_string(i), "s" + std::to_string(i)));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(b.next(), "m" + std::to_string(i));
    b.fail(0);
  }
  EXPECT_TRUE(b.outbox().stats().down);
  // One probe at a time, at most 30 s apart, whatever the backoff of the single messages.
  int probes = 0;
  for (; probes < 20; ++probes) {
    ASSERT_EQ(b.next(), "");
    EXPECT_LE(b.sleep(), Outbox::kProbeCap * 5 / 4);
    ASSERT_NE(b.next(), "");
    b.fail(0);
  }
  ASSERT_EQ(b.next(), "");
  b.sleep();
  EXPECT_EQ(b.drain().size(), 5u) << "none waits for its own backoff of minutes";
  EXPECT_FALSE(b.outbox().stats().down);
}

TEST(Outbox, one_story_that_the_receiver_cannot_digest_does_not_take_the_destination_down) {
  Bench b;
  b.add(note("bad", "bad"));
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(b.next(), "bad");
    b.fail(500);
    ASSERT_EQ(b.next(), "");
    b.sleep();
  }
  EXPECT_FALSE(b.outbox().stats().down);
}

TEST(Outbox, a_new_life_knows_what_was_delivered_and_how_often_the_rest_was_tried) {
  Bench b;
  NotificationRecord done, open;
  done.notification = note("done", "a");
  done.state = DeliveryState::delivered;
  done.remote_id = "ts-1";
  open.notification = note("open", "b");
  open.state = DeliveryState::tried;
  open.attempts = 4;
  b.outbox().restore(done);
  b.outbox().restore(open);
  b.add(note("done", "a"));
  b.add(note("open", "b"));
  b.add(note("open", "b"));
  b.add(note("next", "a", Severity::info, NotificationKind::update));
  EXPECT_EQ(b.next(), "open");
  b.deliver();
  EXPECT_EQ(b.told[0].attempts, 5);
  const auto attempt = b.outbox().next(b.clock.now());
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->remote_id, "ts-1") << "the thread of the story survives a restart";
  EXPECT_EQ(b.outbox().stats().duplicates, 2u);
}

TEST(Outbox, the_first_message_of_a_story_names_it_until_it_ends) {
  Bench b;
  const auto remote_of_next = [&] {
    const auto attempt = b.outbox().next(b.clock.now());
    return attempt ? attempt->remote_id : "none";
  };
  b.add(note("1", "a"));
  EXPECT_EQ(remote_of_next(), "");
  b.deliver("ts-1");
  b.add(note("2", "a"));
  EXPECT_EQ(remote_of_next(), "ts-1");
  b.deliver("ts-2");
  b.add(note("3", "a", Severity::warning, NotificationKind::resolved));
  EXPECT_EQ(remote_of_next(), "ts-1");
  b.deliver("ts-3");
  b.add(note("4", "a"));
  EXPECT_EQ(remote_of_next(), "") << "a new story with the same key";
}

TEST(Outbox, the_next_message_waits_until_the_ledger_has_the_end_of_the_last) {
  Bench b;
  b.add(note("a", "a"));
  b.add(note("b", "b"));
  EXPECT_EQ(b.next(), "a");
  b.answer({.verdict = SendVerdict::delivered});
  EXPECT_EQ(b.next(), "");
  b.outbox().recorded("a", DeliveryState::queued);
  EXPECT_EQ(b.next(), "") << "an older record of it does not count";
  b.outbox().recorded("a", DeliveryState::delivered);
  EXPECT_EQ(b.next(), "b");
  b.answer({.verdict = SendVerdict::delivered});
  b.add(note("c", "c"));
  EXPECT_EQ(b.next(), "");
  EXPECT_EQ(b.sleep(), Outbox::kRecordWait) << "but not for ever";
  EXPECT_EQ(b.next(), "c");
}

TEST(Outbox, a_ledger_that_cannot_commit_holds_nothing_back_and_is_told_honestly) {
  Bench b;
  b.outbox().set_degraded(true);
  b.add(note("a", "a"));
  b.add(note("b", "b"));
  EXPECT_EQ(b.next(), "a");
  b.answer({.verdict = SendVerdict::delivered, .answer = "200 ok"});
  EXPECT_EQ(b.next(), "b");
  EXPECT_EQ(b.told[0].answer, "200 ok (while the ledger could not commit)");
  EXPECT_EQ(b.outbox().stats().degraded, 1u);
}

TEST(Outbox, a_kind_that_means_nothing_to_the_channel_counts_as_delivered_without_a_send) {
  Bench b;
  b.traits.wants[std::size_t(NotificationKind::acknowledged)] = false;
  b.add(note("ack", "a", Severity::critical, NotificationKind::acknowledged));
  b.add(note("b", "a"));
  EXPECT_EQ(b.next(), "b");
  EXPECT_THAT(b.states(), ElementsAre("ack delivered"));
  EXPECT_EQ(b.told[0].attempts, 0);
}

// ---- pace and digest ------------------------------------------------------------------------------------------------

struct Throttled : Bench {
  Throttled() { limits.pace = {1, 3}; }
  void flood(int count, Severity severity = Severity::warning, const std::string& prefix = "m") {
    for (int i = 0; i < count; ++i)
      add(note(prefix + std::to_string(i), prefix + "-story" + std::to_string(i), severity));
  }
};

TEST(Outbox, holds_the_pace_and_keeps_one_token_for_what_is_critical) {
  Throttled b;
  b.traits.can_digest = false;
  b.flood(4);
  EXPECT_THAT(b.drain(), ElementsAre("m0", "m1"));
  EXPECT_EQ(b.outbox().stats().throttled, 1u);
  b.add(note("c", "c", Severity::critical));
  EXPECT_THAT(b.drain(), ElementsAre("c")) << "without waiting";
  b.sleep();
  EXPECT_THAT(b.drain(), ElementsAre("m2"));
}

TEST(Outbox, merges_what_it_may_not_send_and_records_it) {
  Throttled b;
  b.flood(9);
  EXPECT_EQ(b.next(), "") << "the digest waits for its record";
  ASSERT_EQ(b.told.size(), 10u);
  ASSERT_TRUE(b.told[0].digest) << "the digest is told first";
  const Notification digest = *b.told[0].digest;
  EXPECT_EQ(b.told[0].notification_id, digest.id);
  EXPECT_EQ(b.told[0].state, DeliveryState::queued);
  EXPECT_EQ(digest.kind, NotificationKind::digest);
  EXPECT_EQ(digest.members.size(), 9u);
  EXPECT_THAT(digest.text, HasSubstr("title of m0\n"));
  for (std::size_t i = 1; i < b.told.size(); ++i) {
    EXPECT_EQ(b.told[i].state, DeliveryState::merged);
    EXPECT_EQ(b.told[i].merged_into, digest.id);
  }
  b.outbox().recorded(digest.id, DeliveryState::queued);
  b.told.clear();
  EXPECT_EQ(b.next(), digest.id);
  b.deliver();
  EXPECT_EQ(b.told[0].notification_id, digest.id);
  EXPECT_TRUE(b.outbox().empty());
}

TEST(Outbox, the_same_members_make_the_same_digest) {
  const Notification a = note("a", "a"), b = note("b", "b");
  const Notification* both[] = {&a, &b};
  EXPECT_EQ(make_digest(both, WallTime{}).id, make_digest(both, WallTime{1h}).id);
}

TEST(Outbox, a_critical_message_is_never_merged_with_lesser_ones_nor_waits_for_them) {
  Throttled b;
  b.flood(8);
  b.flood(2, Severity::critical, "c");
  EXPECT_EQ(b.next(), "c0");
  b.deliver();
  EXPECT_EQ(b.next(), "c1");
  b.deliver();
  b.told.clear();
  EXPECT_EQ(b.next(), "");
  b.clock.advance(2s);
  EXPECT_EQ(b.next(), "");
  ASSERT_FALSE(b.told.empty());
  EXPECT_EQ(b.told[0].digest->members.size(), 8u);
  EXPECT_EQ(b.told[0].digest->severity, Severity::warning);
}

TEST(Outbox, later_messages_of_merged_stories_wait_for_the_digest) {
  Throttled b;
  b.flood(8);
  EXPECT_EQ(b.next(), "");
  const std::string digest = b.told[0].notification_id;
  b.outbox().recorded(digest, DeliveryState::queued);
  b.add(note("end", "m-story3", Severity::warning, NotificationKind::resolved));
  EXPECT_EQ(b.next(), digest);
  b.fail();
  EXPECT_EQ(b.next(), "") << "its story's first message is in the digest, which is not through";
  b.clock.advance(5s);
  EXPECT_THAT(b.drain(), ElementsAre(digest, "end"));
}

TEST(Outbox, a_critical_message_behind_a_digest_lifts_it) {
  Throttled b;
  b.flood(8);
  EXPECT_EQ(b.next(), "");
  const std::string digest = b.told[0].notification_id;
  b.outbox().recorded(digest, DeliveryState::queued);
  b.outbox().set_channel({.pace = {0.001, 3}}, b.traits, b.clock.now());
  b.add(note("w", "w"));
  EXPECT_EQ(b.next(), digest);
  b.deliver();
  b.add(note("rise", "m-story1", Severity::critical, NotificationKind::update));
  EXPECT_EQ(b.next(), "rise");
}

TEST(Outbox, what_is_few_or_forbidden_or_tried_is_not_merged) {
  Throttled few;
  few.flood(5);
  EXPECT_EQ(few.next(), "m0");
  Throttled forbidden;
  forbidden.traits.can_digest = false;
  forbidden.flood(9);
  EXPECT_EQ(forbidden.next(), "m0");
  Throttled kinds;
  for (int i = 0; i < 9; ++i)
    kinds.add(note("e" + std::to_string(i), "s" + std::to_string(i), Severity::warning, NotificationKind::escalation));
  EXPECT_EQ(kinds.next(), "e0");
  Throttled tried;
  tried.add(note("t", "t"));
  EXPECT_EQ(tried.next(), "t");
  tried.fail();
  tried.flood(9);
  tried.clock.advance(2s);
  EXPECT_EQ(tried.next(), "t") << "it may have arrived: it goes again as itself";
}

TEST(Outbox, is_bounded_and_lets_the_least_severe_go) {
  Bench b;
  b.traits.can_digest = false;
  b.add(note("c", "c", Severity::critical));
  b.add(note("i", "i", Severity::info));
  for (std::size_t i = 0; i < Outbox::kMaxQueued; ++i) b.add(note("m" + std::to_string(i), "s" + std::to_string(i)));
  b.collect();
  EXPECT_EQ(b.outbox().stats().queued, Outbox::kMaxQueued);
  EXPECT_THAT(b.states(), ElementsAre("i failed", "m0 failed"));
  EXPECT_EQ(b.next(), "c");
}

TEST(Outbox, what_was_cancelled_waits_as_before) {
  Bench b;
  b.add(note("a", "a"));
  EXPECT_EQ(b.next(), "a");
  b.outbox().abandon();
  EXPECT_EQ(b.next(), "a");
  b.outbox().fail_all("gone", b.clock.now());
  b.collect();
  EXPECT_THAT(b.states(), ElementsAre("a failed"));
}

TEST(Outbox, memory_of_delivered_ids_is_bounded) {
  RecentIds ids(3);
  for (const auto* id : {"a", "b", "b", "c", "d"}) ids.insert(id);
  EXPECT_FALSE(ids.contains("a"));
  EXPECT_TRUE(ids.contains("b"));
  EXPECT_EQ(ids.size(), 3u);
}

TEST(TokenBucket, fills_with_time_up_to_its_burst) {
  ManualClock clock;
  TokenBucket bucket({2, 3}, clock.now().steady);
  const auto take = [&] { return bucket.take(clock.now().steady); };
  EXPECT_TRUE(take() && take() && take());
  EXPECT_FALSE(take());
  EXPECT_EQ(bucket.ready_at(1, clock.now().steady) - clock.now().steady, 500ms);
  clock.advance(500ms);
  EXPECT_TRUE(take());
  EXPECT_FALSE(take());
  clock.advance(1h);
  EXPECT_NEAR(bucket.tokens(clock.now().steady), 3, 1e-9);
  bucket.set_pace({1, 1}, clock.now().steady);
  EXPECT_TRUE(take());
  EXPECT_FALSE(take());
}

}  // namespace
}  // namespace paramedic::notify
