// One WebSocket connection, the same on the server's and the client's side. Messages are whole texts.
// Thread rule: all members but executor() and remote_address() only on executor(); from elsewhere
// `asio::post(socket->executor(), …)`. Lifetime: shared; when the last reference goes, the TCP connection is cut.
// References must be gone before the server (or the client's io_context) is destroyed.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic {

struct WebSocketOptions {
  std::size_t message_limit = 16u << 20;  // bytes of one received message; more closes with 1009
  std::size_t send_queue_limit =
      4u << 20;                      // bytes waiting to be sent; one message is always accepted by an empty queue
  Duration handshake_timeout = 10s;  // opening and closing handshake
  Duration idle_timeout = 60s;       // nothing received for so long: cut. A ping goes out after half of it.
  Duration write_timeout = 30s;      // one message not taken by the peer for so long: cut
};

// RFC 6455 section 7.4.1 and the IANA registry.
enum class WebSocketClose : std::uint16_t {
  normal = 1000,
  going_away = 1001,  // the server stops
  policy = 1008,      // not allowed
  too_big = 1009,
  internal_error = 1011,
  try_again_later = 1013,
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;

  // The next message. Errors: unavailable (closed by either side; the message names code and reason), too_large,
  // timeout. REQUIRES: one receive() at a time. While nobody receives, pongs are not seen: a pause must stay below
  // idle_timeout.
  virtual boost::asio::awaitable<Result<std::string>> receive() = 0;

  // Returns when the message has been handed to the kernel. Errors: unavailable (closed), too_many (queue over its
  // limit), timeout. Several at once are sent in order.
  virtual boost::asio::awaitable<Result<void>> send(std::shared_ptr<const std::string> message) = 0;

  // Queues and returns at once; a later failure closes the socket. Errors: too_many (nothing queued; the caller decides
  // whether to drop, to resynchronise or to close), unavailable (closed).
  virtual Result<void> send_soon(std::shared_ptr<const std::string> message) = 0;
  virtual std::size_t queued_bytes() const = 0;

  // Begins the closing handshake (reason at most 120 bytes, cut) and returns at once; messages not yet on the wire are
  // dropped; receive() ends. The connection is cut at the latest after handshake_timeout.
  virtual void close(WebSocketClose code, std::string reason) = 0;
  virtual bool is_open() const = 0;

  virtual boost::asio::any_io_executor executor() = 0;
  virtual const std::string& remote_address() const = 0;  // without port
};

}  // namespace paramedic
