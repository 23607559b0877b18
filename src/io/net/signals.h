// Waiting for a polite request to end.
#pragma once
#include <boost/asio/awaitable.hpp>

namespace paramedic {

// Resumes with SIGINT or SIGTERM, whichever comes first. One waiter per process; other threads stay undisturbed.
boost::asio::awaitable<int> wait_for_stop_signal();

}  // namespace paramedic
