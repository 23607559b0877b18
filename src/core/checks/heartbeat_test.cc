#include <gtest/gtest.h>

#include "core/checks/check.h"
#include "core/checks/checks.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

Finding run(SnapshotBuilder b, const HeartbeatConfig& c = {}) { return check_heartbeat(b.build(), c); }
Reason reason(const Finding& f) { return f.causes.empty() ? Reason::none : f.causes.front().reason; }
RemedyKind remedy(const Finding& f) { return f.causes.empty() ? RemedyKind::none : f.causes.front().remedy; }

TEST(HeartbeatCheck, judges_silence_on_both_sides_of_its_limits) {
  struct Row {
    Duration period, age;
    FS status;
    Reason reason;
  };
  const Row rows[] = {
      {5s, 0s, FS::healthy, Reason::none},
      {5s, 30s, FS::healthy, Reason::none},
      {5s, 30s + 1ms, FS::warning, Reason::late},
      {5s, 60s, FS::warning, Reason::late},
      {5s, 60s + 1ms, FS::critical, Reason::silent},
      {60s, 90s, FS::healthy, Reason::none},
      {60s, 90s + 1ms, FS::warning, Reason::late},
      {60s, 180s, FS::warning, Reason::late},
      {60s, 180s + 1ms, FS::critical, Reason::silent},
      {30s, 25h, FS::critical, Reason::silent},  // whole days count
  };
  for (const Row& row : rows) {
    const Finding f = run(snapshot().period(row.period).heard(0s).taken(row.age));
    EXPECT_EQ(f.status, row.status) << to_seconds(row.age);
    EXPECT_EQ(reason(f), row.reason) << to_seconds(row.age);
    ASSERT_EQ(f.metrics.size(), 1u);
    EXPECT_EQ(f.metrics[0].first, "last_heartbeat_seconds");
    EXPECT_DOUBLE_EQ(f.metrics[0].second, to_seconds(row.age));
  }
}

TEST(HeartbeatCheck, silence_asks_for_a_restart_and_names_value_and_limit) {
  const Finding f = run(snapshot().heard(0s).taken(100s));
  EXPECT_EQ(remedy(f), RemedyKind::restart);
  EXPECT_EQ(f.causes[0].evidence, Evidence::timed);
  EXPECT_DOUBLE_EQ(f.causes[0].value, 100);
  EXPECT_DOUBLE_EQ(f.causes[0].limit, 90);
  EXPECT_EQ(remedy(run(snapshot().heard(0s).taken(50s))), RemedyKind::none);
}

TEST(HeartbeatCheck, configured_limits_replace_the_whole_max) {
  HeartbeatConfig c;
  c.critical_after = 1500ms;
  EXPECT_EQ(run(snapshot().heard(0s).taken(1500ms), c).status, FS::healthy);
  EXPECT_EQ(run(snapshot().heard(0s).taken(1501ms), c).status, FS::critical);
  c = {};
  c.warning_after = 10s;
  EXPECT_EQ(run(snapshot().period(60s).heard(0s).taken(11s), c).status, FS::warning);
}

TEST(HeartbeatCheck, source_expiry_replaces_the_default_but_not_a_configured_limit) {
  auto b = snapshot().period(60s).heard(0s).taken(61s);
  b.pool.source.expiry = 60s;
  EXPECT_EQ(run(b).status, FS::critical);
  HeartbeatConfig c;
  c.critical_after = 120s;
  EXPECT_EQ(run(b, c).status, FS::healthy);
}

TEST(HeartbeatCheck, silent_but_burning_cpu_is_starved_until_three_deadlines) {
  EXPECT_EQ(reason(run(snapshot().period(5s).heard(0s).burns(0.6).resources(70s).taken(70s))), Reason::starved);
  EXPECT_EQ(run(snapshot().period(5s).heard(0s).burns(0.6).resources(70s).taken(70s)).status, FS::warning);
  EXPECT_EQ(reason(run(snapshot().period(5s).heard(0s).burns(0.6).resources(180s).taken(180s))), Reason::starved);
  EXPECT_EQ(reason(run(snapshot().period(5s).heard(0s).burns(0.6).resources(180s).taken(180s + 1ms))), Reason::silent);
  EXPECT_EQ(reason(run(snapshot().period(5s).heard(0s).burns(0.5).resources(70s).taken(70s))), Reason::silent);
}

TEST(HeartbeatCheck, unknown_cpu_counts_as_not_burning) {
  EXPECT_EQ(reason(run(snapshot().period(5s).heard(0s).resources(70s).taken(70s))), Reason::silent);
  // CPU data that grew old is unknown too.
  HeartbeatConfig c;
  c.critical_after = 60s;
  EXPECT_EQ(reason(run(snapshot().heard(0s).burns(2).resources(5s).taken(100s), c)), Reason::silent);
}

TEST(HeartbeatCheck, without_a_voice_it_does_not_apply_unless_the_process_is_ill) {
  EXPECT_EQ(run(snapshot().taken(1h)).status, FS::not_applicable);
  EXPECT_EQ(run(snapshot().process(50s, 'S', 0s).taken(60s)).status, FS::not_applicable);
  EXPECT_EQ(run(snapshot().exited(1s, {.code = 1}).taken(2s)).status, FS::critical);
}

TEST(HeartbeatCheck, an_observed_death_is_critical_at_once_and_never_stale) {
  for (const Duration age : {Duration{0s}, Duration{10h}}) {
    const Finding f = run(snapshot().heard(0s).exited(0s, {.signal = 9}).taken(age));
    EXPECT_EQ(f.status, FS::critical);
    EXPECT_EQ(reason(f), Reason::exited);
    EXPECT_EQ(remedy(f), RemedyKind::start);
    EXPECT_EQ(f.causes[0].subject, "signal 9");
  }
  EXPECT_EQ(run(snapshot().exited(0s, {.code = 3})).causes[0].subject, "exit code 3");
  EXPECT_EQ(run(snapshot().exited(0s, {.code = 137, .oom = true})).causes[0].subject, "out of memory");
  EXPECT_EQ(run(snapshot().exited(0s, {.unknown_cause = true})).causes[0].subject, "exit cause unknown");
}

TEST(HeartbeatCheck, process_states) {
  EXPECT_EQ(reason(run(snapshot().heard(0s).process(1s, 'Z', 1s).taken(1s))), Reason::zombie);
  EXPECT_EQ(reason(run(snapshot().heard(0s).process(1s, 'X', 1s).taken(1s))), Reason::exited);
  EXPECT_EQ(run(snapshot().heard(60s).process(60s, 'T', 0s).taken(60s)).status, FS::healthy);
  const Finding stopped = run(snapshot().heard(60s).process(60s, 'T', 0s).taken(60s + 1ms));
  EXPECT_EQ(stopped.status, FS::critical);
  EXPECT_EQ(reason(stopped), Reason::stopped);
  EXPECT_EQ(remedy(stopped), RemedyKind::restart);
  EXPECT_EQ(reason(run(snapshot().heard(60s).process(60s, 'D', 0s).taken(61s))), Reason::blocked);
  // An observation that grew old says nothing; the voice does.
  EXPECT_EQ(run(snapshot().heard(200s).process(60s, 'T', 0s).taken(200s)).status, FS::healthy);
}

TEST(HeartbeatCheck, never_heard_waits_for_the_start_grace) {
  EXPECT_EQ(run(snapshot().expects_voice().taken(60s)).status, FS::unknown);
  const Finding f = run(snapshot().expects_voice().taken(60s + 1ms));
  EXPECT_EQ(f.status, FS::critical);
  EXPECT_EQ(reason(f), Reason::never_heard);
  EXPECT_EQ(run(snapshot().expects_voice().model(0s, "m", ModelState::loading, 0s).taken(300s)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().expects_voice().model(0s, "m", ModelState::loading, 0s).taken(301s)).status, FS::critical);
}

TEST(HeartbeatCheck, a_restored_worker_is_not_critical_only_because_the_monitor_restarted) {
  auto b = snapshot();
  b.worker.last_report.reset();
  EXPECT_EQ(run(b.taken(60s)).status, FS::unknown);
  b.pool.source.since = SnapshotBuilder::at(100s);  // its source came late: silence counts from there
  EXPECT_EQ(run(b.taken(190s)).status, FS::unknown);
  const Finding f = run(b.taken(191s));
  EXPECT_EQ(reason(f), Reason::silent);
  EXPECT_EQ(remedy(f), RemedyKind::none);
}

TEST(HeartbeatCheck, silence_after_an_announced_stop_is_no_finding) {
  auto b = snapshot().heard(0s);
  b.worker.stop = StopNotice{};
  EXPECT_EQ(run(b.taken(10s)).status, FS::healthy);
  EXPECT_EQ(run(b.taken(500s)).status, FS::not_applicable);
}

TEST(HeartbeatCheck, deadlines_are_the_next_limits) {
  const auto next = [](SnapshotBuilder b) { return deadline_heartbeat(b.build(), {}); };
  const auto at = SnapshotBuilder::at;
  EXPECT_EQ(next(snapshot().period(5s).heard(0s).taken(1s)), at(30s) + 1ns);
  EXPECT_EQ(next(snapshot().period(5s).heard(0s).taken(31s)), at(60s) + 1ns);
  EXPECT_EQ(next(snapshot().period(5s).heard(0s).taken(61s)), std::nullopt);
  EXPECT_EQ(next(snapshot().period(5s).heard(0s).burns(1).taken(61s)), at(180s) + 1ns);
  EXPECT_EQ(next(snapshot().expects_voice().taken(1s)), at(60s) + 1ns);
  EXPECT_EQ(next(snapshot().heard(50s).process(50s, 'T', 10s).taken(50s)), at(70s) + 1ns);
  EXPECT_EQ(next(snapshot().heard(0s).exited(1s, {}).taken(1s)), std::nullopt);
  auto restored = snapshot().taken(1s);
  restored.worker.last_report.reset();
  EXPECT_EQ(next(restored), at(90s) + 1ns);
}

TEST(HeartbeatConfig, refuses_limits_that_contradict) {
  Problems problems;
  Params p = Params::map();
  p.set("warning_after", Params::of("60s")).set("critical_after", Params::of("60s"));
  ParamsReader reader(&p, "checks.heartbeat", problems);
  HeartbeatConfig::parse(reader);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].to_string().find("checks.heartbeat.warning_after"), std::string::npos);
}

}  // namespace
}  // namespace paramedic
