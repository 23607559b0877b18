// Ages, order, lateness, duplicates, resets, clock steps.
#include <cmath>

#include "core/fleet/fleet_script.h"

namespace paramedic {
namespace {

TEST(FleetEvidence, first_report_makes_worker_and_incarnation) {
  FleetScript s;
  const auto out = s.ok(FleetScript::report("w"));
  EXPECT_TRUE(out.is_new_worker);
  EXPECT_TRUE(out.is_new_incarnation);
  EXPECT_TRUE(out.judge);
  EXPECT_TRUE(out.state_changed);
  ASSERT_EQ(out.source.changes.size(), 1u);
  EXPECT_TRUE(out.source.changes[0].is_new);
  EXPECT_EQ(s.facts("w").pool, "default");
  EXPECT_EQ(s.facts("w").state, WorkerState::running);
  const auto again = s.wait(5s).ok(FleetScript::report("w"));
  EXPECT_FALSE(again.is_new_worker || again.is_new_incarnation || again.state_changed);
  EXPECT_TRUE(again.source.changes.empty());
}

TEST(FleetEvidence, age_of_a_time_is_told_by_the_receivers_clock) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.sent_at = s.now().wall + 3h;  // the sender's clock is three hours off
  r.alive_at = *r.sent_at - 4s;
  r.age = 2s;
  s.ok(r);
  s.wait(10s);
  EXPECT_EQ(s.voice_age("w"), Duration{16s});
}

TEST(FleetEvidence, the_wait_in_the_inbox_counts) {
  FleetScript s;
  Report r = FleetScript::report("w");
  ReportInput in{.report = r, .source = "http", .received = s.now().steady};
  s.wait(3s);
  ASSERT_TRUE(s.fleet.apply(in, s.now()).has_value());
  EXPECT_EQ(s.voice_age("w"), Duration{3s});
}

TEST(FleetEvidence, without_sent_at_a_changed_time_counts_as_seen_at_receipt) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.alive_at = WallTime{1h};
  s.ok(r);
  s.wait(5s).ok(r);  // the same time again is no new sign of life
  EXPECT_EQ(s.voice_age("w"), Duration{5s});
  r.alive_at = WallTime{2h};
  s.wait(5s).ok(r);
  EXPECT_EQ(s.voice_age("w"), Duration{0s});
}

TEST(FleetEvidence, a_step_of_the_senders_clock_makes_nobody_old_or_young) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.sent_at = s.now().wall;
  r.alive_at = s.now().wall - 1s;
  s.ok(r);
  // The clock jumps an hour ahead between voice and report: the voice came after the report before.
  s.wait(5s);
  r.alive_at = s.now().wall - 1s;
  r.sent_at = s.now().wall + 1h;
  s.ok(r);
  EXPECT_LE(s.voice_age("w"), Duration{5s});
  // It jumps back: a time that did not change stays as old as it was.
  s.wait(20s);
  r.sent_at = s.now().wall - 2h;
  s.ok(r);
  EXPECT_GE(s.voice_age("w"), Duration{20s});
}

TEST(FleetEvidence, the_monitors_own_clock_step_changes_no_age) {
  FleetScript s;
  s.ok(FleetScript::report("w"));
  s.clock.jump_wall(-24h);
  s.wait(7s);
  EXPECT_EQ(s.voice_age("w"), Duration{7s});
}

TEST(FleetEvidence, http_reports_are_the_voice_unless_they_speak_about_somebody) {
  FleetScript s;
  s.ok(FleetScript::report("self"));
  EXPECT_TRUE(s.facts("self").voice.expected);
  EXPECT_TRUE(s.facts("self").voice.heard.has_value());
  Report about = FleetScript::report("other");
  about.capabilities = Capabilities{.process = true};
  s.ok(about);
  EXPECT_FALSE(s.facts("other").voice.expected);
  about.capabilities.reset();
  s.wait(5s).ok(about);  // said once
  EXPECT_FALSE(s.facts("other").voice.heard.has_value());
  s.source = "agent/a";
  s.ok(FleetScript::report("agents"));
  EXPECT_FALSE(s.facts("agents").voice.expected);
}

TEST(FleetEvidence, older_than_two_periods_goes_to_history_only) {
  FleetScript s;
  Report r = FleetScript::report("w");
  s.ok(r);
  r.age = 10s;
  EXPECT_TRUE(s.wait(20s).ok(r).judge);
  r.age = 10s + 1ms;
  r.resources = ResourcesPart{.cpu_percent = 12.345};
  r.metrics = {{"queue_len", 3.0}};
  const auto out = s.wait(20s).ok(r);
  EXPECT_FALSE(out.judge);
  ASSERT_TRUE(out.late.has_value());
  EXPECT_EQ(out.late->at, s.now().wall - r.age);
  EXPECT_EQ(out.late->status, Status::unknown);
  EXPECT_TRUE(out.late->backlog);
  EXPECT_EQ(out.late->metrics.find("cpu_percent"), quantise(12.345, 2));
  EXPECT_EQ(out.late->metrics.find("queue_len"), 3.0);
  EXPECT_EQ(s.fleet.stats().reports_late, 1u);
  EXPECT_FALSE(s.facts("w").resources.stamp.at.has_value());
}

TEST(FleetEvidence, backlog_goes_to_history_and_makes_no_worker) {
  FleetScript s;
  const auto out = s.ok(FleetScript::report("w"), true);
  EXPECT_EQ(out.worker, kNoWorker);
  EXPECT_TRUE(out.late.has_value());
  EXPECT_FALSE(out.judge);
  EXPECT_FALSE(s.fleet.find("w").has_value());
  EXPECT_EQ(s.fleet.stats().reports_backlog, 1u);
  s.ok(FleetScript::report("w"));
  EXPECT_EQ(s.ok(FleetScript::report("w"), true).worker, *s.fleet.find("w"));
}

TEST(FleetEvidence, order_within_an_incarnation_is_by_seq) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.incarnation = "i1";
  r.seq = 5;
  EXPECT_TRUE(s.ok(r).judge);
  EXPECT_TRUE(s.wait(1s).ok(r).duplicate);
  r.seq = 4;
  EXPECT_TRUE(s.wait(1s).ok(r).late.has_value());
  r.seq = 6;
  EXPECT_TRUE(s.wait(1s).ok(r).judge);
  r.incarnation = "i2";
  r.seq = 1;
  EXPECT_TRUE(s.wait(1s).ok(r).is_new_incarnation);
  EXPECT_EQ(s.fleet.stats().reports_duplicate, 1u);
  EXPECT_EQ(s.fleet.stats().reports_late, 1u);
}

TEST(FleetEvidence, without_seq_an_older_measurement_is_late) {
  FleetScript s;
  Report r = FleetScript::report("w");
  s.ok(r);
  r.age = 5s;
  EXPECT_TRUE(s.wait(1s).ok(r).late.has_value());
  r.age = 0s;
  r.seq = 3;
  EXPECT_TRUE(s.ok(r).judge);
  r.seq = 1;  // a restarted sender without incarnation counts anew
  EXPECT_TRUE(s.wait(1s).ok(r).judge);
}

TEST(FleetEvidence, a_new_session_of_the_agent_counts_seq_anew) {
  FleetScript s;
  s.source = "agent/a";
  s.connect("agent/a");
  Report r = s.observed("w");
  r.seq = 50;
  EXPECT_TRUE(s.ok(r).judge);
  s.connect("agent/a", SourceState::disconnected);
  s.wait(3s).connect("agent/a");
  r.seq = 1;
  EXPECT_TRUE(s.wait(1s).ok(r).judge);
}

TEST(FleetEvidence, parts_age_one_by_one) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.resources = ResourcesPart{.cpu_percent = 10};
  s.ok(r);
  r.resources.reset();
  for (int i = 0; i < 18; ++i) s.wait(5s).ok(r);
  EXPECT_TRUE(s.facts("w").resources.stamp.known(s.now().steady));
  s.wait(1s);
  EXPECT_FALSE(s.facts("w").resources.stamp.known(s.now().steady));
  EXPECT_EQ(s.view("w").metrics.find("cpu_percent"), std::nullopt);
  r.period = 60s;
  r.resources = ResourcesPart{.cpu_percent = 10};
  s.ok(r);
  s.wait(180s);
  EXPECT_TRUE(s.facts("w").resources.stamp.known(s.now().steady));  // 3 periods
}

TEST(FleetEvidence, counters_are_differences_and_a_fall_is_a_reset) {
  FleetScript s;
  Report r = FleetScript::report("w");
  const auto report = [&](std::uint64_t completed, std::uint64_t failed) {
    r.tasks = {tasks("t", completed, failed)};
    s.wait(5s).ok(r);
    return s.facts("w").tasks.window.over(s.now().steady);
  };
  EXPECT_EQ(report(1000, 10).finished, 0u);  // a baseline: who knows when these were
  EXPECT_EQ(report(1005, 11).finished, 6u);
  EXPECT_EQ(report(7, 1).finished, 14u);  // reset: counts from zero
  EXPECT_EQ(report(8, 1).failed, 2u);
  EXPECT_EQ(s.fleet.stats().counter_resets, 1u);
  const WorkerView v = s.view("w");
  ASSERT_EQ(v.tasks.size(), 1u);
  EXPECT_EQ(v.tasks[0].completed, 1013u);
  EXPECT_EQ(v.tasks[0].failed, 12u);
  EXPECT_EQ(v.metrics.find("total_tasks"), 15.0);
  EXPECT_EQ(v.metrics.find("failed_tasks"), 2.0);
}

TEST(FleetEvidence, the_first_counts_of_a_young_process_are_all_new) {
  FleetScript s;
  Report r = s.observed("w", 100, 2min);
  r.tasks = {tasks("t", 30, 10)};
  s.ok(r);
  EXPECT_EQ(s.facts("w").tasks.window.over(s.now().steady).failed, 10u);
}

TEST(FleetEvidence, durations_are_learned_once_per_task) {
  FleetScript s;
  Report r = FleetScript::report("w");
  TaskPart t = tasks("t", 60);
  t.durations = DurationHistogram{};
  for (int i = 0; i < 60; ++i) t.durations->observe(1.0);
  r.tasks = {t};
  s.ok(r);
  s.wait(5s).ok(r);
  const Snapshot snap = s.fleet.snapshot(*s.fleet.find("w"), s.now());
  ASSERT_EQ(snap.pool.durations.size(), 1u);
  EXPECT_EQ(snap.pool.durations[0].type, "t");
  EXPECT_EQ(snap.pool.durations[0].count, 60u);
  EXPECT_DOUBLE_EQ(snap.pool.durations[0].mean_seconds, 1.0);
  EXPECT_TRUE(snap.pool.durations[0].learned());
}

TEST(FleetEvidence, cpu_over_the_silent_time_is_that_after_the_last_voice) {
  FleetScript s;
  s.source = "agent/a";
  Report r = s.observed("w");
  r.alive_at = WallTime{1h};
  r.resources = ResourcesPart{.cpu_percent = 50, .cpu_cores = 4};
  s.ok(r);
  EXPECT_EQ(s.facts("w").voice.cores_while_silent(), std::nullopt);
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").voice.cores_while_silent(), 2.0);
  r.resources->cpu_percent = 0;
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").voice.cores_while_silent(), 1.0);
  r.alive_at = WallTime{2h};
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").voice.cores_while_silent(), std::nullopt);
}

// The start of an interpreter burns a core; a line that dies in that second must not make its silence look busy.
TEST(FleetEvidence, cpu_of_a_sample_that_began_before_the_last_voice_is_not_that_of_the_silence) {
  FleetScript s;
  s.source = "agent/a";
  Report r = s.observed("w");
  r.resources = ResourcesPart{.cpu_percent = 100, .cpu_cores = 1};
  s.ok(r);
  Report voice = s.observed("w");
  voice.alive_at = WallTime{1h};
  s.wait(1s).ok(voice);
  r.alive_at = voice.alive_at;
  s.wait(1s).ok(r);
  EXPECT_EQ(s.facts("w").voice.cores_while_silent(), std::nullopt) << "half of it is older than the voice";
  s.wait(1s).ok(r);
  EXPECT_EQ(s.facts("w").voice.cores_while_silent(), 1.0);
}

TEST(FleetEvidence, running_tasks_keep_the_start_first_computed) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.sent_at = s.now().wall;
  r.in_flight = {InFlightTask{.id = "a", .type = "t", .started_at = s.now().wall - 10s}};
  s.ok(r);
  s.wait(5s);
  r.sent_at = s.now().wall + 1h;
  s.ok(r);
  EXPECT_EQ(s.now().steady - s.facts("w").in_flight[0].started, Duration{15s});
  r.sent_at.reset();
  r.in_flight = {InFlightTask{.id = "b", .type = "t", .started_at = WallTime{}}};
  s.wait(5s).ok(r);
  EXPECT_EQ(s.now().steady - s.facts("w").in_flight[0].started, Duration{0s});
  EXPECT_EQ(s.view("w").in_flight[0].type, "t");
}

TEST(FleetEvidence, a_free_slot_is_in_flight_below_concurrency) {
  FleetScript s;
  Report r = FleetScript::report("w");
  s.ok(r);
  EXPECT_FALSE(s.facts("w").free_since.has_value());  // not known
  r.in_flight = std::vector<InFlightTask>{};
  s.wait(5s).ok(r);
  const auto since = s.facts("w").free_since;
  EXPECT_EQ(since, s.now().steady);
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").free_since, since);
  r.in_flight = {InFlightTask{.id = "a", .type = "t"}};
  s.wait(5s).ok(r);
  EXPECT_FALSE(s.facts("w").free_since.has_value());
  r.concurrency = 2;
  s.wait(5s).ok(r);
  EXPECT_TRUE(s.facts("w").free_since.has_value());
  Report counted = FleetScript::report("x");
  counted.tasks = {tasks("t", 5)};
  s.ok(counted);
  EXPECT_TRUE(s.facts("x").free_since.has_value());
  (*counted.tasks)[0].started = 6;
  s.wait(5s).ok(counted);
  EXPECT_FALSE(s.facts("x").free_since.has_value());
}

TEST(FleetEvidence, numbers_are_quantised_and_nonsense_is_not_known) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.resources = ResourcesPart{.cpu_percent = 41.23456, .memory_percent = -1, .memory_mb = 512.25};
  r.metrics = {{"b", 1.23456}, {"a_percent", 7.777}, {"bad", std::nan("")}};
  r.disks = {DiskPart{.mount = "/", .used_percent = 71.239}, DiskPart{.mount = "/x", .used_percent = 5}};
  s.ok(r);
  const MetricSet m = s.fleet.metrics(*s.fleet.find("w"), s.now());
  EXPECT_EQ(m.find("cpu_percent"), 41.23);
  EXPECT_EQ(m.find("memory_percent"), std::nullopt);
  EXPECT_EQ(m.find("memory_mb"), 512.3);
  EXPECT_EQ(m.find("disk_percent"), 71.24);
  EXPECT_EQ(m.find("b"), 1.235);
  EXPECT_EQ(m.find("a_percent"), 7.78);
  EXPECT_EQ(m.find("bad"), std::nullopt);
  EXPECT_EQ(m.find("last_heartbeat_seconds"), 0.0);
  EXPECT_TRUE(std::is_sorted(m.names->begin(), m.names->end()));
}

TEST(FleetEvidence, workers_of_one_shape_share_their_names) {
  FleetScript s;
  Report r = FleetScript::report("a");
  r.metrics = {{"x", 1}, {"y", 2}};
  s.ok(r);
  r.worker_id = "b";
  r.metrics = {{"y", 1}, {"x", 2}};
  s.ok(r);
  const auto names = [&](const char* id) { return s.fleet.metrics(*s.fleet.find(id), s.now()).names; };
  EXPECT_EQ(names("a"), names("b"));
  r.metrics = {{"x", 5}};
  s.wait(5s).ok(r);  // a metric that pauses leaves the shape as it is
  EXPECT_EQ(names("a"), names("b"));
  EXPECT_EQ(s.fleet.metrics(*s.fleet.find("b"), s.now()).find("y"), std::nullopt);
}

TEST(FleetEvidence, fatal_gpu_errors_stay_until_the_next_life) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.incarnation = "i1";
  r.resources = ResourcesPart{};
  r.resources->gpus = {GpuPart{.id = "g", .utilization = 5, .xid = 79}};
  s.ok(r);
  r.resources->gpus[0].xid = 13;
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").resources.gpus[0].xids, (std::array<std::uint16_t, 4>{13, 79, 0, 0}));
  r.resources->gpus[0].xid.reset();
  r.incarnation = "i2";
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").resources.gpus[0].xids[0], 0);
}

TEST(FleetEvidence, models_remember_since_when_and_teach_their_load_time) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.models = {ModelPart{.name = "m", .state = ModelState::loading, .progress = 0.1}};
  s.ok(r);
  s.wait(10s).ok(r);
  EXPECT_EQ(s.now().steady - s.facts("w").models[0].state_since, Duration{10s});
  EXPECT_EQ(s.facts("w").models[0].progress_at, s.facts("w").models[0].state_since);
  (*r.models)[0].progress = 0.5;
  s.wait(10s).ok(r);
  EXPECT_EQ(s.facts("w").models[0].progress_at, s.now().steady);
  (*r.models)[0].state = ModelState::ready;
  s.wait(10s).ok(r);
  const Snapshot snap = s.fleet.snapshot(*s.fleet.find("w"), s.now());
  ASSERT_NE(snap.pool.find_load("m"), nullptr);
  EXPECT_DOUBLE_EQ(snap.pool.find_load("m")->median_seconds, 30);
  EXPECT_EQ(snap.pool.find_load("n"), nullptr);
}

}  // namespace
}  // namespace paramedic
