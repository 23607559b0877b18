#include "io/probes/asio_run.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "io/net/deadline.h"

namespace paramedic::probes {

namespace asio = boost::asio;

Result<void> AsioRun::run(Operation operation, Duration deadline) {
  context_.restart();
  // Behind restart(): a cancel() that came before it would be lost, one that comes later stops the loop.
  if (cancelled_) return make_error(Errc::unavailable, "cancelled");
  std::optional<Result<void>> result;
  auto guarded = with_deadline(operation(), deadline);
  asio::co_spawn(context_, std::move(guarded), [&result](std::exception_ptr thrown, Result<void> done) {
    result = thrown ? Result<void>(make_error(Errc::internal, "the probe failed by itself")) : std::move(done);
  });
  context_.run();
  if (!result) return make_error(Errc::unavailable, "cancelled");
  if (!*result && result->error().code == Errc::timeout)
    return make_error(Errc::timeout, fmt::format("no answer within {}", format_duration(deadline)));
  return *result;
}

void AsioRun::cancel() {
  cancelled_ = true;
  context_.stop();
}

}  // namespace paramedic::probes
