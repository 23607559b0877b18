// One client connection: request after request, in order, each answered before the next is looked at.
// Internal to net. On its loop's thread only. Life: owned by its own coroutine.
#pragma once
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "io/net/event.h"
#include "io/net/http_loop.h"
#include "io/net/response_head.h"

namespace paramedic {

class HttpConnection final : public std::enable_shared_from_this<HttpConnection>, private BodyWriter {
 public:
  HttpConnection(HttpLoop& loop, std::unique_ptr<Stream> stream, std::string remote_address,
                 std::shared_ptr<void> slot);
  ~HttpConnection() override;

  static boost::asio::awaitable<void> serve(std::shared_ptr<HttpConnection> self);
  void check_deadline(SteadyTime now);
  void begin_stop();
  void cut();

 private:
  // What the connection waits for; decides what a missed deadline means.
  enum class Phase { idle, header, body, write, busy, linger };

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> fill();
  void enter(Phase phase, Duration allowed);
  void enter_reading();
  Stream::Step read_some();
  void release_input();
  void skip_blank_lines();
  boost::asio::awaitable<void> report_timeout();
  boost::asio::awaitable<void> refuse(int status, std::string detail);
  boost::asio::awaitable<void> linger();

  HttpReply ask_handler();
  bool answer_at_once(const HttpReply& reply);
  boost::asio::awaitable<bool> answer(HttpReply reply);
  boost::asio::awaitable<bool> answer_deferred(Deferred deferred);
  boost::asio::awaitable<bool> answer_stream(Streamed streamed);
  boost::asio::awaitable<bool> answer_upgrade(Upgrade upgrade);
  boost::asio::awaitable<std::exception_ptr> run_producer(Streamed& streamed);
  boost::asio::awaitable<void> run_websocket(Upgrade& upgrade);
  static boost::asio::awaitable<void> watch_client(std::shared_ptr<HttpConnection> self);

  void append_head(const HttpResponse& response, std::optional<std::size_t> length, bool chunked);
  boost::asio::awaitable<bool> send(HttpResponse response);
  boost::asio::awaitable<bool> flush(boost::asio::const_buffer body = {}, boost::asio::const_buffer tail = {});
  bool try_flush();
  void sent_all();

  // BodyWriter
  boost::asio::awaitable<Result<void>> write(std::shared_ptr<const std::string> chunk) override;
  bool closed() const override { return client_gone_ || cut_ || loop_.stopping(); }
  boost::asio::any_io_executor executor() override { return loop_.context().get_executor(); }

  HttpLoop& loop_;
  std::unique_ptr<Stream> stream_;
  const std::string remote_address_;
  std::shared_ptr<void> slot_;  // this connection's place in the count of open ones
  RequestParser parser_;
  std::unique_ptr<WebSocketHandshake> handshake_;  // set while a request that asks for one is being answered
  boost::asio::cancellation_signal cancel_;        // ends the Deferred, Streamed or Upgrade coroutine
  std::unique_ptr<Event> watch_ended_;             // set while watch_client() runs

  // Bytes received and not yet parsed: in_[begin_, end_). in_ is empty while there are none.
  std::string in_;
  std::size_t begin_ = 0, end_ = 0;
  std::string out_;  // bytes to be sent

  Phase phase_ = Phase::busy;
  SteadyTime deadline_ = SteadyTime::max();
  int version_ = 11;  // of the request being answered
  bool head_request_ = false;
  bool keep_alive_ = true;
  bool continued_ = false;    // "100 Continue" was sent for this request
  bool streaming_ = false;    // a producer runs
  bool chunked_ = false;      // its chunks carry their size
  bool timed_out_ = false;    // deadline_ has passed
  bool client_gone_ = false;  // the other side has closed or does not take bytes
  bool closing_ = false;      // woken by the stop while nothing was going on
  bool cut_ = false;
};

}  // namespace paramedic
