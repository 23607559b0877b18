// What the connections of one I/O thread share: options, counters, buffers, the list for deadlines and stop.
// Internal to net. Everything on the loop's thread, but stats() and the slot's release.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "io/net/http_server.h"
#include "io/net/request_parser.h"
#include "io/net/stream.h"

namespace paramedic {

class HttpConnection;

// Written by one thread, read by any: no locked instruction needed.
class LoopCounter {
 public:
  void add(std::uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// How many connections live, over all loops; stop() waits for zero.
class OpenConnections {
 public:
  bool add(std::size_t limit);  // false: already `limit`
  void remove();
  bool wait_until_none(Duration patience);
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> count_{0};
  std::mutex mutex_;
  std::condition_variable none_;
};

struct LoopCounters {
  LoopCounter requests, bytes_in, bytes_out, parse_errors, timeouts;
  std::atomic<std::uint64_t> streams{0}, websockets{0};
};

class HttpLoop {
 public:
  HttpLoop(boost::asio::io_context& context, const HttpServerOptions& options,
           const RequestParser::BodyLimit& body_limit, HttpHandler& handler, Logger& logger, OpenConnections& open);

  void begin();                                      // starts the deadline sweep
  void adopt(boost::asio::ip::tcp::socket socket);   // serves it; its place in `open` is taken already
  void refuse(boost::asio::ip::tcp::socket socket);  // 503 and close
  void begin_stop();                                 // idle ones close, streams and WebSockets end, others answer first
  void cut_all();

  boost::asio::io_context& context() { return context_; }
  const HttpServerOptions& options() const { return options_; }
  const RequestParser::BodyLimit& body_limit() const { return body_limit_; }
  HttpHandler& handler() { return handler_; }
  Logger& logger() { return logger_; }
  LoopCounters& counters() { return counters_; }
  const LoopCounters& counters() const { return counters_; }
  bool stopping() const { return stopping_; }
  std::string_view date() const { return date_; }

  void add(HttpConnection& connection) { connections_.insert(&connection); }
  void remove(HttpConnection& connection) { connections_.erase(&connection); }
  void remember(const std::shared_ptr<OwnedWebSocket>& socket);
  // Buffers go round, so that ten thousand idle connections hold none.
  std::string take_buffer();
  void give_buffer(std::string buffer);

 private:
  boost::asio::awaitable<void> sweep();
  boost::asio::awaitable<void> send_refusal(boost::asio::ip::tcp::socket socket);
  std::vector<std::shared_ptr<HttpConnection>> alive() const;
  void update_date();

  boost::asio::io_context& context_;
  const HttpServerOptions& options_;
  const RequestParser::BodyLimit& body_limit_;
  HttpHandler& handler_;
  Logger& logger_;
  OpenConnections& open_;
  LoopCounters counters_;
  std::unordered_set<HttpConnection*> connections_;
  std::vector<std::weak_ptr<OwnedWebSocket>> websockets_;
  std::vector<std::string> buffers_;
  std::string date_;
  std::int64_t date_second_ = 0;
  std::size_t refusing_ = 0;
  bool stopping_ = false;
  bool cut_ = false;
};

}  // namespace paramedic
