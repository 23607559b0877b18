#include "io/net/deadline.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/text.h"

namespace paramedic {

Error current_exception_error(std::string_view what) {
  const std::string prefix(what);
  try {
    throw;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) return Error{Errc::unavailable, prefix + ": cancelled"};
    return Error{Errc::internal, prefix + ": " + error.code().message()};
  } catch (const std::exception& error) {
    return Error{Errc::internal, prefix + ": " + error.what()};
  } catch (...) {
    return Error{Errc::internal, prefix + ": unknown exception"};
  }
}

Error deadline_error(Duration deadline) {
  return Error{Errc::timeout, "no answer within " + format_duration(deadline)};
}

boost::asio::awaitable<void> sleep_for(Duration duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  timer.expires_after(std::chrono::duration_cast<boost::asio::steady_timer::duration>(duration));
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace paramedic
