// One operation of Asio as a blocking call with a deadline, for the kinds that speak over sockets. Internal to
// io/probes. run() from one thread at a time, cancel() from any.
#pragma once
#include <atomic>
#include <functional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::probes {

class AsioRun {
 public:
  using Operation = std::function<boost::asio::awaitable<Result<void>>()>;

  // Errors: timeout ("no answer within 2s"), unavailable (cancelled), those of the operation.
  Result<void> run(Operation operation, Duration deadline);
  // For good.
  void cancel();

 private:
  boost::asio::io_context context_{1};
  std::atomic<bool> cancelled_{false};
};

}  // namespace paramedic::probes
