// Every wait has a deadline. Usage, on any executor, inside a coroutine:
//   auto answer = co_await with_deadline(read_line(socket), 5s);     // Result<T>, Errc::timeout when late
// A late operation is cancelled (terminal) and awaited: it must honour Asio cancellation, as all Asio operations do.
// An operation that yields Result<T> gives Result<T>, not Result<Result<T>>. Exceptions become Errors:
// operation_aborted (the caller itself was cancelled) unavailable, others internal.
#pragma once
#include <string>
#include <type_traits>
#include <variant>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic {

template <class T>
struct FlatResultOf {
  using type = Result<T>;
};
template <class T>
struct FlatResultOf<Result<T>> {
  using type = Result<T>;
};
// Result<T> of T, and of Result<T>.
template <class T>
using FlatResult = typename FlatResultOf<T>::type;

// The exception being handled, as a value. REQUIRES: inside a catch block.
Error current_exception_error(std::string_view what);
Error deadline_error(Duration deadline);

// The operation with its exception, if any, as an Error.
template <class T>
boost::asio::awaitable<FlatResult<T>> as_result(boost::asio::awaitable<T> operation) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(operation);
      co_return FlatResult<T>{};
    } else {
      co_return co_await std::move(operation);
    }
  } catch (...) {
    co_return current_exception_error("operation failed");
  }
}

template <class T>
boost::asio::awaitable<FlatResult<T>> with_deadline(boost::asio::awaitable<T> operation, Duration deadline) {
  using namespace boost::asio::experimental::awaitable_operators;  // a || b: the first that ends; the other is
                                                                   // cancelled
  try {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::duration_cast<boost::asio::steady_timer::duration>(deadline));
    auto guarded = as_result(std::move(operation));
    auto late = timer.async_wait(boost::asio::use_awaitable);
    auto winner = co_await (std::move(guarded) || std::move(late));
    if (winner.index() == 1) co_return deadline_error(deadline);
    co_return std::get<0>(std::move(winner));
  } catch (...) {
    co_return current_exception_error("operation failed");
  }
}

// Waits; returns early only when cancelled (then it throws operation_aborted, as every cancelled await does).
boost::asio::awaitable<void> sleep_for(Duration duration);

}  // namespace paramedic
