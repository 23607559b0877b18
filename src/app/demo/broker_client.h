// BrokerClient: one blocking connection to the demo broker. Not for several threads; every call has a deadline.
// An error closes the connection; the next call after connect() begins afresh. Tasks held by a lost connection are
// delivered again to somebody.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "app/demo/unix_socket.h"
#include "base/clock.h"
#include "base/result.h"

namespace paramedic::demo {

struct TakenTask {
  std::uint64_t id = 0;
  std::string type;
  std::uint64_t bytes = 0;
  int attempt = 1;
};
struct QueueDepth {
  std::uint64_t ready = 0, unacked = 0;
  Duration oldest{};
  std::uint64_t taken = 0, acked = 0, given_up = 0;
};

class BrokerClient {
 public:
  explicit BrokerClient(std::filesystem::path socket, Duration timeout = 2s)
      : socket_(std::move(socket)), timeout_(timeout) {}

  bool connected() const { return bool(fd_); }
  Result<void> connect();
  void close() { fd_.reset(), in_.clear(); }

  Result<std::uint64_t> put(std::string_view queue, std::string_view type, std::uint64_t bytes);
  Result<std::optional<TakenTask>> take(std::string_view queue);  // nullopt: none waits
  Result<void> ack(std::uint64_t id);
  Result<void> nack(std::uint64_t id);
  Result<QueueDepth> depth(std::string_view queue);
  Result<Duration> ping();  // round trip
  // One request line, one answer line. "error …" becomes an Error and leaves the connection open.
  Result<std::string> call(std::string_view request);

 private:
  Result<void> wait(short events, SteadyTime deadline);
  Error lost(std::string why);

  std::filesystem::path socket_;
  Duration timeout_;
  UniqueFd fd_;
  std::string in_;
  SystemClock clock_;
};

}  // namespace paramedic::demo
