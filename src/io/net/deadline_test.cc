#include "io/net/deadline.h"

#include <csignal>
#include <future>

#include <gmock/gmock.h>

#include "io/net/blocking_pool.h"
#include "io/net/io_threads.h"
#include "io/net/signals.h"
#include "io/net/test_support.h"

namespace paramedic {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;

asio::awaitable<int> number_after(Duration pause) {
  co_await sleep_for(pause);
  co_return 7;
}
asio::awaitable<Result<std::string>> not_found() {
  co_await sleep_for(1ms);
  co_return Error{Errc::not_found, "nothing"};
}
asio::awaitable<void> throwing() {
  co_await sleep_for(1ms);
  throw std::runtime_error("broken");
}

TEST(Deadline, gives_the_answer_when_it_is_in_time) {
  run_coroutine([]() -> asio::awaitable<void> {
    const auto number = co_await with_deadline(number_after(1ms), 10s);
    EXPECT_EQ(*number, 7);
    const auto nothing = co_await with_deadline(sleep_for(1ms), 10s);
    EXPECT_TRUE(nothing);
    const auto flat = co_await with_deadline(not_found(), 10s);
    EXPECT_EQ(flat.error().code, Errc::not_found);
  });
}

TEST(Deadline, cancels_what_is_late) {
  run_coroutine([]() -> asio::awaitable<void> {
    const auto late = co_await with_deadline(number_after(1h), 20ms);
    EXPECT_EQ(late.error().code, Errc::timeout);
    EXPECT_THAT(late.error().message, HasSubstr("20ms"));
  });
}

TEST(Deadline, turns_exceptions_into_errors) {
  run_coroutine([]() -> asio::awaitable<void> {
    const auto broken = co_await with_deadline(throwing(), 10s);
    EXPECT_EQ(broken.error().code, Errc::internal);
    EXPECT_THAT(broken.error().message, HasSubstr("broken"));
    const auto outer = co_await with_deadline(with_deadline(number_after(1h), 1h), 20ms);
    EXPECT_EQ(outer.error().code, Errc::timeout);
  });
}

TEST(BlockingPool, runs_on_its_own_thread_and_resumes_on_the_callers) {
  BlockingPool pool(2);
  run_coroutine([&]() -> asio::awaitable<void> {
    const auto mine = std::this_thread::get_id();
    auto job = [] { return std::this_thread::get_id(); };
    const auto theirs = co_await pool.run(std::move(job));
    EXPECT_NE(*theirs, mine);
    EXPECT_EQ(std::this_thread::get_id(), mine);
    int seen = 0;
    auto silent = [&seen] { seen = 1; };
    const auto nothing = co_await pool.run(std::move(silent));
    EXPECT_TRUE(nothing);
    EXPECT_EQ(seen, 1);
    auto failing = []() -> Result<int> { return Error{Errc::corrupt, "bad file"}; };
    const Result<int> flat = co_await pool.run(std::move(failing));
    EXPECT_EQ(flat.error().code, Errc::corrupt);
    auto moving = [owned = std::make_unique<int>(3)] { return std::make_unique<int>(*owned + 1); };
    const auto moved = co_await pool.run(std::move(moving));
    EXPECT_EQ(**moved, 4);
    auto throws = []() -> int { throw std::runtime_error("broken"); };
    const auto thrown = co_await pool.run(std::move(throws));
    EXPECT_EQ(thrown.error().code, Errc::internal);
  });
}

TEST(BlockingPool, refuses_when_full_and_answers_all_on_stop) {
  BlockingPool pool(1, 1);
  std::promise<void> release, occupied;
  ASSERT_TRUE(pool.post([&] {
    occupied.set_value();
    release.get_future().wait();
  }));
  occupied.get_future().wait();
  asio::io_context context(1);
  std::optional<Result<int>> queued;
  const auto waits = [&]() -> asio::awaitable<void> {
    auto job = [] { return 1; };
    queued = co_await pool.run(std::move(job));
  };
  asio::co_spawn(context, waits(), asio::detached);
  context.poll();
  EXPECT_EQ(pool.waiting(), 1u);
  EXPECT_FALSE(pool.post([] {}));
  std::optional<Result<int>> over;
  const auto refused = [&]() -> asio::awaitable<void> {
    auto job = [] { return 1; };
    over = co_await pool.run(std::move(job));
  };
  asio::co_spawn(context, refused(), asio::detached);
  context.poll();
  ASSERT_TRUE(over);
  EXPECT_EQ(over->error().code, Errc::unavailable);
  EXPECT_THAT(over->error().message, HasSubstr("try again"));

  std::thread stopper([&] { pool.stop(); });
  context.run();  // the waiting job is answered although it never runs
  ASSERT_TRUE(queued);
  EXPECT_EQ(queued->error().code, Errc::unavailable);
  EXPECT_THAT(queued->error().message, HasSubstr("stopped"));
  release.set_value();
  stopper.join();
  EXPECT_FALSE(pool.post([] {}));
  pool.stop();
}

TEST(IoThreads, goes_round_and_runs_posted_work) {
  IoThreads threads(2);
  EXPECT_EQ(threads.size(), 2u);
  EXPECT_NE(&threads.next(), &threads.next());
  threads.start();
  std::promise<std::thread::id> first, second;
  asio::post(threads.at(0), [&] { first.set_value(std::this_thread::get_id()); });
  asio::post(threads.at(1), [&] { second.set_value(std::this_thread::get_id()); });
  EXPECT_NE(first.get_future().get(), second.get_future().get());
  threads.stop();
  threads.stop();
}

TEST(Signals, a_request_to_end_resumes_the_waiter) {
  run_coroutine([]() -> asio::awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    const auto ask = []() -> asio::awaitable<void> {
      co_await sleep_for(20ms);
      std::raise(SIGTERM);
    };
    asio::co_spawn(executor, ask(), asio::detached);
    const int got = co_await wait_for_stop_signal();
    EXPECT_EQ(got, SIGTERM);
  });
}

}  // namespace
}  // namespace paramedic
