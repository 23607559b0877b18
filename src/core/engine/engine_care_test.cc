// What the engine hands to recovery and to incidents besides findings: last words, age, tasks, load.
#include "core/engine/engine_bench.h"

namespace paramedic {
namespace {

EngineConfig with(RecoveryPolicy policy) {
  EngineConfig config;
  config.defaults.recovery = std::move(policy);
  return config;
}

TEST(EngineCare, the_last_words_of_a_dead_worker_stand_in_its_incident) {
  EngineBench bench;
  bench.live(2);
  Report dead = bench.report("w-0");
  dead.process->exit = ExitInfo{.code = 1};
  dead.process->last_words = "Traceback (most recent call last):\nKeyError: 'user'";
  bench.send(dead);
  bench.step();
  std::string text;
  for (const Incident& incident : bench.delta.view->incidents)
    for (const TimelineEntry& entry : incident.timeline)
      if (entry.kind == TimelineKind::diagnosed) text = entry.text;
  EXPECT_EQ(text, "w-0: its last words:\nTraceback (most recent call last):\nKeyError: 'user'");
}

TEST(EngineCare, a_worker_is_recycled_by_its_tasks_when_it_does_nothing) {
  RecoveryPolicy policy;
  policy.recycle_tasks = 100;
  EngineBench bench(with(policy));
  const auto report = [&](const std::string& id, std::uint64_t done, bool busy) {
    Report r = bench.report(id);
    r.capabilities->tasks = true;
    r.tasks = {TaskPart{.type = "resize", .started = done + busy, .completed = done}};
    r.in_flight.emplace();
    if (busy) r.in_flight->push_back({.id = "t", .type = "resize", .started_at = bench.clock.now().wall});
    r.concurrency = 1;
    bench.send(r);
  };
  bench.live(3, 70s);  // no stop in the first minute of the monitor
  const auto round = [&](std::uint64_t done, bool busy) {
    for (const char* id : {"w-0", "w-1", "w-2"}) report(id, std::string(id) == "w-0" ? done : 5, busy);
    bench.step();
    bench.run_for(5s);
  };
  round(99, true);
  EXPECT_TRUE(bench.acts<SendLadder>().empty());
  round(100, true);
  round(100, true);
  EXPECT_TRUE(bench.acts<SendLadder>().empty()) << "every slot of the pool works";
  ASSERT_TRUE(bench.worker("w-0")->held);
  EXPECT_EQ(bench.worker("w-0")->held->code, HoldCode::waits_for_quiet);
  round(101, false);
  round(101, false);
  ASSERT_EQ(bench.acts<SendLadder>().size(), 1u);
  EXPECT_EQ(bench.acts<SendLadder>()[0].ladder.worker_id, "w-0");
  EXPECT_EQ(bench.acts<SendLadder>()[0].ladder.kind, RemedyKind::drain_restart);
  EXPECT_NE(bench.acts<SendLadder>()[0].ladder.reason.find("finished 101 tasks"), std::string::npos);
}

TEST(EngineCare, the_age_of_a_worker_that_ran_before_the_monitor_is_its_own) {
  RecoveryPolicy policy;
  policy.recycle_age = 1h;
  policy.allow_last = true;
  EngineBench bench(with(policy));
  bench.connect("h1");
  const WallTime began = bench.clock.now().wall - 90min;
  for (int i = 0; i < 16; ++i) {
    Report r = bench.report("w-0");
    r.process->started_at = began;
    bench.send(r);
    bench.step();
    bench.run_for(5s);
  }
  ASSERT_EQ(bench.acts<SendLadder>().size(), 1u) << "it came due long ago; only the first minute was waited for";
  EXPECT_NE(bench.acts<SendLadder>()[0].ladder.reason.find("runs for 1h30m"), std::string::npos)
      << bench.acts<SendLadder>()[0].ladder.reason;
}

}  // namespace
}  // namespace paramedic
