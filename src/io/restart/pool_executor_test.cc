// What the queue does by itself, whatever the kind.
#include "io/restart/pool_executor.h"

#include <gmock/gmock.h>

#include "io/restart/restart_test_support.h"

namespace paramedic::restart {
namespace {

// Ends at once, and counts.
class Instant final : public Executor {
 public:
  struct Once final : Attempt {
    explicit Once(int& count) : count_(count) {}
    Outcome run() override { return {true, std::to_string(++count_)}; }
    void cancel() override {}
    int& count_;
  };
  std::unique_ptr<Attempt> prepare(const Job&) const override { return std::make_unique<Once>(*count_); }
  std::shared_ptr<int> count_ = std::make_shared<int>(0);
};
ExecutorSetup instant() { return {std::make_shared<Instant>(), {.parallel = 1}}; }

TEST(PoolExecutor, another_incarnation_is_left_alone) {
  Told told;
  told.lives("2");
  PoolExecutor executor(instant(), told.ports());
  executor.submit(job());
  ProgressInput end = told.ends(1)[0];
  EXPECT_EQ(end.message, "not performed: incarnation 2 is there by now");
  EXPECT_EQ(end.step, LadderStep::accepted);
  told.forget();
  executor.submit(job());
  EXPECT_EQ(told.ends(2)[1].message, "not performed: the worker is not known any more");
  told.lives("1");
  executor.submit(job());
  EXPECT_TRUE(told.ends(3)[2].ok) << "a refused action may come again";
}

TEST(PoolExecutor, a_job_that_waited_too_long_is_not_performed) {
  Told told;
  ExecutorSetup setup = instant();
  setup.limits.max_wait = -1s;
  PoolExecutor executor(setup, told.ports());
  executor.submit(job());
  EXPECT_THAT(told.ends(1)[0].message, ::testing::HasSubstr("for its turn"));
}

TEST(PoolExecutor, a_pool_that_lost_its_executor_refuses) {
  Told told;
  PoolExecutor executor(instant(), told.ports());
  executor.configure({});
  executor.submit(job());
  EXPECT_EQ(told.ends(1)[0].message, "pool jobs has no executor any more");
  executor.configure(instant());
  executor.submit(job());
  EXPECT_TRUE(told.ends(2)[1].ok);
}

TEST(PoolExecutor, the_end_is_told_until_somebody_takes_it) {
  Told told;
  told.refuse_next(4);
  PoolExecutor executor(instant(), told.ports());
  executor.submit(job());
  EXPECT_TRUE(told.ends(1)[0].ok);
  EXPECT_EQ(told.all().size(), 3u);
}

TEST(PoolExecutor, once_closed_it_begins_nothing) {
  Told told;
  PoolExecutor executor(instant(), told.ports());
  executor.close();
  executor.submit(job());
  executor.stop(1h);  // nothing runs: no wait
  EXPECT_TRUE(told.all().empty());
}

// Says "not now", in words, the first time.
class Patient final : public Executor {
 public:
  struct Once final : Attempt {
    explicit Once(int& count) : count_(count) {}
    Outcome run() override {
      if (++count_ > 1) return {true, "done"};
      Outcome out{false, "the budget web needs 3 pods"};
      out.held_back = true;
      out.retry_after = 30s;
      return out;
    }
    void cancel() override {}
    int& count_;
  };
  std::unique_ptr<Attempt> prepare(const Job&) const override { return std::make_unique<Once>(*count_); }
  std::shared_ptr<int> count_ = std::make_shared<int>(0);
};

TEST(PoolExecutor, what_was_held_back_is_told_as_such_and_may_come_again) {
  Told told;
  PoolExecutor executor({std::make_shared<Patient>(), {.parallel = 1}}, told.ports());
  executor.submit(job());
  const ProgressInput end = told.ends(1)[0];
  EXPECT_FALSE(end.ok);
  EXPECT_TRUE(end.held_back);
  EXPECT_EQ(end.retry_after, Duration(30s));
  EXPECT_EQ(end.message, "the budget web needs 3 pods");
  executor.submit(job());  // a start after a crash keeps its action_id
  EXPECT_TRUE(told.ends(2)[1].ok);
}

TEST(PoolExecutor, counts_what_became_of_its_jobs) {
  Told told;
  ExecutorSetup setup{std::make_shared<Patient>(), {.parallel = 1}};
  setup.kind = "patient";
  PoolExecutor executor(setup, told.ports());
  executor.submit(job());
  (void)told.ends(1);
  executor.submit(job());
  (void)told.ends(2);
  executor.submit(job());  // only told again
  told.lives("2");
  executor.submit(job("act-2"));
  (void)told.ends(4);
  const JobCounts counts = executor.counts().at("patient");
  EXPECT_EQ(counts.succeeded, 1u);
  EXPECT_EQ(counts.held_back, 1u);
  EXPECT_EQ(counts.refused, 1u);
  EXPECT_EQ(counts.failed, 0u);
  EXPECT_EQ(counts.seconds.count(), 2u);
}

TEST(PoolExecutor, remembers_the_last_thousand_ends) {
  Told told;
  PoolExecutor executor(instant(), told.ports());
  for (int i = 0; i <= int(PoolExecutor::kRemembered); ++i) {
    executor.submit(job("act-" + std::to_string(i)));
    (void)told.ends(std::size_t(i) + 1);
  }
  executor.submit(job("act-1"));  // still known
  EXPECT_EQ(told.ends(PoolExecutor::kRemembered + 2).back().message, "2");
}

}  // namespace
}  // namespace paramedic::restart
