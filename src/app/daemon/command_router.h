// CommandRouter: carries an operator's wish to the engine and its Answer back to the waiting request.
// submit() on any I/O executor; answer() from the dispatcher thread.
#pragma once
#include <memory>
#include <mutex>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "app/daemon/inbox.h"
#include "io/api/ports.h"

namespace paramedic::daemon {

class CommandRouter final : public api::Commands {
 public:
  static constexpr Duration kDeadline = 10s;

  CommandRouter(Inbox& inbox, const Clock& clock) : inbox_(inbox), clock_(clock) {}
  boost::asio::awaitable<CommandResult> submit(CommandInput command) override;
  void answer(const Answer& answer);

 private:
  struct Waiting {
    explicit Waiting(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;  // touched on its own executor only
    std::optional<CommandResult> result;
  };

  Inbox& inbox_;
  const Clock& clock_;
  std::mutex mutex_;  // guards the two below
  std::uint64_t next_ = 1;
  std::unordered_map<std::string, std::shared_ptr<Waiting>> waiting_;
};

}  // namespace paramedic::daemon
