// HTTP/1.1 and WebSocket server. Every thread runs its own event loop; a connection stays on the loop it was given,
// so a handler may be called by several threads at once but never twice at once for one connection.
// Owner: the composition root. The handler and the logger must outlive the server.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "io/net/http.h"
#include "io/net/websocket.h"

namespace paramedic {

// Where a Streamed reply goes. Only on executor(). Valid until the producer's coroutine ends.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // One chunk, not copied; an empty one is skipped. Errors: unavailable (client gone or server stopping), timeout (the
  // client did not take it within write_timeout). After an error end the coroutine; nothing more can be sent.
  virtual boost::asio::awaitable<Result<void>> write(std::shared_ptr<const std::string> chunk) = 0;
  // Client gone, or the server stops.
  virtual bool closed() const = 0;
  virtual boost::asio::any_io_executor executor() = 0;
};

// The answer comes later. The coroutine runs on the connection's executor; a stop that runs out of patience cancels it.
struct Deferred {
  std::function<boost::asio::awaitable<HttpResponse>()> run;
};

// Chunked body of unknown length: large replies, server-sent events (also HTTP/1.0: until the connection closes).
// The producer runs on the connection's executor. When the client goes away or the server stops, its current wait is
// cancelled (terminal cancellation: Asio throws operation_aborted out of it; let it pass).
struct Streamed {
  int status = 200;
  std::string content_type;
  HttpHeaders headers;
  std::function<boost::asio::awaitable<void>(BodyWriter&)> produce;
};

// Accepts the WebSocket handshake, then runs the coroutine on the connection's executor. The socket is closed when the
// coroutine ends and nobody else holds a reference. Answered with 426 when the request is no handshake.
struct Upgrade {
  std::function<boost::asio::awaitable<void>(std::shared_ptr<WebSocket>)> run;
  WebSocketOptions options{};
};

using HttpReply = std::variant<HttpResponse, Deferred, Streamed, Upgrade>;

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // On an I/O thread: must not block. May move parts out of the request. An exception becomes a 500.
  // HEAD and OPTIONS come here as well; for HEAD the body of the reply is counted but not sent.
  virtual HttpReply handle(HttpRequest&& request) = 0;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8420;  // 0: any free one, see HttpServer::port()
  std::size_t threads = 1;
  std::size_t header_limit = 16u << 10;  // bytes of request line and headers; more: 431
  std::size_t body_limit = 1u << 20;     // bytes; more: 413
  // When set, replaces body_limit per request: bulk paths allow more. On an I/O thread; `path` is raw.
  std::function<std::size_t(std::string_view method, std::string_view path)> body_limit_for;
  Duration header_timeout = 10s;  // from the first byte (or the connection's start) to the end of the headers: 408
  Duration body_timeout = 30s;    // the whole body: 408
  Duration idle_timeout = 75s;    // between two requests: closed
  Duration write_timeout = 30s;   // no byte taken by the client: cut
  std::size_t max_connections = 20'000;  // WebSockets and streams included; more: 503 and closed
};

// Everything since the start; sums over the threads.
struct HttpServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  // over max_connections
  std::uint64_t accept_failures = 0;      // out of file descriptors and the like
  std::uint64_t requests = 0;
  std::uint64_t bytes_in = 0;  // HTTP only, without WebSocket frames
  std::uint64_t bytes_out = 0;
  std::uint64_t parse_errors = 0;  // 400, 413, 431
  std::uint64_t timeouts = 0;      // header, body and write; not idle
  std::uint64_t streams_open = 0;
  std::uint64_t websockets_open = 0;
};

class HttpServer {
 public:
  HttpServer(HttpServerOptions options, HttpHandler& handler, Logger& logger);
  ~HttpServer();  // stop() without grace
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds, listens, starts the threads. Errors: conflict (port in use), forbidden, invalid_argument (address), io.
  Result<void> start();
  // Stops accepting, closes idle connections, ends streams and WebSockets (1001), waits up to `grace` for running
  // requests, then cuts what is left and joins. Not from an I/O thread. Repeating it is harmless.
  void stop(Duration grace);

  std::uint16_t port() const;     // the bound one; 0 before start()
  HttpServerStats stats() const;  // any thread
  std::size_t threads() const;
  // Executor of one of the I/O threads, round robin: for work that should live beside the connections.
  // Valid between start() and stop().
  boost::asio::any_io_executor executor();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
