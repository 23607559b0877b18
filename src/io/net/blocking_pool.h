// Threads for calls that block (SQLite, libcurl, name lookups), so that event loops never do.
// Usage, inside a coroutine:   auto job = [&store, key] { return store.load(key); };      // named first: g++ 12
//                              auto rows = co_await pool.run(std::move(job));             // Result<Rows>
// run() from any executor, resumes on it. The pool must be stopped before the caller's io_context is destroyed.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/result.h"
#include "io/net/deadline.h"

namespace paramedic {

class BlockingPool {
 public:
  // `queue_limit`: jobs waiting, beyond those running.
  explicit BlockingPool(std::size_t threads, std::size_t queue_limit = 1024);
  ~BlockingPool();  // stop()
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs fn() on a pool thread. fn returns T, Result<T> or void → Result<T>. Errors: unavailable (queue full, or
  // stopped before the job began); an exception of fn becomes internal. A cancelled caller still waits for its job.
  // Plain function, not a coroutine: fn is moved into the job before the first suspension.
  template <class F>
  auto run(F fn) -> boost::asio::awaitable<FlatResult<std::invoke_result_t<F&>>>;

  // For callers without coroutine. False: queue full or stopped, fn was not taken.
  bool post(std::function<void()> fn);

  // Running jobs end, waiting ones are answered with unavailable; joins. Not from a pool thread. Repeatable.
  void stop();
  std::size_t waiting() const;

 private:
  struct Job {
    virtual ~Job() = default;
    virtual void run() = 0;
    virtual void refuse(Error error) = 0;  // never run: answer instead
  };
  template <class R, class F, class Handler>
  struct TypedJob;
  struct PlainJob;

  // Null when taken, else the job back.
  std::unique_ptr<Job> enqueue(std::unique_ptr<Job> job);
  Error refusal() const;
  void work();

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;  // guards queue_ and stopped_
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

template <class R, class F, class Handler>
struct BlockingPool::TypedJob final : Job {
  TypedJob(F f, Handler h)
      : fn(std::move(f)), handler(std::move(h)), guard(boost::asio::get_associated_executor(handler)) {}
  void run() override { finish(call()); }
  void refuse(Error error) override { finish(R(std::move(error))); }

 private:
  R call() {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        fn();
        return R{};
      } else {
        return R(fn());
      }
    } catch (...) {
      return R(current_exception_error("blocking call failed"));
    }
  }
  void finish(R result) {
    auto executor = boost::asio::get_associated_executor(handler);
    // The guard goes along and ends over there: here its loop may be gone as soon as the answer was taken.
    boost::asio::post(executor, [h = std::move(handler), r = std::move(result), g = std::move(guard)]() mutable {
      g.reset();
      std::move(h)(std::move(r));
    });
  }

  F fn;
  Handler handler;
  boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>>
      guard;  // keeps the caller's loop running
};

template <class F>
auto BlockingPool::run(F fn) -> boost::asio::awaitable<FlatResult<std::invoke_result_t<F&>>> {
  using R = FlatResult<std::invoke_result_t<F&>>;
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(R)>(
      [this]<class Handler>(Handler handler, F f) {
        std::unique_ptr<Job> job = std::make_unique<TypedJob<R, F, Handler>>(std::move(f), std::move(handler));
        if (auto refused = enqueue(std::move(job))) refused->refuse(refusal());
      },
      boost::asio::use_awaitable, std::move(fn));
}

}  // namespace paramedic
