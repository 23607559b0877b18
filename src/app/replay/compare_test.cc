#include "app/replay/compare.h"

#include <gtest/gtest.h>

namespace paramedic::replay {
namespace {

const WallTime kT0{std::chrono::hours(500'000)};

struct CompareTest : testing::Test {
  Alert alert(Duration from, std::optional<Duration> to, const std::string& worker = "w-1") {
    Alert a;
    a.key = "worker/" + worker + "/resources/memory_high";
    a.rule = "memory_high";
    a.reason = Reason::memory_high;
    a.pool = "thumbs";
    a.worker_id = worker;
    a.started_at = kT0 + from;
    if (to) a.ended_at = kT0 + *to;
    return a;
  }
  ActionRecord restart(Duration at, ActionState state, const std::string& id) {
    ActionRecord a;
    a.action_id = id;
    a.worker_id = "w-1";
    a.pool = "thumbs";
    a.reason = Reason::silent;
    a.state = state;
    a.actor = "paramedic";
    a.requested_at = kT0 + at;
    if (is_final(state)) a.ended_at = kT0 + at + 30s;
    return a;
  }
  Comparison result() { return compare(old_side, new_side, spans); }
  const Line& only_line(const Comparison& c) {
    EXPECT_EQ(c.lines.size(), 1u);
    return c.lines.at(0);
  }
  std::vector<Span> spans{{kT0, kT0 + 10h}};
  Tally old_side{kT0, kT0 + 10h}, new_side{kT0, kT0 + 10h};
};

TEST_F(CompareTest, nothing_on_both_sides_is_the_same) {
  EXPECT_TRUE(result().same());
  EXPECT_TRUE(result().lines.empty());
}

TEST_F(CompareTest, alerts_that_overlap_are_one_and_a_later_beginning_is_told) {
  old_side.take(alert(1h, 2h));
  new_side.take(alert(90min, 2h));
  const auto c = result();
  const Line& line = only_line(c);
  EXPECT_TRUE(c.differences.empty());
  EXPECT_EQ(line.later, 1u);
  EXPECT_EQ(line.earlier, 0u);
  EXPECT_FALSE(c.same());
  EXPECT_EQ(line.old_side.seconds, 3600);
  EXPECT_EQ(line.new_side.seconds, 1800);
}

TEST_F(CompareTest, alerts_apart_are_two_differences_in_the_order_of_time) {
  new_side.take(alert(3h, 4h));
  old_side.take(alert(1h, 2h));
  old_side.take(alert(5h, 5h, "w-2"));
  const auto c = result();
  ASSERT_EQ(c.differences.size(), 3u);
  EXPECT_FALSE(c.differences[0].only_new);
  EXPECT_TRUE(c.differences[1].only_new);
  EXPECT_EQ(c.differences[2].worker_id, "w-2");
  EXPECT_EQ(only_line(c).only_old, 2u);
  EXPECT_EQ(only_line(c).only_new, 1u);
}

TEST_F(CompareTest, holes_count_for_nobody) {
  spans = {{kT0, kT0 + 1h}, {kT0 + 2h, kT0 + 3h}};
  old_side.take(alert(30min, 150min));  // half an hour in each span
  new_side.take(alert(30min, std::nullopt));
  old_side.take(alert(90min, 95min, "w-2"));  // in the hole
  const auto c = result();
  EXPECT_EQ(only_line(c).old_side.seconds, 3600);
  EXPECT_EQ(only_line(c).new_side.seconds, 1800 + 3600);
  EXPECT_EQ(only_line(c).old_side.begun, 1u);
  EXPECT_EQ(only_line(c).new_side.ended, 0u);
  EXPECT_TRUE(c.differences.empty());
}

TEST_F(CompareTest, restarts_are_counted_by_what_became_of_them) {
  old_side.take(restart(1h, ActionState::succeeded, "a"));
  new_side.take(restart(1h + 10s, ActionState::failed, "b"));
  new_side.outcome_unknown("b");
  new_side.take(restart(2h, ActionState::failed, "c"));
  const auto c = result();
  const Line& line = only_line(c);
  EXPECT_EQ(line.old_side.succeeded, 1u);
  EXPECT_EQ(line.new_side.begun, 2u);
  EXPECT_EQ(line.new_side.failed, 1u);  // what is not known has not failed
  EXPECT_EQ(line.new_side.outcome_unknown, 1u);
  EXPECT_EQ(line.later, 1u);
  ASSERT_EQ(c.differences.size(), 1u);
  EXPECT_EQ(c.differences[0].key, "c");
}

TEST_F(CompareTest, what_the_recording_did_by_itself_and_what_began_before_counts_for_nobody) {
  ActionRecord brought_in = restart(1h, ActionState::succeeded, "a");
  brought_in.actor = std::string(kRecordingActor);
  new_side.take(brought_in);
  old_side.take(alert(-1h, 1h));
  EXPECT_TRUE(result().lines.empty());
}

TEST_F(CompareTest, what_a_run_inherits_is_not_its_doing_and_what_it_does_not_ended_before) {
  new_side.take(alert(1h, std::nullopt));
  LedgerState state;
  state.alerts = {alert(30min, std::nullopt, "w-2")};
  new_side.begin_run(state, kT0 + 2h);
  new_side.take(alert(30min, 3h, "w-2"));  // it ends it, yet did not begin it
  const auto c = result();
  EXPECT_EQ(only_line(c).new_side.begun, 1u);
  EXPECT_EQ(only_line(c).new_side.seconds, 3600);
}

TEST_F(CompareTest, an_incident_changes_its_severity_and_stays_one) {
  Incident incident;
  incident.id = "i-1";
  incident.scope = "worker/w-1";
  incident.started_at = kT0 + 1h;
  incident.severity = Severity::warning;
  new_side.take(incident);
  incident.severity = Severity::critical;
  incident.ended_at = kT0 + 2h;
  new_side.take(incident);
  const auto c = result();
  EXPECT_EQ(only_line(c).name, "critical");
  EXPECT_EQ(only_line(c).new_side.ended, 1u);
  EXPECT_TRUE(c.differences.empty());  // told by its alerts
  EXPECT_FALSE(c.same());
}

}  // namespace
}  // namespace paramedic::replay
