// Which ends of a life are told as deaths, for poison tasks; and what a try of a restart leaves behind.
#include "core/recovery/recovery_harness.h"

namespace paramedic {
namespace {

TEST(RecoveryDeaths, a_crash_is_one_with_its_cause) {
  RecoveryBench b;
  b.workers(3);
  b.dies("w0", {.signal = 9, .oom = true});
  ASSERT_EQ(b.out.deaths.size(), 1u);
  EXPECT_EQ(b.out.deaths[0].incarnation, "w0#1");
  EXPECT_EQ(b.out.deaths[0].how, "signal 9, out of memory");
  EXPECT_FALSE(b.out.deaths[0].stopped);
  b.say("w0");
  EXPECT_EQ(b.out.deaths.size(), 1u);
}

TEST(RecoveryDeaths, an_end_on_purpose_is_none) {
  RecoveryBench b;
  b.workers(3);
  b.dies("w0", {.code = 0});
  b.facts.at("w1").announced_stop = true;
  b.dies("w1", {.signal = 15});
  EXPECT_TRUE(b.out.deaths.empty());
}

TEST(RecoveryDeaths, a_stop_of_a_hung_worker_is_one_and_says_so) {
  RecoveryBench b;
  b.pool_of(10, 1);
  b.pass(3s);
  ASSERT_EQ(b.ladders(), 1);
  b.dies("w0", {.signal = 9});
  ASSERT_EQ(b.out.deaths.size(), 1u);
  EXPECT_TRUE(b.out.deaths[0].stopped);
  EXPECT_EQ(b.out.deaths[0].how, "stopped: hung task");
}

TEST(RecoveryDeaths, a_stop_whose_end_nobody_saw_is_one_when_its_successor_is_told) {
  RecoveryBench b;
  b.pool_of(10, 1);
  b.pass(3s);
  b.progress("w0", LadderStep::start, true, true, "w0#2");
  ASSERT_EQ(b.out.deaths.size(), 1u);
  EXPECT_EQ(b.out.deaths[0].incarnation, "w0#1");
}

TEST(RecoveryDeaths, other_stops_are_none) {
  RecoveryBench b;
  b.workers(10);
  b.ill("w0", RemedyKind::restart, Reason::disconnected);
  b.settle();
  b.pass(3s);
  ASSERT_EQ(b.ladders(), 1);
  b.dies("w0", {.signal = 15});
  b.command(Verb::restart, "w1");
  b.dies("w1", {.signal = 15});
  EXPECT_TRUE(b.out.deaths.empty());
}

TEST(RecoveryDryRun, tells_what_would_be_done_and_does_nothing) {
  RecoveryBench b;
  b.workers(3);
  auto& f = b.facts.at("w0");
  f.tasks_known = true;
  f.acknowledge = Acknowledge::early;
  f.in_flight = {{.id = "t1", .type = "resize", .started_at = b.clock.now().wall - 41s}};
  f.usual_seconds = {60.0};
  b.say("w0");
  const CommandResult r = b.command_dry("w0");
  EXPECT_TRUE(r.success);
  EXPECT_FALSE(r.running);
  EXPECT_EQ(r.message, "would drain and restart worker w0; 1 task in flight, 1 safe: resize t1 (running 41 s, safe)");
  ASSERT_TRUE(r.forecast);
  EXPECT_EQ(r.forecast->kind, RemedyKind::drain_restart);
  b.settle();
  EXPECT_EQ(b.ladders(), 0);
  EXPECT_TRUE(b.entries<AuditRecord>().empty());
  // A refusal is told as it would be.
  RecoveryBench alone;
  alone.workers(1);
  EXPECT_EQ(alone.command_dry("w0").error->code, Errc::conflict);
}

}  // namespace
}  // namespace paramedic
