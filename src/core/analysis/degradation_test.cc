#include "core/analysis/degradation.h"

#include <limits>

#include <gtest/gtest.h>

#include "core/analysis/degradation_pool.h"

namespace paramedic {
namespace {

constexpr std::int64_t kDay = kBlocksPerDay;
constexpr std::int64_t kAfternoon = 2 * kDay + 169;  // 14:05 of the third day

// A pool and what was learned of it in two days and a half; copied by each test.
struct Learned {
  ScriptedPool pool;
  DegradationFinder finder;
  explicit Learned(PoolScript script, std::uint64_t seed = 1) : pool(script, seed) { run(0, kAfternoon); }
  std::vector<TaskDegradation> run(std::int64_t from, std::int64_t to, const ScriptedPool::Effects& effects = {}) {
    pool.blocks(finder, from, to, effects);
    return finder.take_changes();
  }
};

const Learned& learned() {
  static const Learned once({.workers = 8, .hosts = 4, .tasks = 25});
  return once;
}

std::vector<TaskDegradation> begun(const std::vector<TaskDegradation>& changes) {
  std::vector<TaskDegradation> out;
  for (const TaskDegradation& d : changes)
    if (d.state == DegradationState::holds) out.push_back(d);
  return out;
}

ScriptedPool::Effects slow(double factor, std::function<bool(const ScriptWorker&)> who) {
  return [=](const ScriptWorker& w, std::int64_t) { return ScriptEffect{.slower = who(w) ? factor : 1}; };
}

ScriptedPool::Effects failing(double points, std::function<bool(const ScriptWorker&)> who) {
  return [=](const ScriptWorker& w, std::int64_t) { return ScriptEffect{.more_errors = who(w) ? points : 0}; };
}

void expect_since(const TaskDegradation& d, std::int64_t block) {
  EXPECT_LE(std::abs((d.since - ScriptedPool::at(block)) / kTaskBlock), 1) << d.words(d.told_at);
}

TEST(Degradation, a_slow_version_is_named_with_its_time_and_size) {
  Learned l = learned();
  for (const std::size_t k : {0, 3, 5}) l.pool.workers[k].version = "1.4.3";
  const auto told = begun(l.run(kAfternoon, kAfternoon + 6, slow(2.5, [](auto& w) { return w.version == "1.4.3"; })));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].scope, DegradationScope::version);
  EXPECT_EQ(told[0].name, "1.4.3");
  EXPECT_EQ(told[0].what, TaskMeasure::duration_p95);
  EXPECT_NEAR(std::log(told[0].after / told[0].before), std::log(2.5), 0.3);
  ASSERT_TRUE(told[0].siblings);
  EXPECT_NEAR(std::log(*told[0].siblings / told[0].before), 0, 0.4);
  EXPECT_GE(told[0].rarity, 22'000);
  expect_since(told[0], kAfternoon);
  EXPECT_NE(told[0].words(told[0].told_at).find("at 14:"), std::string::npos);
  EXPECT_NE(told[0].words(told[0].told_at).find("only on version 1.4.3"), std::string::npos);
}

TEST(Degradation, a_version_with_new_worker_ids_is_judged_by_the_past_of_the_pool) {
  Learned l = learned();
  for (const std::size_t k : {0, 3, 5}) {
    l.pool.workers[k].version = "1.4.3";
    l.pool.workers[k].id = "new" + std::to_string(k);
  }
  const auto told = begun(l.run(kAfternoon, kAfternoon + 6, slow(2.5, [](auto& w) { return w.version == "1.4.3"; })));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].name, "1.4.3");
}

TEST(Degradation, a_slow_host_is_named_not_its_workers) {
  Learned l = learned();
  const auto told = begun(l.run(kAfternoon, kAfternoon + 14, slow(2.2, [](auto& w) { return w.host == "h3"; })));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].scope, DegradationScope::host);
  EXPECT_EQ(told[0].name, "h3");
  expect_since(told[0], kAfternoon);
}

TEST(Degradation, a_slow_worker_is_named_not_its_host) {
  Learned l = learned();
  const auto told = begun(l.run(kAfternoon, kAfternoon + 14, slow(3, [](auto& w) { return w.id == "w6"; })));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].scope, DegradationScope::worker);
  EXPECT_EQ(told[0].name, "w6");
  expect_since(told[0], kAfternoon);
}

TEST(Degradation, a_change_of_all_is_one_statement_of_the_pool) {
  Learned l = learned();
  const auto told = begun(l.run(kAfternoon, kAfternoon + 14, slow(2.2, [](auto&) { return true; })));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].scope, DegradationScope::pool);
  EXPECT_FALSE(told[0].siblings);
  expect_since(told[0], kAfternoon);
}

TEST(Degradation, errors_of_a_host_are_named_in_percent) {
  Learned l = learned();
  const auto told = begun(l.run(kAfternoon, kAfternoon + 6, failing(0.12, [](auto& w) { return w.host == "h2"; })));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].what, TaskMeasure::error_ratio);
  EXPECT_EQ(told[0].name, "h2");
  EXPECT_LT(told[0].before, 0.01);
  EXPECT_NEAR(told[0].after, 0.12, 0.05);
  EXPECT_LT(told[0].siblings.value_or(1), 0.02);
  expect_since(told[0], kAfternoon);
}

TEST(Degradation, it_holds_and_ends_once_when_it_is_over) {
  Learned l = learned();
  const auto slow_host = slow(2.5, [](auto& w) { return w.host == "h3"; });
  ASSERT_EQ(begun(l.run(kAfternoon, kAfternoon + 20, slow_host)).size(), 1u);
  ASSERT_EQ(l.finder.current("thumbs").size(), 1u);
  EXPECT_TRUE(l.finder.current("other").empty());
  const auto after = l.run(kAfternoon + 20, kAfternoon + 44);
  ASSERT_EQ(after.size(), 1u);  // no second beginning out of the blocks of the first
  EXPECT_EQ(after[0].state, DegradationState::ended);
  EXPECT_LE((after[0].until - ScriptedPool::at(kAfternoon + 20)) / kTaskBlock, 6);
  EXPECT_TRUE(l.finder.current().empty());
}

TEST(Degradation, a_change_that_spreads_to_all_becomes_the_pools) {
  Learned l = learned();
  const auto spreads = [](const ScriptWorker& w, std::int64_t block) {
    return ScriptEffect{.slower = w.host == "h3" || block >= kAfternoon + 24 ? 2.5 : 1};
  };
  const auto changes = l.run(kAfternoon, kAfternoon + 40, spreads);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].scope, DegradationScope::host);
  EXPECT_EQ(changes[1].scope, DegradationScope::pool);
  expect_since(changes[1], kAfternoon + 24);
  EXPECT_EQ(changes[2].name, "h3");
  EXPECT_EQ(changes[2].state, DegradationState::merged);
}

TEST(Degradation, of_who_no_longer_works_nothing_is_said) {
  Learned l = learned();
  ASSERT_EQ(begun(l.run(kAfternoon, kAfternoon + 8, slow(3, [](auto& w) { return w.id == "w6"; }))).size(), 1u);
  std::erase_if(l.pool.workers, [](const ScriptWorker& w) { return w.id == "w6"; });
  const auto changes = l.run(kAfternoon + 8, kAfternoon + 24);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].state, DegradationState::silent);
}

TEST(Degradation, what_lasts_a_day_is_the_new_usual) {
  Learned l = learned();
  const auto changes = l.run(kAfternoon, kAfternoon + kDay + 40, slow(2, [](auto& w) { return w.host == "h3"; }));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[1].state, DegradationState::accepted);
  EXPECT_EQ((changes[1].until - changes[1].told_at) / 1h, 24);
}

TEST(Degradation, a_burst_of_one_block_and_a_rush_of_tasks_are_none) {
  Learned l = learned();
  const auto effects = [](const ScriptWorker&, std::int64_t block) {
    ScriptEffect e;
    if (block == kAfternoon + 5) e.slower = 4;
    if (block > kAfternoon + 20) e.more_tasks = 3;
    return e;
  };
  EXPECT_TRUE(l.run(kAfternoon, kAfternoon + 40, effects).empty());
}

TEST(Degradation, a_rollout_that_changes_nothing_and_a_host_that_always_was_slow_are_none) {
  ScriptedPool pool({.workers = 8, .hosts = 4, .tasks = 20}, 5);
  for (ScriptWorker& w : pool.workers)
    if (w.host == "h1") w.own *= 3;
  DegradationFinder finder;
  pool.blocks(finder, 0, kDay + 40);
  for (ScriptWorker& w : pool.workers) {
    w.version = "1.4.3";
    w.id += "-new";
  }
  pool.blocks(finder, kDay + 40, kDay + 80);
  EXPECT_TRUE(finder.take_changes().empty());
}

// Heavy tails, common wander, workers that differ, errors that scatter: 6 pools of three days.
TEST(Degradation, noise_is_told_at_most_once_in_ten_weeks_of_a_type) {
  std::size_t told = 0;
  double weeks = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    TaskRandom random(seed);
    ScriptedPool pool({.workers = 4 + random.below(5),
                       .hosts = 3,
                       .tasks = random.between(3, 20),
                       .spread = 1.4,
                       .errors = random.between(0, 0.03),
                       .error_scatter = 0.5,
                       .wander = 0.08},
                      seed);
    DegradationFinder finder;
    pool.blocks(finder, 0, 3 * kDay);
    told += begun(finder.take_changes()).size();
    weeks += 3.0 / 7;
  }
  std::printf("false statements per week of a type: %.3f (%zu in %.1f weeks)\n", double(told) / weeks, told, weeks);
  EXPECT_LE(double(told), 0.1 * weeks + 1);
}

TEST(Degradation, the_cycle_of_the_day_is_no_change) {
  ScriptedPool pool({.workers = 6, .hosts = 3, .tasks = 20, .daily = 3, .daily_load = 4}, 9);
  DegradationFinder finder;
  pool.blocks(finder, 0, 3 * kDay);
  EXPECT_TRUE(finder.take_changes().empty());
}

TEST(Degradation, few_tasks_say_nothing) {
  ScriptedPool pool({.workers = 3, .hosts = 3, .tasks = 0.3}, 11);  // 11 an hour in all
  DegradationFinder finder;
  pool.blocks(finder, 0, 2 * kDay);
  pool.blocks(finder, 2 * kDay, 2 * kDay + 60, slow(10, [](auto&) { return true; }));
  EXPECT_TRUE(finder.take_changes().empty());
}

TEST(Degradation, a_new_task_type_is_learned_before_it_is_judged) {
  ScriptedPool pool({.workers = 8, .hosts = 4, .tasks = 20}, 12);
  DegradationFinder finder;
  pool.blocks(finder, 0, 18);
  pool.blocks(finder, 18, 23, slow(4, [](auto& w) { return w.host == "h1"; }));
  EXPECT_TRUE(finder.take_changes().empty());
}

TEST(Degradation, what_comes_later_changes_nothing_of_what_was_told) {
  const auto slow_host = slow(2.2, [](auto& w) { return w.host == "h3"; });
  Learned a = learned(), b = learned();
  const auto told_a = a.run(kAfternoon, kAfternoon + 8, slow_host);
  auto told_b = b.run(kAfternoon, kAfternoon + 8, slow_host);
  ASSERT_EQ(begun(told_a).size(), 1u);
  EXPECT_EQ(told_a, told_b);
  b.run(kAfternoon + 8, kAfternoon + 20, failing(0.5, [](auto&) { return true; }));
  a.run(kAfternoon + 8, kAfternoon + 20, slow_host);
  EXPECT_EQ(a.finder.current("thumbs").at(0).since, told_b.at(0).since);
  EXPECT_EQ(b.finder.current("thumbs").size() >= 1, true);
}

TEST(Degradation, the_worst_come_first_and_a_pool_has_a_bounded_number) {
  DegradationLimits limits;
  limits.told_per_pool = 2;
  ScriptedPool pool({.workers = 12, .hosts = 12, .tasks = 30}, 13);
  DegradationFinder finder(limits);
  pool.blocks(finder, 0, kDay);
  const auto effects = [](const ScriptWorker& w, std::int64_t) {
    ScriptEffect e;
    if (w.id == "w1") e.slower = 4;
    if (w.id == "w4") e.slower = 5;
    if (w.id == "w7") e.more_errors = 0.4;
    return e;
  };
  pool.blocks(finder, kDay, kDay + 8, effects);
  const auto now = finder.current("thumbs");
  ASSERT_EQ(now.size(), 2u);
  EXPECT_GE(now[0].badness(), now[1].badness());
  EXPECT_GE(finder.untold(), 1u);
}

TEST(Degradation, task_types_beyond_the_limit_are_counted_together) {
  DegradationLimits limits;
  limits.types_per_pool = 3;
  limits.types = 6;
  DegradationFinder finder(limits);
  std::vector<TaskIncrease> many;
  for (int i = 0; i < 10; ++i) many.push_back({.type = "t" + std::to_string(i), .completed = 1});
  for (const char* pool : {"a", "b", "c"}) finder.add(pool, {"w", "h", "1"}, many, ScriptedPool::at(0));
  EXPECT_EQ(finder.types(), 6u);
  EXPECT_GT(finder.types_refused(), 0u);
  const auto keys = finder.keys();
  EXPECT_NE(std::find(keys.begin(), keys.end(), DegradationFinder::Key{"a", std::string(kOtherTaskType)}), keys.end());
  finder.advance(ScriptedPool::at(1));
  finder.advance(ScriptedPool::at(20 * kDay));
  for (int day = 20; day < 30; ++day)
    for (int b = 0; b < 288; ++b) finder.advance(ScriptedPool::at(day * kDay + b));
  EXPECT_EQ(finder.types(), 0u);  // a week without tasks
  EXPECT_EQ(finder.use().workers, 0u);
}

TEST(Degradation, an_hour_of_garbage_breaks_nothing) {
  Learned l = learned();
  TaskRandom random(14);
  for (int i = 0; i < 2000; ++i) {
    TaskIncrease more{.type = i % 3 ? "resize" : "x"};
    more.completed = i % 5 ? std::numeric_limits<std::uint64_t>::max() >> random.below(64) : 0;
    more.failed = std::numeric_limits<std::uint64_t>::max() >> random.below(64);
    for (auto& count : more.durations.counts) count = std::numeric_limits<std::uint64_t>::max() >> random.below(64);
    const double sums[] = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1e300,
                           1e300};
    more.durations.sum_seconds = sums[random.below(4)];
    const WallTime now = ScriptedPool::at(kAfternoon) + Duration(std::int64_t(random.between(-1e15, 1e15)));
    l.finder.add("thumbs", {i % 2 ? "w1" : "", "h\xff", ""}, std::span(&more, 1), now);
    l.finder.advance(now);
  }
  l.finder.advance(WallTime{});
  l.finder.advance(WallTime::max());
  for (const TaskDegradation& d : l.finder.take_changes()) {
    EXPECT_TRUE(std::isfinite(d.before) && std::isfinite(d.after) && std::isfinite(d.rarity));
    EXPECT_TRUE(std::isfinite(d.badness()));
    EXPECT_FALSE(d.words(ScriptedPool::at(kAfternoon)).empty());
  }
}

}  // namespace
}  // namespace paramedic
