// The answers of a connection that take time: deferred, streamed, WebSocket. (The rest is in http_connection.cc.)
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "io/net/deadline.h"
#include "io/net/http_connection.h"

namespace paramedic {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadAheadBytes = 16u << 10;  // pipelined bytes taken in while a stream runs

bool was_cancelled(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

HttpResponse stopping_response() { return problem_response(503, "the monitor stops; try again when it is back"); }

class CountWhileAlive {
 public:
  explicit CountWhileAlive(std::atomic<std::uint64_t>& count) : count_(count) {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  ~CountWhileAlive() { count_.fetch_sub(1, std::memory_order_relaxed); }
  CountWhileAlive(const CountWhileAlive&) = delete;
  CountWhileAlive& operator=(const CountWhileAlive&) = delete;

 private:
  std::atomic<std::uint64_t>& count_;
};

}  // namespace

asio::awaitable<bool> HttpConnection::answer_deferred(Deferred deferred) {
  auto work = deferred.run();
  auto [failure, response] = co_await asio::co_spawn(
      executor(), std::move(work), asio::bind_cancellation_slot(cancel_.slot(), asio::as_tuple(asio::use_awaitable)));
  if (cut_) co_return false;
  if (failure && was_cancelled(failure)) {
    response = stopping_response();
  } else if (failure) {
    loop_.logger().error("http_handler_failed", {{"remote", remote_address_}, {"reason", words_of(failure)}});
    response = problem_response(500, "the monitor failed to answer; its log tells why");
  }
  if (loop_.stopping()) keep_alive_ = false;
  co_return co_await send(std::move(response));
}

asio::awaitable<bool> HttpConnection::answer_stream(Streamed streamed) {
  if (loop_.stopping()) {
    HttpResponse stopping = stopping_response();
    co_return co_await send(std::move(stopping));
  }
  chunked_ = version_ >= 11;
  if (!chunked_) keep_alive_ = false;
  HttpResponse head;
  head.status = streamed.status;
  head.content_type = std::move(streamed.content_type);
  head.headers = std::move(streamed.headers);
  append_head(head, std::nullopt, chunked_);
  const bool sent = co_await flush();
  if (!sent || head_request_) co_return sent;

  const std::exception_ptr failure = co_await run_producer(streamed);
  if (cut_ || client_gone_) co_return false;
  if (failure && !was_cancelled(failure)) {  // without the last chunk: the client sees that something is missing
    loop_.logger().error("http_stream_failed", {{"remote", remote_address_}, {"reason", words_of(failure)}});
    co_return false;
  }
  if (chunked_) out_ += "0\r\n\r\n";
  if (loop_.stopping()) keep_alive_ = false;
  co_return true;
}

asio::awaitable<std::exception_ptr> HttpConnection::run_producer(Streamed& streamed) {
  const CountWhileAlive open(loop_.counters().streams);
  watch_ended_ = std::make_unique<Event>(executor());
  streaming_ = true;
  asio::co_spawn(executor(), watch_client(shared_from_this()), asio::detached);
  auto work = streamed.produce(*this);
  auto [failure] = co_await asio::co_spawn(
      executor(), std::move(work), asio::bind_cancellation_slot(cancel_.slot(), asio::as_tuple(asio::use_awaitable)));
  streaming_ = false;
  while (watch_ended_) {
    stream_->cancel();
    co_await watch_ended_->wait();
  }
  co_return failure;
}

// Reads while the producer works, so that a client that leaves is noticed at once and not at the next write.
asio::awaitable<void> HttpConnection::watch_client(std::shared_ptr<HttpConnection> self) {
  while (self->streaming_ && self->end_ - self->begin_ < kReadAheadBytes) {
    const auto [failed] = co_await self->stream_->wait_readable();
    if (failed || !self->streaming_) break;
    if (self->read_some().ended) {
      self->client_gone_ = true;
      self->cancel_.emit(asio::cancellation_type::terminal);
      break;
    }
  }
  self->watch_ended_->notify();
  self->watch_ended_.reset();
}

asio::awaitable<Result<void>> HttpConnection::write(std::shared_ptr<const std::string> chunk) {
  if (!chunk || chunk->empty()) co_return Result<void>{};
  if (closed()) co_return Error{Errc::unavailable, "the client of the stream is gone"};
  asio::const_buffer tail;
  if (chunked_) {
    out_ += chunk_size_line(chunk->size());
    tail = asio::buffer("\r\n", 2);
  }
  const bool sent = co_await flush(asio::buffer(*chunk), tail);
  if (sent) co_return Result<void>{};
  if (timed_out_) co_return Error{Errc::timeout, "the client of the stream takes no bytes"};
  co_return Error{Errc::unavailable, "the client of the stream is gone"};
}

asio::awaitable<bool> HttpConnection::answer_upgrade(Upgrade upgrade) {
  HttpResponse refusal;
  refusal.status = 0;
  if (loop_.stopping())
    refusal = stopping_response();
  else if (!handshake_)
    refusal = problem_response(426, "this path speaks WebSocket only; send a WebSocket handshake");
  else if (begin_ < end_)
    refusal = problem_response(400, "bytes follow the WebSocket handshake before it was answered");
  if (refusal.status == 426) refusal.headers.emplace_back("Upgrade", "websocket");
  if (refusal.status != 0) co_return co_await send(std::move(refusal));
  co_await run_websocket(upgrade);
  co_return false;
}

asio::awaitable<void> HttpConnection::run_websocket(Upgrade& upgrade) {
  WebSocketHandshake handshake = std::move(*handshake_);
  handshake_.reset();
  handshake.options = upgrade.options;
  auto counted = std::make_shared<CountWhileAlive>(loop_.counters().websockets);
  handshake.slot = std::make_shared<std::pair<std::shared_ptr<void>, std::shared_ptr<void>>>(slot_, std::move(counted));
  auto opened = co_await stream_->upgrade(std::move(handshake));
  if (!opened) {
    loop_.logger().debug("websocket_refused", {{"remote", remote_address_}, {"reason", opened.error().message}});
    co_return;
  }
  std::shared_ptr<OwnedWebSocket> socket = std::move(*opened);
  loop_.remember(socket);
  if (cut_) co_return socket->cut();
  if (loop_.stopping()) socket->close(WebSocketClose::going_away, "the monitor stops");
  auto work = upgrade.run(std::move(socket));
  auto [failure] = co_await asio::co_spawn(
      executor(), std::move(work), asio::bind_cancellation_slot(cancel_.slot(), asio::as_tuple(asio::use_awaitable)));
  if (failure && !was_cancelled(failure))
    loop_.logger().error("websocket_handler_failed", {{"remote", remote_address_}, {"reason", words_of(failure)}});
}

}  // namespace paramedic
