// The byte stream below a connection: non-blocking attempts plus waiting, the shape that plain TCP and OpenSSL share
// (SSL_read and SSL_write with WANT_READ / WANT_WRITE). TLS becomes a second implementation. Internal to net.
// One thread: the executor's.
#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"
#include "io/net/http.h"
#include "io/net/websocket.h"

namespace paramedic {

// A WebSocket that its owner can cut at once, without a handshake.
class OwnedWebSocket : public WebSocket {
 public:
  virtual void cut() = 0;
};

struct WebSocketHandshake {
  std::string target;
  HttpHeaders headers;
  WebSocketOptions options;
  std::string remote_address;
  std::shared_ptr<void> slot;  // held as long as the socket lives: counts it
};

class Stream {
 public:
  struct Step {
    std::size_t bytes = 0;
    bool would_block = false;  // call wait(), then try again
    bool ended = false;        // end of file or a broken connection
  };
  using Waited = std::tuple<boost::system::error_code>;
  using Parts = std::array<boost::asio::const_buffer, 3>;

  virtual ~Stream() = default;
  virtual Step try_read(std::span<char> into) = 0;
  virtual Step try_write(const Parts& parts) = 0;
  virtual boost::asio::awaitable<Waited> wait_readable() = 0;
  virtual boost::asio::awaitable<Waited> wait_writable() = 0;
  virtual void cancel() = 0;    // waits end with operation_aborted
  virtual void end_send() = 0;  // the peer reads end of file
  virtual void close() = 0;
  // Answers the handshake; the stream is empty afterwards.
  virtual boost::asio::awaitable<Result<std::shared_ptr<OwnedWebSocket>>> upgrade(WebSocketHandshake handshake) = 0;
};

// Takes a connected socket, makes it non-blocking and switches Nagle's algorithm off.
std::unique_ptr<Stream> make_tcp_stream(boost::asio::ip::tcp::socket socket);

// In websocket.cc.
boost::asio::awaitable<Result<std::shared_ptr<OwnedWebSocket>>> accept_websocket(boost::asio::ip::tcp::socket socket,
                                                                                 WebSocketHandshake handshake);

}  // namespace paramedic
