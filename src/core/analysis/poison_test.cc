#include "core/analysis/poison.h"

#include <limits>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {
namespace {

class PoisonTest : public ::testing::Test {
 protected:
  DeathRecord death(const std::string& worker, std::vector<DeathTask> tasks, int living = 9) {
    DeathRecord r{
        .worker_id = worker, .pool = "p", .host = "h", .incarnation = worker + "#" + std::to_string(++lives_)};
    r.how = "signal 9";
    r.at = clock_.now().wall;
    r.living = living;
    r.tasks = std::move(tasks);
    return r;
  }
  std::vector<PoisonTask> dies(const DeathRecord& record) {
    return finder_.on_death(record, clock_.now().steady, PoisonLimits{});
  }
  std::vector<PoisonTask> dies(const std::string& worker, std::vector<DeathTask> tasks, int living = 9) {
    return dies(death(worker, std::move(tasks), living));
  }
  static DeathTask task(const std::string& digest, int living_with = 0) {
    return {.id = "t", .type = "resize", .args_digest = digest, .ran = 3s, .living = living_with};
  }
  ManualClock clock_;
  PoisonFinder finder_{50};
  int lives_ = 0;
};

TEST_F(PoisonTest, is_named_with_its_evidence_at_the_third_death) {
  EXPECT_TRUE(dies("a", {task("3f2a"), task("0001")}).empty());
  clock_.advance(1h);
  EXPECT_TRUE(dies("b", {task("3f2a"), task("0002")}).empty());
  clock_.advance(1h);
  const auto named = dies("c", {task("0003"), task("3f2a")});
  ASSERT_EQ(named.size(), 1u);
  EXPECT_EQ(named[0].words(), "task resize 3f2a was in flight at 3 of 3 deaths");
  ASSERT_EQ(named[0].evidence.size(), 3u);
  EXPECT_EQ(named[0].evidence[1].worker_id, "b");
  EXPECT_EQ(named[0].evidence[2].ran, 3s);
  EXPECT_EQ(finder_.named().size(), 1u);
  EXPECT_EQ(dies("d", {task("3f2a")})[0].seen, 4) << "told again with more evidence";
}

TEST_F(PoisonTest, one_life_counts_once) {
  const DeathRecord same = death("a", {task("3f2a")});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(dies(same).empty());
}

TEST_F(PoisonTest, a_task_without_digest_is_never_named) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(dies("a", {task("")}).empty());
}

TEST_F(PoisonTest, what_the_living_do_as_well_is_not_blamed) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(dies("a", {task("e3b0", 4)}, 10).empty()) << i;
  // At every death, yet at nearly a third of the living too: chance is out of the question only at the sixth.
  PoisonFinder other;
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(other.on_death(death("a", {task("e3b0", 3)}, 10), clock_.now().steady, PoisonLimits{}).size(), i >= 5);
}

TEST_F(PoisonTest, deaths_of_another_cause_count_for_it) {
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(dies("a", {task(i % 5 ? "x" + std::to_string(i) : "3f2a", i % 5 ? 0 : 1)}).empty());
  EXPECT_TRUE(finder_.named().empty()) << "a fifth of the dead, a ninth of the living";
}

// A task that exactly one of the pool has at any time: no living one has it when its holder dies.
TEST_F(PoisonTest, what_somebody_always_has_is_not_blamed_for_its_share_of_the_deaths) {
  for (int i = 0; i < 60; ++i) {
    clock_.advance(20min);
    const std::string worker = "w" + std::to_string(i);
    EXPECT_TRUE(dies(worker, {task(i % 6 ? "x" + std::to_string(i) : "single")}, 5).empty()) << i;
  }
}

TEST_F(PoisonTest, a_task_that_runs_for_hours_must_meet_deaths) {
  PoisonFinder other;
  for (int i = 0; i < 3; ++i) {
    clock_.advance(1h);
    DeathTask quick = task("quick"), slow = task("slow");
    slow.ran = 50min;
    const DeathRecord record = death("w" + std::to_string(i), {quick, slow}, 5);
    const auto named = other.on_death(record, clock_.now().steady, PoisonLimits{});
    ASSERT_EQ(named.size(), i == 2);
    for (const PoisonTask& one : named) EXPECT_EQ(one.args_digest, "quick");
  }
}

// What a worker always has in hand dies with it, however often; a crash loop is told, as is a death of another worker.
TEST_F(PoisonTest, what_only_one_worker_has_is_named_in_a_crash_loop_only) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(dies("keeper", {task("kept")}).empty()) << i;
    clock_.advance(11min);
  }
  EXPECT_EQ(dies("another", {task("kept")}).size(), 1u);
  for (int i = 0; i < 3; ++i) {
    clock_.advance(9min);
    EXPECT_EQ(dies("looper", {task("3f2a")}, 30).size(), i == 2);
  }
}

TEST_F(PoisonTest, a_pool_of_one_worker_must_have_it_at_each_death) {
  for (int i = 0; i < 30; ++i) {
    clock_.advance(20min);
    EXPECT_TRUE(dies("w", {task(i % 8 == 1 ? "other" : "often")}, 0).empty()) << i;
  }
  PoisonFinder other;
  for (int i = 0; i < 3; ++i) {
    clock_.advance(20min);
    EXPECT_EQ(other.on_death(death("w", {task("3f2a")}, 0), clock_.now().steady, PoisonLimits{}).size(), i == 2);
  }
}

TEST_F(PoisonTest, other_deaths_in_between_ask_for_more) {
  const auto at_fourth = [&](int living) {  // with it: the first, second and fourth death
    PoisonFinder finder;
    std::vector<PoisonTask> named;
    for (int i = 0; i < 4; ++i) {
      clock_.advance(1h);
      named = finder.on_death(death("w" + std::to_string(i), {task(i == 2 ? "other" : "3f2a")}, living),
                              clock_.now().steady, PoisonLimits{});
    }
    return named.size();
  };
  EXPECT_EQ(at_fourth(9), 0u) << "3 of 4 at 1 of 10: 4 of 1000";
  EXPECT_EQ(at_fourth(15), 1u) << "3 of 4 at 1 of 16: 1 of 1000";
}

TEST_F(PoisonTest, three_of_three_in_a_crash_loop_are_enough_in_any_pool) {
  for (const int living : {0, 1, 2, 3, 30}) {
    PoisonFinder other;
    for (int i = 0; i < 3; ++i) {
      clock_.advance(5s);
      EXPECT_EQ(other.on_death(death("w", {task("3f2a")}, living), clock_.now().steady, PoisonLimits{}).size(), i == 2);
    }
  }
}

TEST_F(PoisonTest, nonsense_in_a_record_is_survived) {
  for (int i = 0; i < 10; ++i) {
    DeathTask odd = task("3f2a", i % 2 ? std::numeric_limits<int>::max() : -5), other = task("0001");
    odd.ran = other.ran = i % 2 ? Duration::max() : Duration::min();
    for (const PoisonTask& named : dies(death("w" + std::to_string(i), {odd, other}, i % 3 ? 1 << 30 : -1)))
      EXPECT_GE(named.seen, 3);
  }
}

TEST_F(PoisonTest, old_deaths_do_not_count_and_a_named_one_ends) {
  dies("a", {task("3f2a")});
  clock_.advance(23h);
  dies("b", {task("3f2a")});
  clock_.advance(2h);
  EXPECT_TRUE(dies("c", {task("3f2a")}).empty()) << "the first is more than a day old";
  ASSERT_EQ(dies("d", {task("3f2a")}).size(), 1u);
  EXPECT_EQ(finder_.next_expiry(), clock_.now().steady + 24h + 1ns);
  clock_.advance(24h);
  EXPECT_TRUE(finder_.expire(clock_.now().steady).empty());
  clock_.advance(1s);
  ASSERT_EQ(finder_.expire(clock_.now().steady).size(), 1u);
  EXPECT_TRUE(finder_.named().empty());
  EXPECT_FALSE(finder_.next_expiry());
}

TEST_F(PoisonTest, memory_is_bounded_and_suspects_stay) {
  dies("a", {task("3f2a")}, 20);
  dies("b", {task("3f2a")}, 20);
  std::vector<DeathTask> many;
  for (int i = 0; i < 500; ++i) many.push_back(task("x" + std::to_string(i)));
  dies("c", many, 20);
  EXPECT_EQ(finder_.evicted(), 451u);
  EXPECT_EQ(dies("d", {task("3f2a")}, 20).size(), 1u);
}

TEST_F(PoisonTest, pools_are_apart) {
  for (const std::string pool : {"p", "q", "r"}) {
    DeathRecord r = death("a", {task("3f2a")});
    r.pool = pool;
    EXPECT_TRUE(dies(r).empty());
  }
}

TEST_F(PoisonTest, long_digests_are_shortened_for_people) {
  PoisonTask t{.pool = "p", .type = "resize", .args_digest = "3f2a90b1c2d3e4f5"};
  EXPECT_EQ(t.name(), "resize 3f2a90b1c2d3…");
  EXPECT_TRUE(t.key().starts_with("pool/p/poison_task/"));
}

// Whatever dies: the dead and the living draw from the same few tasks, so none of these is to blame; one that kills is
// found all the same.
RC_GTEST_PROP(Poison, common_tasks_are_not_blamed_and_the_killer_is_found, ()) {
  std::mt19937 random(*rc::gen::inRange(0, 1'000'000));
  const int kinds = *rc::gen::inRange(1, 3), living = *rc::gen::inRange(20, 60);
  const int killer_at = *rc::gen::inRange(0, 20);
  PoisonFinder finder;
  SteadyTime now{1h};
  int killed = 0;
  for (int i = 0; i < 40; ++i) {
    now += 60s;
    DeathRecord r{.worker_id = "w", .pool = "p", .incarnation = std::to_string(i)};
    r.living = living;
    const int mine = int(random() % unsigned(kinds));
    int with = 0;
    for (int k = 0; k < living; ++k) with += int(random() % unsigned(kinds)) == mine;
    r.tasks.push_back({.type = "t", .args_digest = std::to_string(mine), .living = with});
    if (i >= killer_at && i % 3 == 0) r.tasks.push_back({.type = "t", .args_digest = "killer"});
    killed += r.tasks.size() == 2;
    for (const PoisonTask& named : finder.on_death(r, now, PoisonLimits{})) {
      RC_ASSERT(named.args_digest == "killer");
      RC_ASSERT(named.seen >= 3);
      RC_ASSERT(named.seen <= named.deaths);
    }
  }
  RC_ASSERT(finder.named().size() == (killed >= 3 ? 1u : 0u));
}

}  // namespace
}  // namespace paramedic
