// A flag one can wait for, on one executor. Internal to net.
#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace paramedic {

// A timer that never fires: cancelling it wakes every waiter, and Asio's cancellation works on it as on any wait.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor)
      : timer_(std::move(executor), boost::asio::steady_timer::time_point::max()) {}
  // Resumes at the next notify(); the caller looks again at what it waits for.
  boost::asio::awaitable<std::tuple<boost::system::error_code>> wait() {
    return timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  void notify() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace paramedic
