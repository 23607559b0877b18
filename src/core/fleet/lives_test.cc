// Incarnations, exits, announced stops, merging, limits, restore, gone.
#include "core/fleet/fleet_script.h"

namespace paramedic {
namespace {

TEST(FleetLives, incarnation_is_explicit_or_derived_from_pid_and_start) {
  FleetScript s;
  Report r = FleetScript::report("a");
  r.incarnation = "i1";
  s.ok(r);
  EXPECT_EQ(s.facts("a").incarnation, "i1");
  s.ok(s.observed("b", 42));
  EXPECT_TRUE(s.facts("b").incarnation.starts_with("pid:42@"));
  r.incarnation.clear();
  EXPECT_FALSE(s.wait(5s).ok(r).is_new_incarnation);  // not told = unchanged
}

TEST(FleetLives, a_later_start_replaces_and_an_earlier_one_never_does) {
  FleetScript s;
  const Report old = s.observed("w", 100, 10min);
  const Report fresh = s.observed("w", 200, 1s);
  s.ok(old);
  const std::string first = s.facts("w").incarnation;
  const auto out = s.wait(1s).ok(fresh);
  EXPECT_TRUE(out.is_new_incarnation);
  EXPECT_FALSE(out.is_new_worker);
  EXPECT_EQ(out.previous_incarnation, first);
  const auto late = s.wait(1s).ok(old);
  EXPECT_FALSE(late.judge);
  EXPECT_TRUE(late.late.has_value());
  EXPECT_EQ(s.facts("w").process.pid, 200);
  EXPECT_FALSE(s.facts("w").duplicate_seen.has_value());  // its last words, not yet a second life
}

TEST(FleetLives, two_alive_at_once_are_a_finding_until_one_is_silent) {
  FleetScript s;
  const Report old = s.observed("w", 100, 10min);
  const Report fresh = s.observed("w", 200, 1s);
  s.ok(old);
  s.wait(1s).ok(fresh);
  s.wait(10s + 1ms).ok(old);
  EXPECT_TRUE(s.facts("w").duplicate_seen.has_value());
  EXPECT_EQ(s.fleet.stats().duplicate_incarnations, 1u);
  ASSERT_EQ(s.fleet.pool_facts("default", s.now()).duplicates.size(), 1u);
  s.wait(91s);
  EXPECT_TRUE(s.fleet.pool_facts("default", s.now()).duplicates.empty());
  s.ok(fresh);
  s.wait(1s).ok(old);
  Report end = old;
  end.process->exit = ExitInfo{.code = 0};
  s.wait(1s).ok(end);
  EXPECT_FALSE(s.facts("w").duplicate_seen.has_value());
  EXPECT_FALSE(s.facts("w").dead());
}

TEST(FleetLives, an_exit_stays_until_a_new_incarnation) {
  FleetScript s;
  s.source = "agent/a";
  Report r = s.observed("w");
  r.in_flight = {InFlightTask{.id = "a", .type = "t", .args_digest = "d"}};
  s.ok(r);
  Report end = r;
  end.process->exit = ExitInfo{.signal = 9};
  end.in_flight.reset();
  const auto out = s.wait(1s).ok(end);
  EXPECT_TRUE(out.exited);
  EXPECT_TRUE(out.judge);
  EXPECT_EQ(s.facts("w").state, WorkerState::running);  // not announced: ill, not stopped
  EXPECT_EQ(s.facts("w").in_flight[0].args_digest, "d");
  EXPECT_FALSE(s.wait(1s).ok(end).exited);         // told again
  EXPECT_TRUE(s.wait(1s).ok(r).late.has_value());  // a straggler does not revive it
  EXPECT_TRUE(s.facts("w").dead());
  const auto back = s.wait(1s).ok(s.observed("w", 101, 0s));
  EXPECT_TRUE(back.is_new_incarnation);
  EXPECT_FALSE(s.facts("w").dead());
  EXPECT_EQ(s.view("w").last_exit->signal, 9);
  EXPECT_TRUE(s.facts("w").in_flight.empty());
}

TEST(FleetLives, without_any_identity_a_report_after_the_exit_is_a_new_life) {
  FleetScript s;
  Report r = FleetScript::report("w");
  s.ok(r);
  Report end = r;
  end.process = ProcessPart{};
  end.process->exit = ExitInfo{.code = 1};
  EXPECT_TRUE(s.wait(1s).ok(end).exited);
  EXPECT_TRUE(s.wait(1s).ok(r).is_new_incarnation);
  EXPECT_FALSE(s.facts("w").dead());
}

TEST(FleetLives, counters_of_a_successor_begin_at_zero_and_totals_live_on) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.incarnation = "i1";
  r.tasks = {tasks("t", 100)};
  s.ok(r);
  r.incarnation = "i2";
  r.tasks = {tasks("t", 4, 2)};
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").tasks.window.over(s.now().steady).finished, 6u);
  EXPECT_EQ(s.view("w").tasks[0].completed, 104u);
  EXPECT_EQ(s.fleet.stats().counter_resets, 0u);
}

TEST(FleetLives, a_new_life_keeps_no_connection_and_no_model_of_the_old_one) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.incarnation = "i1";
  r.queues = {queue("q", false, 3, 9)};
  (*r.queues)[0].rtt_ms = 0.8;
  r.models = {ModelPart{.name = "m", .state = ModelState::ready, .load_seconds = 8.1}};
  r.resources = ResourcesPart{};
  r.resources->gpus = {GpuPart{.id = "g", .utilization = 80, .memory_percent = 71.5}};
  s.ok(r);
  const WorkerView v = s.view("w");
  EXPECT_EQ(v.queues[0].ready, 3u);
  EXPECT_EQ(v.queues[0].connected, false);
  EXPECT_EQ(v.queues[0].rtt_ms, 0.8);
  EXPECT_EQ(v.models[0].load_seconds, 8.1);
  EXPECT_EQ(v.metrics.find("gpu_utilization"), 80.0);
  EXPECT_EQ(v.metrics.find("gpu_memory_percent"), 71.5);
  EXPECT_EQ(s.fleet.brokers()[0].disconnected, 1);
  Report next = FleetScript::report("w");
  next.incarnation = "i2";
  s.wait(5s).ok(next);
  EXPECT_TRUE(s.view("w").models.empty());
  EXPECT_EQ(s.view("w").queues[0].connected, std::nullopt);
  EXPECT_EQ(s.fleet.brokers()[0].reporting, 0);
  next.queues = {queue("q", true, 3, 2)};  // taken by the new life, from zero
  s.wait(5s).ok(next);
  EXPECT_EQ(s.facts("w").last_take, s.now().steady);
  EXPECT_EQ(s.fleet.stats().counter_resets, 0u);
}

TEST(FleetLives, exit_codes_that_mean_stopped) {
  FleetConfig config;
  config.pools["p"].no_restart_exit_codes = {7};
  for (const auto& [pool, code, state] : {std::tuple{"default", 0, WorkerState::stopped},
                                          {"default", 7, WorkerState::running},
                                          {"p", 0, WorkerState::running},
                                          {"p", 7, WorkerState::stopped}}) {
    FleetScript s(config);
    Report r = s.observed("w");
    r.pool = pool;
    s.ok(r);
    r.process->exit = ExitInfo{.code = code};
    s.wait(1s).ok(r);
    EXPECT_EQ(s.facts("w").state, state) << pool << code;
  }
}

TEST(FleetLives, lifecycle_follows_what_is_said_and_heard) {
  FleetScript s;
  s.source = "agent/a";
  Report r = s.observed("w");
  r.capabilities = Capabilities{.voice = true};
  s.ok(r);
  EXPECT_EQ(s.facts("w").state, WorkerState::starting);  // has a voice, not heard yet
  r.alive_at = s.now().wall;
  EXPECT_TRUE(s.wait(1s).ok(r).state_changed);
  EXPECT_EQ(s.facts("w").state, WorkerState::running);
  r.state = WorkerState::draining;
  s.wait(1s).ok(r);
  EXPECT_EQ(s.facts("w").state, WorkerState::draining);
  EXPECT_EQ(s.facts("w").stop->reason, StopReason::drain);
  r.state = WorkerState::running;
  s.wait(1s).ok(r);
  EXPECT_FALSE(s.facts("w").stop.has_value());
  r.state.reset();
  r.stop = StopNotice{.reason = StopReason::deploy};
  s.wait(1s).ok(r);
  EXPECT_EQ(s.facts("w").state, WorkerState::stopping);
  r.process->exit = ExitInfo{.signal = 15};
  EXPECT_TRUE(s.wait(1s).ok(r).state_changed);
  EXPECT_EQ(s.facts("w").state, WorkerState::stopped);
  EXPECT_EQ(s.fleet.counts().inactive, 1);
  EXPECT_EQ(s.fleet.counts().total, 0);
  s.wait(1s).ok(s.observed("w", 101, 0s));
  EXPECT_EQ(s.fleet.counts().total, 1);
  EXPECT_FALSE(s.facts("w").stop.has_value());
}

TEST(FleetLives, silence_after_an_announced_stop_is_a_stop) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.stop = StopNotice{.reason = StopReason::scale_down};
  s.ok(r);
  const auto h = *s.fleet.find("w");
  EXPECT_EQ(s.fleet.next_check_at(h, s.now().steady), s.now().steady + 60s + 1ns);
  EXPECT_TRUE(s.wait(60s).fleet.sweep(s.now()).turned_stopped.empty());
  EXPECT_EQ(s.wait(1ms).fleet.sweep(s.now()).turned_stopped, std::vector<WorkerHandle>{h});
  EXPECT_EQ(s.facts("w").state, WorkerState::stopped);
  r.stop.reset();
  s.ok(r);  // it spoke again: it did not stop
  EXPECT_EQ(s.facts("w").state, WorkerState::running);
}

TEST(FleetLives, who_does_not_return_is_a_finding) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.stop = StopNotice{.reason = StopReason::deploy, .back_within = 60s};
  r.state = WorkerState::stopped;
  s.ok(r);
  s.wait(60s);
  const auto has = [&] {
    const auto found = pool_findings(s.fleet.pool_facts("default", s.now()), {.min_healthy = 0}, s.now());
    return !found.empty() && found[0].reason == Reason::did_not_return && found[0].subject == "w";
  };
  EXPECT_FALSE(has());
  EXPECT_EQ(next_pool_deadline(s.fleet.pool_facts("default", s.now()), s.now().steady), s.now().steady + 1ns);
  s.wait(1ms);
  EXPECT_TRUE(has());
  Report back = FleetScript::report("w");
  back.incarnation = "i2";
  s.ok(back);
  EXPECT_FALSE(has());
}

TEST(FleetLives, ids_of_one_life_return_under_another_name) {
  FleetScript s;
  SourceInput in{.source = "agent/k8s", .id_scope = IdScope::incarnation, .received = s.now().steady};
  s.fleet.apply(in, s.now());
  s.source = "agent/k8s";
  Report r = FleetScript::report("pod-1");
  r.host = "h";
  r.stop = StopNotice{.reason = StopReason::deploy, .back_within = 10s};
  r.state = WorkerState::stopped;
  s.ok(r);
  EXPECT_EQ(s.fleet.id_scope(*s.fleet.find("pod-1")), IdScope::incarnation);
  EXPECT_EQ(s.wait(20s).fleet.pool_facts("default", s.now()).awaited.size(), 1u);
  Report next = FleetScript::report("pod-2");
  next.host = "h";
  s.ok(next);
  EXPECT_TRUE(s.fleet.pool_facts("default", s.now()).awaited.empty());
}

TEST(FleetMerge, the_same_process_named_by_two_sources_is_one_worker) {
  FleetScript s;
  s.source = "agent/a";
  s.connect("agent/a");
  Report seen = s.observed("w");
  seen.resources = ResourcesPart{.cpu_percent = 20};
  s.ok(seen);
  s.source = "http";
  Report self = s.observed("celery@h1");
  *self.process->started_at += 900ms;  // rounded otherwise
  self.alive_at = s.now().wall;
  self.tasks = {tasks("t", 1)};
  const auto out = s.wait(1s).ok(self);
  EXPECT_FALSE(out.is_new_worker);
  EXPECT_FALSE(out.is_new_incarnation);
  EXPECT_EQ(s.fleet.size(), 1u);
  EXPECT_EQ(s.fleet.find("celery@h1"), s.fleet.find("w"));
  EXPECT_TRUE(s.facts("w").voice.heard.has_value());
  EXPECT_EQ(s.facts("w").resources.cpu_percent, 20.0);  // part by part
  EXPECT_EQ(s.facts("w").source, "agent/a");
  EXPECT_TRUE(s.fleet.source_can_restart(out.worker));
  // One of the two is enough to see.
  s.connect("agent/a", SourceState::disconnected);
  EXPECT_FALSE(s.fleet.source_blind(out.worker));
}

TEST(FleetState, a_dead_worker_that_shall_be_started_after_all_has_announced_nothing) {
  FleetScript s;
  s.source = "agent/a";
  Report r = s.observed("w");
  r.state = WorkerState::stopping;  // a ladder ends it …
  s.ok(r);
  r.process->exit = ExitInfo{.signal = 15};
  s.wait(1s).ok(r);
  EXPECT_TRUE(s.facts("w").stop.has_value());
  r.state = WorkerState::starting;  // … and cannot start it
  s.wait(1s).ok(r);
  EXPECT_EQ(s.facts("w").state, WorkerState::starting);
  EXPECT_FALSE(s.facts("w").stop.has_value());
  EXPECT_TRUE(s.facts("w").dead());
}

TEST(FleetMerge, capabilities_of_its_sources_add_up_and_at_most_four_are_kept) {
  FleetScript s;
  for (const char* name : {"agent/1", "agent/2", "agent/3", "agent/4", "agent/5"}) {
    s.source = name;
    Report r = FleetScript::report("w");
    r.incarnation = "i";
    r.capabilities = Capabilities{.voice = name == std::string("agent/1"), .tasks = name == std::string("agent/5")};
    s.wait(1s).ok(r);
  }
  EXPECT_TRUE(s.facts("w").capabilities.voice);
  EXPECT_TRUE(s.facts("w").capabilities.tasks);
  EXPECT_EQ(s.facts("w").incarnations, 1);
  int speaking = 0;
  for (const SourceView& v : s.fleet.source_views(s.now())) speaking += v.workers;
  EXPECT_EQ(speaking, 4);
}

TEST(FleetMerge, two_slots_that_turn_out_to_be_one_are_absorbed) {
  FleetScript s;
  const auto other = s.ok(FleetScript::report("self")).worker;
  s.source = "agent/a";
  const auto kept = s.ok(s.observed("w")).worker;
  s.source = "http";
  const auto out = s.wait(1s).ok(s.observed("self"));
  EXPECT_EQ(out.worker, kept);
  EXPECT_EQ(out.absorbed, other);
  EXPECT_FALSE(s.fleet.contains(other));
  EXPECT_EQ(s.fleet.counts().total, 1);
}

TEST(FleetMerge, one_source_naming_two_workers_in_a_process_means_two) {
  FleetScript s;
  s.ok(s.observed("a"));
  s.ok(s.observed("b"));
  EXPECT_EQ(s.fleet.size(), 2u);
}

TEST(FleetMerge, configured_aliases_are_one_worker) {
  FleetConfig config;
  config.aliases["celery@h1"] = "w";
  FleetScript s(config);
  s.ok(FleetScript::report("w"));
  s.wait(1s).ok(FleetScript::report("celery@h1"));
  EXPECT_EQ(s.fleet.size(), 1u);
  EXPECT_EQ(s.fleet.find("celery@h1"), s.fleet.find("w"));
}

TEST(FleetLimits, ids_pools_and_labels_are_checked) {
  FleetScript s;
  EXPECT_EQ(s.refused(FleetScript::report("")), Errc::invalid_argument);
  EXPECT_EQ(s.refused(FleetScript::report("a b")), Errc::invalid_argument);
  EXPECT_EQ(s.refused(FleetScript::report(std::string(201, 'a'))), Errc::invalid_argument);
  Report r = FleetScript::report("w");
  r.pool = "a b";
  EXPECT_EQ(s.refused(r), Errc::invalid_argument);
  r.pool.clear();
  r.host = std::string(201, 'h');
  EXPECT_EQ(s.refused(r), Errc::too_large);
  r.host.clear();
  r.labels = Labels(16, {std::string(64, 'k'), std::string(64, 'v')});
  s.ok(r);
  r.labels = Labels(17);
  EXPECT_EQ(s.refused(r), Errc::too_large);
  r.labels = Labels{{std::string("k"), std::string(65, 'v')}};
  EXPECT_EQ(s.refused(r), Errc::too_large);
  EXPECT_EQ(s.fleet.stats().workers_refused, 7u);
  EXPECT_EQ(s.fleet.size(), 1u);
}

TEST(FleetLimits, the_number_of_workers_and_of_new_ids_per_second) {
  FleetConfig config;
  config.limits.max_workers = 3;
  config.limits.new_ids_per_second = 2;
  FleetScript s(config);
  s.ok(FleetScript::report("a"));
  s.ok(FleetScript::report("b"));
  EXPECT_EQ(s.refused(FleetScript::report("c")), Errc::too_many);
  EXPECT_EQ(s.fleet.stats().ids_refused_rate, 1u);
  s.ok(FleetScript::report("a"));
  s.wait(500ms).ok(FleetScript::report("c"));
  EXPECT_EQ(s.wait(10s).refused(FleetScript::report("d")), Errc::too_large);
  EXPECT_EQ(s.fleet.stats().workers_refused, 1u);
}

TEST(FleetLimits, another_pools_id_is_a_conflict) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.pool = "a";
  s.ok(r);
  r.pool = "b";
  EXPECT_EQ(s.refused(r), Errc::conflict);
  EXPECT_EQ(s.fleet.stats().pool_conflicts, 1u);
  r.pool.clear();
  s.ok(r);
  EXPECT_EQ(s.facts("w").pool, "a");
}

TEST(FleetLimits, the_agent_that_owns_a_worker_may_move_it) {
  FleetScript s;
  s.source = "agent/a";
  Report r = FleetScript::report("w");
  r.pool = "a";
  r.queues = {queue("q", true)};
  r.tasks = {tasks("t", 1)};
  s.ok(r);
  r.pool = "b";
  s.wait(1s).ok(r);
  EXPECT_EQ(s.facts("w").pool, "b");
  EXPECT_EQ(s.fleet.pools(), std::vector<std::string>{"b"});
  EXPECT_EQ(s.fleet.pool_counts("b").total, 1);
  EXPECT_EQ(s.fleet.queue_views(s.now())[0].pools, std::vector<std::string>{"b"});
}

TEST(FleetLimits, task_types_beyond_the_limit_fold_into_other) {
  FleetScript s;
  Report r = FleetScript::report("w");
  r.tasks.emplace();
  for (int i = 0; i < 70; ++i) r.tasks->push_back(tasks("t" + std::to_string(i), 10));
  s.ok(r);
  for (TaskPart& t : *r.tasks) t = tasks(t.type, 11);
  s.wait(5s).ok(r);
  EXPECT_EQ(s.facts("w").tasks.types.size(), 65u);
  EXPECT_EQ(s.facts("w").tasks.window.over(s.now().steady).finished, 70u);
  EXPECT_EQ(s.fleet.stats().task_types_folded, 12u);
  EXPECT_EQ(s.fleet.stats().counter_resets, 0u);
  const auto v = s.view("w");
  const auto other = std::find_if(v.tasks.begin(), v.tasks.end(), [](const auto& t) { return t.type == "__other__"; });
  ASSERT_NE(other, v.tasks.end());
  EXPECT_EQ(other->completed, 66u);
}

TEST(FleetLimits, custom_metrics_are_bounded) {
  FleetScript s;
  for (int round = 0; round < 3; ++round) {
    Report r = FleetScript::report("w");
    for (int i = 0; i < 200; ++i) r.metrics.emplace_back("m" + std::to_string(round * 200 + i), 1.0);
    s.wait(5s).ok(r);
  }
  EXPECT_EQ(s.facts("w").metrics.size(), kMaxMetrics);
}

TEST(FleetRestore, known_but_unheard_is_unknown_and_comes_back_as_itself) {
  FleetScript s;
  std::vector<WorkerRecord> records(4);
  records[0] = {.worker_id = "a",
                .pool = "p",
                .host = "h",
                .source = "agent/a",
                .version = "1",
                .incarnation = "i1",
                .state = WorkerState::restarting};
  records[1] = {.worker_id = "b",
                .pool = "p",
                .source = "http",
                .state = WorkerState::stopped,
                .back_within = 60s,
                .since = s.now().wall - 30s};
  records[2] = {.worker_id = "c", .forgotten = true};
  records[3] = {.worker_id = "d", .state = WorkerState::gone};
  s.fleet.restore(records, s.now());
  EXPECT_EQ(s.fleet.size(), 2u);
  const auto a = *s.fleet.find("a");
  EXPECT_TRUE(s.fleet.source_blind(a));
  EXPECT_EQ(s.facts("a").state, WorkerState::running);
  EXPECT_FALSE(s.facts("a").last_report.has_value());
  EXPECT_EQ(s.facts("b").state, WorkerState::stopped);
  EXPECT_EQ(s.facts("b").stop_at + *s.facts("b").stop->back_within, s.now().steady + 30s);
  EXPECT_EQ(s.fleet.pool_counts("p").unknown, 1);
  EXPECT_EQ(s.fleet.pool_counts("p").inactive, 1);
  s.connect("agent/a");
  EXPECT_FALSE(s.fleet.source_blind(a));
  s.source = "agent/a";
  Report r = FleetScript::report("a");
  r.incarnation = "i1";
  const auto out = s.wait(1s).ok(r);
  EXPECT_EQ(out.worker, a);
  EXPECT_FALSE(out.is_new_worker || out.is_new_incarnation);
  r.incarnation = "i2";
  EXPECT_TRUE(s.wait(1s).ok(r).is_new_incarnation);
}

TEST(FleetGone, unheard_for_a_day_then_removed) {
  FleetScript s;
  const auto h = s.ok(FleetScript::report("w")).worker;
  EXPECT_EQ(s.fleet.next_check_at(h, s.now().steady), s.now().steady + 24h + 1ns);
  EXPECT_TRUE(s.wait(24h).fleet.sweep(s.now()).turned_gone.empty());
  EXPECT_EQ(s.wait(1s).fleet.sweep(s.now()).turned_gone, std::vector<WorkerHandle>{h});
  EXPECT_EQ(s.facts("w").state, WorkerState::gone);
  EXPECT_TRUE(s.wait(15min).fleet.sweep(s.now()).removed.empty());
  const auto removed = s.wait(1s).fleet.sweep(s.now()).removed;
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].worker_id, "w");
  EXPECT_FALSE(s.fleet.find("w").has_value());
  EXPECT_TRUE(s.fleet.pools().empty());
  EXPECT_EQ(s.ok(FleetScript::report("x")).worker, h);  // the slot is used again
}

TEST(FleetGone, a_forgotten_worker_that_speaks_is_new) {
  FleetScript s;
  const auto h = s.ok(FleetScript::report("w")).worker;
  s.fleet.forget(h, s.now());
  EXPECT_EQ(s.fleet.counts().inactive, 1);
  EXPECT_TRUE(s.fleet.next_check_at(h, s.now().steady).has_value());
  const auto out = s.wait(1s).ok(FleetScript::report("w"));
  EXPECT_TRUE(out.is_new_worker);
  EXPECT_EQ(out.worker, h);
  EXPECT_EQ(s.facts("w").state, WorkerState::running);
  EXPECT_EQ(s.fleet.counts().total, 1);
}

TEST(FleetCounts, follow_the_recorded_status) {
  FleetScript s;
  const auto a = s.ok(FleetScript::report("a")).worker, b = s.ok(FleetScript::report("b")).worker;
  EXPECT_EQ(s.fleet.counts().unknown, 2);
  s.fleet.record_status(a, Status::healthy);
  s.fleet.record_status(b, Status::critical);
  EXPECT_EQ(s.fleet.counts().healthy, 1);
  EXPECT_EQ(s.fleet.counts().critical, 1);
  EXPECT_EQ(s.fleet.status(b), Status::critical);
  s.fleet.record_status(b, Status::warning);
  s.fleet.forget(a, s.now());
  EXPECT_EQ(s.fleet.counts().total, 1);
  EXPECT_EQ(s.fleet.counts().warning, 1);
  s.fleet.record_status(a, Status::healthy);  // of a gone one: ignored
  EXPECT_EQ(s.fleet.counts().healthy, 0);
}

}  // namespace
}  // namespace paramedic
