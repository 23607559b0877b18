#include "app/daemon/command_router.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace paramedic::daemon {

namespace asio = boost::asio;

namespace {
CommandResult refused(Error error) {
  CommandResult result;
  result.message = error.message;
  result.error = std::move(error);
  return result;
}
}  // namespace

asio::awaitable<CommandResult> CommandRouter::submit(CommandInput command) {
  const auto executor = co_await asio::this_coro::executor;
  const auto waiting = std::make_shared<Waiting>(executor);
  waiting->timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(kDeadline));
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    id = "command-" + std::to_string(next_++);
    waiting_[id] = waiting;
  }
  command.command_id = id;
  command.received = clock_.now().steady;
  const SteadyTime received = command.received;
  const Result<void> pushed = inbox_.push(Input(std::move(command)), received);
  if (pushed) {
    const auto token = asio::as_tuple(asio::use_awaitable);
    co_await waiting->timer.async_wait(token);
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.erase(id);
  }
  if (!pushed) co_return refused(pushed.error());
  if (!waiting->result)
    co_return refused(
        {Errc::timeout, "the monitor did not answer within 10 s; look at /restarts and /audit before trying again"});
  co_return std::move(*waiting->result);
}

void CommandRouter::answer(const Answer& answer) {
  std::shared_ptr<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(answer.command_id);
    if (found == waiting_.end()) return;  // the request gave up
    waiting = found->second;
  }
  asio::post(waiting->timer.get_executor(), [waiting, result = answer.result]() mutable {
    waiting->result = std::move(result);
    waiting->timer.cancel();
  });
}

}  // namespace paramedic::daemon
