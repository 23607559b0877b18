// Sources, queues, brokers, pools, views.
#include "core/fleet/fleet.h"

#include "core/fleet/fleet_script.h"
#include "core/fleet/metric_schemas.h"
#include "core/fleet/pool_memory.h"

namespace paramedic {
namespace {

TEST(FleetSources, an_agent_without_frames_is_silent_and_blinds_its_workers) {
  FleetScript s;
  s.source = "agent/a";
  s.connect("agent/a");
  const auto h = s.ok(s.observed("w")).worker;
  EXPECT_EQ(s.fleet.next_source_deadline(), s.now().steady + 10s + 1ns);
  EXPECT_TRUE(s.wait(10s).fleet.sweep_sources(s.now()).changes.empty());
  const auto out = s.wait(1ms).fleet.sweep_sources(s.now());
  ASSERT_EQ(out.changes.size(), 1u);
  EXPECT_EQ(out.changes[0].to, SourceState::silent);
  EXPECT_EQ(out.changes[0].host, "h1");
  EXPECT_EQ(out.affected, std::vector<WorkerHandle>{h});
  EXPECT_TRUE(s.fleet.source_blind(h));
  EXPECT_FALSE(s.fleet.source_can_restart(h));
  EXPECT_TRUE(s.fleet.snapshot(h, s.now()).pool.source.blind);
  EXPECT_EQ(s.fleet.next_source_deadline(), std::nullopt);
  const auto back = s.frame("agent/a");
  EXPECT_EQ(back.affected, std::vector<WorkerHandle>{h});
  EXPECT_FALSE(s.fleet.source_blind(h));
}

TEST(FleetSources, a_frame_is_news_until_the_next_one_is_overdue) {
  FleetScript s;
  s.source = "agent/a";
  s.connect("agent/a");
  const auto h = s.ok(s.observed("w")).worker;
  const auto first = s.fleet.source_news_until(h);
  EXPECT_GT(first, s.now().steady + 1s);
  EXPECT_LT(first, s.now().steady + 10s);  // sooner than the source itself counts as silent
  s.wait(3s).frame("agent/a");
  EXPECT_EQ(s.fleet.source_news_until(h), first + 3s);
}

TEST(FleetSources, a_report_is_a_frame) {
  FleetScript s;
  s.source = "agent/a";
  s.connect("agent/a");
  s.ok(s.observed("w"));
  s.wait(11s).fleet.sweep_sources(s.now());
  const auto out = s.ok(s.observed("w"));
  ASSERT_EQ(out.source.changes.size(), 1u);
  EXPECT_EQ(out.source.changes[0].to, SourceState::connected);
}

TEST(FleetSources, disconnection_counts_at_once_and_http_is_never_blind) {
  FleetScript s;
  const auto http = s.ok(FleetScript::report("self")).worker;
  s.source = "agent/a";
  s.connect("agent/a");
  const auto h = s.ok(s.observed("w")).worker;
  const auto out = s.connect("agent/a", SourceState::disconnected);
  EXPECT_EQ(out.affected, std::vector<WorkerHandle>{h});
  EXPECT_TRUE(s.fleet.source_blind(h));
  EXPECT_FALSE(s.fleet.source_blind(http));
  EXPECT_TRUE(s.frame("agent/a").changes.empty());  // a late frame of the closed connection
  EXPECT_TRUE(s.frame("agent/unknown").changes.empty());
  s.wait(1h).fleet.sweep_sources(s.now());
  EXPECT_FALSE(s.fleet.source_blind(http));
  const auto views = s.fleet.source_views(s.now());
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].id, "agent/a");
  EXPECT_EQ(views[0].state, SourceState::disconnected);
  EXPECT_EQ(views[0].workers, 1);
  EXPECT_EQ(s.fleet.workers_of_source("agent/a"), std::vector<WorkerHandle>{h});
  EXPECT_TRUE(s.fleet.workers_of_source("none").empty());
}

TEST(FleetSources, long_gone_sources_leave) {
  FleetScript s;
  s.connect("agent/a");
  s.connect("agent/a", SourceState::disconnected);
  s.wait(24h + 1s).fleet.sweep(s.now());
  EXPECT_TRUE(s.fleet.source_views(s.now()).empty());
  s.connect("agent/b");
  EXPECT_EQ(s.fleet.source_views(s.now()).size(), 1u);
}

TEST(FleetQueues, newest_reading_wins_and_ready_counts_since_it_is_above_zero) {
  FleetScript s;
  Report a = FleetScript::report("a"), b = FleetScript::report("b");
  a.queues = {queue("q", true, 5)};
  s.ok(a);
  const SteadyTime since = s.now().steady;
  b.queues = {queue("q", true, 7)};
  s.wait(5s).ok(b);
  a.age = 3s;
  a.queues = {queue("q", true, 1)};  // measured before b's
  s.wait(1s).ok(a);
  const Snapshot snap = s.fleet.snapshot(*s.fleet.find("a"), s.now());
  ASSERT_EQ(snap.pool.queues.size(), 1u);
  EXPECT_EQ(snap.pool.queues[0].ready, 7u);
  EXPECT_EQ(snap.pool.queues[0].ready_since, since);
  b.queues = {queue("q", true, 0)};
  s.wait(5s).ok(b);
  EXPECT_EQ(s.fleet.snapshot(*s.fleet.find("a"), s.now()).pool.queues[0].ready_since, std::nullopt);
  const auto views = s.fleet.queue_views(s.now());
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].workers, 2);
  EXPECT_EQ(views[0].connected, 2);
  EXPECT_EQ(views[0].ready, 0u);
}

TEST(FleetQueues, takes_are_told_by_consumed) {
  FleetScript s;
  Report a = FleetScript::report("a"), b = FleetScript::report("b");
  a.queues = {queue("q", true, 5, 100)};
  b.queues = {queue("q", true, 5, 50)};
  s.ok(a);
  s.ok(b);
  EXPECT_FALSE(s.facts("a").last_take.has_value());  // a baseline
  a.queues = {queue("q", true, 5, 101)};
  s.wait(5s).ok(a);
  EXPECT_EQ(s.facts("a").last_take, s.now().steady);
  const auto context = [&] { return s.fleet.snapshot(*s.fleet.find("b"), s.now()).pool.queues[0]; };
  EXPECT_EQ(context().sibling_take(*s.fleet.find("b")), s.now().steady);
  EXPECT_EQ(context().sibling_take(*s.fleet.find("a")), std::nullopt);
  b.queues = {queue("q", true, 5, 3)};  // reset: three taken since
  s.wait(5s).ok(b);
  EXPECT_EQ(s.facts("b").last_take, s.now().steady);
  EXPECT_EQ(s.fleet.stats().counter_resets, 1u);
  EXPECT_EQ(context().sibling_take(*s.fleet.find("a")), s.now().steady);
  EXPECT_EQ(s.fleet.queue_views(s.now())[0].last_consumed, s.now().wall);
}

TEST(FleetQueues, task_starts_stand_for_takes_of_the_only_queue) {
  FleetScript s;
  Report a = FleetScript::report("a");
  a.queues = {queue("q", true, 5)};
  a.tasks = {tasks("t", 1)};
  s.ok(a);
  a.tasks = {tasks("t", 2)};
  s.wait(5s).ok(a);
  EXPECT_EQ(s.facts("a").last_take, s.now().steady);
  EXPECT_EQ(s.fleet.snapshot(*s.fleet.find("a"), s.now()).pool.queues[0].takes[0].at, s.now().steady);
}

TEST(FleetQueues, the_gap_between_takes_is_learned_after_fifty) {
  FleetScript s;
  Report a = FleetScript::report("a");
  std::uint64_t consumed = 0;
  const auto gap = [&] { return s.fleet.snapshot(*s.fleet.find("a"), s.now()).pool.take_gap_p95; };
  for (int i = 0; i < 51; ++i) {
    a.queues = {queue("q", true, 5, consumed++)};
    s.wait(2s).ok(a);
  }
  EXPECT_EQ(gap(), Duration{60s});
  a.queues = {queue("q", true, 5, consumed++)};
  s.wait(2s).ok(a);
  EXPECT_LT(gap(), Duration{3s});
  EXPECT_GT(gap(), Duration{1s});
}

TEST(FleetQueues, broker_down_needs_two_and_all_of_them) {
  FleetScript s;
  Report a = FleetScript::report("a"), b = FleetScript::report("b");
  a.queues = {queue("q", false)};
  EXPECT_FALSE(s.ok(a).broker_changed);  // one alone cannot tell
  EXPECT_FALSE(s.fleet.brokers()[0].down);
  b.queues = {queue("q", false), queue("r", true)};
  EXPECT_FALSE(s.ok(b).broker_changed);  // connected on another of its queues
  b.queues = {queue("q", false), queue("r", false)};
  EXPECT_TRUE(s.wait(5s).ok(b).broker_changed);
  EXPECT_TRUE(s.fleet.brokers()[0].down);
  EXPECT_EQ(s.fleet.brokers()[0].disconnected, 2);
  EXPECT_EQ(s.fleet.workers_of_broker("b").size(), 2u);
  EXPECT_TRUE(s.fleet.queue_views(s.now())[0].broker_down);
  a.queues = {queue("q", true)};
  EXPECT_TRUE(s.wait(5s).ok(a).broker_changed);
  EXPECT_FALSE(s.fleet.queue_views(s.now())[0].broker_down);
  EXPECT_EQ(s.fleet.snapshot(*s.fleet.find("b"), s.now()).pool.queues[0].connected_since, s.now().steady);
}

// It hung while the broker was there: what it said last is no news of an outage that came later.
TEST(FleetQueues, a_silent_worker_contradicts_no_later_loss) {
  FleetScript s;
  s.connect("agent/a");
  s.source = "agent/a";
  Report hung = s.observed("hung"), a = s.observed("a", 101), b = s.observed("b", 102);
  hung.alive_at = s.now().wall;
  hung.queues = a.queues = b.queues = {queue("q", true)};
  for (const Report* r : {&hung, &a, &b}) s.ok(*r);
  const auto down = [&] { return s.fleet.brokers()[0].down; };
  const auto quiet = [&](bool on) { s.fleet.record_quiet(*s.fleet.find("hung"), on, s.now()); };
  s.wait(5s).ok(hung);
  a.queues = b.queues = {queue("q", false)};
  s.ok(a);
  s.ok(b);
  EXPECT_FALSE(down()) << "it may have been heard just before";
  quiet(true);
  EXPECT_TRUE(down());
  EXPECT_EQ(s.fleet.brokers()[0].reporting, 2);
  quiet(false);
  EXPECT_FALSE(down());
  quiet(true);
  // Heard anew and connected after both had lost it: that is an answer, however silent it is from then on.
  hung.alive_at = s.wait(5s).now().wall;
  s.ok(hung);
  EXPECT_FALSE(down());
  a.queues = {queue("q", true)};
  s.ok(a);
  a.queues = {queue("q", false)};
  s.wait(5s).ok(a);
  s.ok(hung);
  EXPECT_TRUE(down()) << "lost once more after its last word";
}

// Nothing comes of a worker that is silent already, so the last of the others must settle it.
TEST(FleetQueues, a_loss_counts_at_once_where_the_only_other_voices_fell_silent_before) {
  FleetScript s;
  s.connect("agent/a");
  s.source = "agent/a";
  Report hung = s.observed("hung"), a = s.observed("a", 101), b = s.observed("b", 102);
  hung.alive_at = s.now().wall;
  hung.queues = a.queues = b.queues = {queue("q", true)};
  for (const Report* r : {&hung, &a, &b}) s.ok(*r);
  s.wait(5s).fleet.record_quiet(*s.fleet.find("hung"), true, s.now());
  a.queues = b.queues = {queue("q", false)};
  s.wait(5s).ok(a);
  EXPECT_FALSE(s.fleet.brokers()[0].down);
  EXPECT_TRUE(s.ok(b).broker_changed);
  EXPECT_TRUE(s.fleet.brokers()[0].down);
}

TEST(FleetQueues, the_dead_the_blind_and_the_stale_have_no_say) {
  FleetScript s;
  Report a = FleetScript::report("a"), b = FleetScript::report("b");
  a.queues = b.queues = {queue("q", true)};
  s.ok(a);
  s.ok(b);
  const auto connected = [&] { return s.fleet.queue_views(s.now())[0].connected; };
  EXPECT_EQ(connected(), 2);
  Report end = b;
  end.process = ProcessPart{};
  end.process->exit = ExitInfo{.code = 1};
  s.wait(1s).ok(end);
  EXPECT_EQ(connected(), 1);
  s.wait(95s);
  s.fleet.snapshot(*s.fleet.find("a"), s.now());
  EXPECT_EQ(connected(), 0);
  s.source = "agent/x";
  s.connect("agent/x");
  Report c = FleetScript::report("c");
  c.queues = {queue("q", true)};
  s.ok(c);
  EXPECT_EQ(connected(), 1);
  s.connect("agent/x", SourceState::disconnected);
  EXPECT_EQ(connected(), 0);
}

TEST(FleetQueues, a_queue_that_nobody_names_leaves) {
  FleetScript s;
  Report a = FleetScript::report("a");
  a.queues = {queue("q", true), queue("r", false)};
  s.ok(a);
  EXPECT_EQ(s.fleet.queue_views(s.now()).size(), 2u);
  a.queues = {queue("r", false)};
  s.wait(5s).ok(a);
  ASSERT_EQ(s.fleet.queue_views(s.now()).size(), 1u);
  EXPECT_EQ(s.view("a").queues[0].name, "r");
  EXPECT_EQ(s.fleet.brokers()[0].reporting, 1);
  EXPECT_EQ(s.fleet.brokers()[0].disconnected, 1);
  a.queues = {queue("n", true)};
  s.wait(5s).ok(a);
  EXPECT_EQ(s.fleet.queue_views(s.now())[0].name, "n");
}

TEST(FleetQueues, the_table_is_bounded) {
  FleetConfig config;
  config.limits.max_queues = 2;
  FleetScript s(config);
  Report a = FleetScript::report("a");
  a.queues = {queue("q", true), queue("r", true), queue("x", true)};
  s.ok(a);
  EXPECT_EQ(s.fleet.queue_views(s.now()).size(), 2u);
  EXPECT_EQ(s.facts("a").queues.size(), 2u);
}

PoolFacts facts_of(int active, int healthy, int unknown) {
  PoolFacts p;
  p.name = "p";
  p.active = active;
  p.healthy = healthy;
  p.unknown = unknown;
  p.ever_active = true;
  return p;
}

TEST(PoolFindings, too_few_healthy_ones) {
  const Now now{SteadyTime{24h}, WallTime{24h}};
  const auto reasons = [&](const PoolFacts& p, int min) {
    std::vector<Reason> out;
    for (const Cause& c : pool_findings(p, {.min_healthy = min}, now)) out.push_back(c.reason);
    return out;
  };
  EXPECT_EQ(reasons(facts_of(3, 1, 0), 1), std::vector<Reason>{});
  EXPECT_EQ(reasons(facts_of(3, 0, 0), 1), std::vector<Reason>{Reason::pool_below_min});
  EXPECT_EQ(reasons(facts_of(3, 0, 1), 1), std::vector<Reason>{});  // the unknown one may be well
  EXPECT_EQ(reasons(facts_of(3, 1, 0), 2), std::vector<Reason>{Reason::pool_below_min});
  EXPECT_EQ(reasons(facts_of(0, 0, 0), 1), std::vector<Reason>{Reason::pool_empty});
  EXPECT_EQ(reasons(facts_of(0, 0, 0), 0), std::vector<Reason>{});
  PoolFacts never = facts_of(0, 0, 0);
  never.ever_active = false;
  EXPECT_EQ(reasons(never, 1), std::vector<Reason>{});
  PoolFacts lost = facts_of(0, 0, 0);
  EXPECT_EQ(pool_findings(lost, {}, now)[0].status, FindingStatus::warning);
  lost.all_announced = false;
  EXPECT_EQ(pool_findings(lost, {}, now)[0].status, FindingStatus::critical);
}

TEST(PoolFindings, a_stalled_queue) {
  FleetScript s;
  Report a = FleetScript::report("a");
  a.in_flight = std::vector<InFlightTask>{};
  const auto tick = [&](std::uint64_t ready, std::uint64_t consumed) {
    a.queues = {queue("q", true, ready, consumed)};
    s.wait(5s).ok(a);
    s.fleet.record_status(*s.fleet.find("a"), Status::healthy);
    return pool_findings(s.fleet.pool_facts("default", s.now()), s.fleet.rules("default"), s.now());
  };
  tick(5, 1);
  for (int i = 0; i < 36; ++i) EXPECT_TRUE(tick(5, 1).empty()) << i;  // 180 s = 3 × 60 s
  EXPECT_EQ(next_pool_deadline(s.fleet.pool_facts("default", s.now()), s.now().steady), s.now().steady + 1ns);
  auto found = tick(5, 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].reason, Reason::queue_stalled);
  EXPECT_EQ(found[0].subject, "b/q");
  EXPECT_EQ(found[0].remedy, RemedyKind::none);
  for (int i = 0; i < 24; ++i) found = tick(5, 1);
  EXPECT_EQ(found[0].remedy, RemedyKind::restart);  // a pool of one after 300 s
  EXPECT_TRUE(tick(5, 2).empty());                  // somebody took
}

TEST(FleetViews, tell_what_the_fleet_knows_in_a_fixed_order) {
  FleetScript s;
  for (const char* id : {"c", "a", "b"}) {
    Report r = FleetScript::report(id);
    r.pool = "p";
    r.version = "1.2";
    r.labels.emplace().emplace_back("zone", "z");
    s.ok(r);
  }
  std::string order;
  for (const auto h : s.fleet.workers()) order += s.fleet.facts(h).worker_id;
  for (const auto h : s.fleet.workers_of_pool("p")) order += s.fleet.facts(h).worker_id;
  EXPECT_EQ(order, "abcabc");
  EXPECT_TRUE(s.fleet.workers_of_pool("none").empty());
  const WorkerView v = s.wait(5s).view("a");
  EXPECT_EQ(v.worker_id, "a");
  EXPECT_EQ(v.pool, "p");
  EXPECT_EQ(v.version, "1.2");
  EXPECT_EQ(v.source, "http");
  EXPECT_EQ(v.labels.size(), 1u);
  EXPECT_EQ(v.period, Duration{5s});
  EXPECT_EQ(v.last_report, s.now().wall - 5s);
  EXPECT_EQ(v.alive_at, s.now().wall - 5s);
  EXPECT_EQ(v.metrics.find("last_heartbeat_seconds"), 5.0);
  EXPECT_EQ(s.fleet.pool_counts("p").total, 3);
  EXPECT_EQ(s.fleet.pool_counts("none").total, 0);
  EXPECT_EQ(s.fleet.pool_facts("none", s.now()).active, 0);
}

TEST(FleetViews, reload_changes_the_rules) {
  FleetScript s;
  EXPECT_EQ(s.fleet.rules("p").min_healthy, 1);
  FleetConfig config;
  config.pools["p"].min_healthy = 3;
  s.fleet.configure(config);
  EXPECT_EQ(s.fleet.rules("p").min_healthy, 3);
  EXPECT_EQ(s.fleet.rules("q").min_healthy, 1);
}

TEST(MetricSchemas, forget_shapes_that_nobody_holds) {
  MetricSchemas table;
  const auto kept = table.intern({"a", "b"});
  EXPECT_EQ(table.intern({"a", "b"}), kept);
  EXPECT_EQ(table.intern({}), nullptr);
  for (int i = 0; i < 5000; ++i) table.intern({"m" + std::to_string(i)});
  EXPECT_LT(table.size(), 600u);
  EXPECT_EQ(table.intern({"a", "b"}), kept);
  const auto custom = table.intern({"cpu_percent", "x"});
  const auto schema = table.schema(1u << unsigned(StandardMetric::cpu_percent), custom);
  EXPECT_EQ(*schema->names, (MetricNames{"cpu_percent", "x"}));  // the standard one wins
  EXPECT_GE(schema->from[0], 0);
}

TEST(PoolMemory, folds_task_types_beyond_the_limit) {
  PoolMemory memory;
  for (std::size_t i = 0; i < kMaxTaskTypesPerPool; ++i) memory.type_index("t" + std::to_string(i));
  EXPECT_EQ(memory.durations().size(), kMaxTaskTypesPerPool);
  EXPECT_EQ(memory.type_name(memory.type_index("one_more")), kOtherType);
  EXPECT_EQ(memory.type_name(memory.type_index("t3")), "t3");
  EXPECT_EQ(memory.find_type("one_more"), std::nullopt);
}

TEST(PoolMemory, old_durations_fade_and_loads_are_a_median) {
  PoolMemory memory;
  const auto t = memory.type_index("t");
  DurationHistogram many;
  many.counts[3] = 90'000;
  memory.learn_durations(t, many);
  memory.learn_durations(t, many);
  EXPECT_EQ(memory.durations()[t].count, 90'000u);
  for (const double seconds : {5.0, 1.0, 100.0, -1.0}) memory.learn_load("m", seconds);
  EXPECT_EQ(memory.loads()[0].count, 3u);
  EXPECT_EQ(memory.loads()[0].median_seconds, 5.0);
  for (int i = 0; i < 20; ++i) memory.learn_load("m", 7);
  EXPECT_EQ(memory.loads()[0].count, 9u);
  for (std::size_t i = 0; i < 2 * kMaxModelsPerPool; ++i) memory.learn_load("x" + std::to_string(i), 1);
  EXPECT_EQ(memory.loads().size(), kMaxModelsPerPool);
}

}  // namespace
}  // namespace paramedic
