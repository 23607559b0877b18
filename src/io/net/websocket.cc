// WebSocket on Beast, both roles. The only file that sees Beast's websocket stream.
#include "io/net/websocket.h"

#include <deque>

#include <boost/asio/connect.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket.hpp>
#include <fmt/format.h>

#include "io/net/deadline.h"
#include "io/net/event.h"
#include "io/net/stream.h"
#include "io/net/ws_client.h"

namespace paramedic {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kReasonBytes = 120;  // a close frame carries at most 123

asio::steady_timer::duration timer_duration(Duration d) {
  return std::chrono::duration_cast<asio::steady_timer::duration>(d);
}

// Layer is the transport below: a TCP socket today, a TLS stream over one tomorrow.
template <class Layer>
class BeastWebSocket final : public OwnedWebSocket, public std::enable_shared_from_this<BeastWebSocket<Layer>> {
 public:
  BeastWebSocket(Layer layer, const WebSocketOptions& options, std::string remote_address, std::shared_ptr<void> slot)
      : slot_(std::move(slot)),
        options_(options),
        remote_address_(std::move(remote_address)),
        stream_(std::move(layer)),
        progress_(stream_.get_executor()),
        write_timer_(stream_.get_executor()),
        close_timer_(stream_.get_executor()) {
    websocket::stream_base::timeout timeout;
    timeout.handshake_timeout = timer_duration(options.handshake_timeout);
    timeout.idle_timeout = timer_duration(options.idle_timeout);
    timeout.keep_alive_pings = true;
    stream_.set_option(timeout);
    stream_.read_message_max(options.message_limit);
    stream_.auto_fragment(false);  // one message, one frame: no copying in pieces
    stream_.text(true);
  }

  websocket::stream<Layer>& stream() { return stream_; }

  asio::awaitable<Result<std::string>> receive() override {
    const auto self = this->shared_from_this();
    if (broken_) co_return closed_error();
    std::string text;
    auto buffer = asio::dynamic_buffer(text);
    const auto [failed, count] = co_await stream_.async_read(buffer, asio::as_tuple(asio::use_awaitable));
    if (!failed) co_return text;
    Error error = explain(failed);
    if (!closing_) fail();
    co_return error;
  }

  asio::awaitable<Result<void>> send(std::shared_ptr<const std::string> message) override {
    const auto self = this->shared_from_this();
    const auto queued = send_soon(std::move(message));
    if (!queued) co_return queued;
    const std::uint64_t mine = queued_count_;
    while (sent_count_ < mine && is_open()) co_await progress_.wait();
    if (sent_count_ >= mine) co_return Result<void>{};
    co_return write_timed_out_ ? Error{Errc::timeout, "the peer takes no bytes"} : closed_error();
  }

  Result<void> send_soon(std::shared_ptr<const std::string> message) override {
    if (!is_open()) return closed_error();
    if (!queue_.empty() && queued_bytes_ + message->size() > options_.send_queue_limit)
      return Error{Errc::too_many,
                   fmt::format("{} bytes wait to be sent to {} already", queued_bytes_, remote_address_)};
    queued_bytes_ += message->size();
    ++queued_count_;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) asio::co_spawn(stream_.get_executor(), drain(this->shared_from_this()), asio::detached);
    return {};
  }

  std::size_t queued_bytes() const override { return queued_bytes_; }
  bool is_open() const override { return !closing_ && !broken_; }
  asio::any_io_executor executor() override { return stream_.get_executor(); }
  const std::string& remote_address() const override { return remote_address_; }

  void close(WebSocketClose code, std::string reason) override {
    if (!is_open()) return;
    closing_ = true;
    progress_.notify();
    reason.resize(std::min(reason.size(), kReasonBytes));
    asio::co_spawn(stream_.get_executor(), say_goodbye(this->shared_from_this(), code, std::move(reason)),
                   asio::detached);
  }

  void cut() override { fail(); }

 private:
  using Self = std::shared_ptr<BeastWebSocket>;

  // Sends the queue, front first; the message on the wire stays at the front until it is through.
  static asio::awaitable<void> drain(Self self) {
    while (self->is_open() && !self->queue_.empty()) {
      const std::shared_ptr<const std::string> message = self->queue_.front();
      self->cut_after(self->write_timer_, self->options_.write_timeout, &BeastWebSocket::write_timed_out_);
      const auto [failed, count] =
          co_await self->stream_.async_write(asio::buffer(*message), asio::as_tuple(asio::use_awaitable));
      self->write_timer_.cancel();
      if (failed) {
        if (!self->closing_) self->fail();
        break;
      }
      self->queue_.pop_front();
      self->queued_bytes_ -= message->size();
      ++self->sent_count_;
      self->progress_.notify();
    }
    if (!self->is_open()) self->drop_queue();
  }

  static asio::awaitable<void> say_goodbye(Self self, WebSocketClose code, std::string reason) {
    self->cut_after(self->close_timer_, self->options_.handshake_timeout, nullptr);
    websocket::close_reason why(static_cast<websocket::close_code>(code));
    why.reason.assign(reason.data(), reason.size());
    co_await self->stream_.async_close(why, asio::as_tuple(asio::use_awaitable));
    self->close_timer_.cancel();
    self->fail();
  }

  void cut_after(asio::steady_timer& timer, Duration patience, bool BeastWebSocket::*mark) {
    timer.expires_after(timer_duration(patience));
    timer.async_wait([weak = this->weak_from_this(), mark](error_code cancelled) {
      const auto self = weak.lock();
      if (cancelled || !self) return;
      if (mark) (*self).*mark = true;
      self->fail();
    });
  }

  void fail() {
    broken_ = true;
    error_code ignored;
    beast::get_lowest_layer(stream_).close(ignored);
    write_timer_.cancel();
    close_timer_.cancel();
    progress_.notify();
  }

  void drop_queue() {
    queue_.clear();
    queued_bytes_ = 0;
  }

  Error closed_error() const { return Error{Errc::unavailable, "the WebSocket is closed"}; }

  Error explain(const error_code& failed) const {
    if (failed == websocket::error::closed) {
      const auto& why = stream_.reason();
      return Error{Errc::unavailable, fmt::format("the WebSocket was closed with {} '{}'", unsigned(why.code),
                                                  std::string_view(why.reason.data(), why.reason.size()))};
    }
    if (failed == websocket::error::message_too_big || failed == websocket::error::buffer_overflow)
      return Error{Errc::too_large, fmt::format("a message is over the limit of {} bytes", options_.message_limit)};
    if (failed == beast::error::timeout)
      return Error{Errc::timeout, "nothing was heard for " + std::to_string(to_seconds(options_.idle_timeout)) + " s"};
    return Error{Errc::unavailable, "the WebSocket broke: " + failed.message()};
  }

  const std::shared_ptr<void> slot_;
  const WebSocketOptions options_;
  const std::string remote_address_;
  websocket::stream<Layer> stream_;
  Event progress_;  // notified when a message is through, or never will be
  asio::steady_timer write_timer_, close_timer_;
  std::deque<std::shared_ptr<const std::string>> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t queued_count_ = 0, sent_count_ = 0;
  bool closing_ = false;  // close() was called
  bool broken_ = false;   // the transport is closed
  bool write_timed_out_ = false;
};

using TcpWebSocket = BeastWebSocket<tcp::socket>;

http::request<http::empty_body> beast_request(const WebSocketHandshake& handshake) {
  http::request<http::empty_body> request(http::verb::get, handshake.target, 11);
  for (const auto& [name, value] : handshake.headers) request.insert(name, value);
  return request;
}

}  // namespace

asio::awaitable<Result<std::shared_ptr<OwnedWebSocket>>> accept_websocket(tcp::socket socket,
                                                                          WebSocketHandshake handshake) {
  auto made = std::make_shared<TcpWebSocket>(std::move(socket), handshake.options, handshake.remote_address,
                                             std::move(handshake.slot));
  made->stream().set_option(
      websocket::stream_base::decorator([](websocket::response_type& r) { r.set(http::field::server, "paramedic"); }));
  const auto request = beast_request(handshake);
  const auto [failed] = co_await made->stream().async_accept(request, asio::as_tuple(asio::use_awaitable));
  if (failed) co_return Error{Errc::invalid_argument, "not a WebSocket handshake: " + failed.message()};
  std::shared_ptr<OwnedWebSocket> out = std::move(made);
  co_return out;
}

namespace {

Error refused_handshake(const WebSocketTarget& target, int status) {
  Errc code = Errc::unavailable;
  for (const Errc candidate : {Errc::unauthorized, Errc::forbidden, Errc::not_found, Errc::too_many, Errc::conflict})
    if (http_status(candidate) == status) code = candidate;
  return Error{code, fmt::format("{}:{}{} refused the WebSocket with {} {}", target.host, target.port, target.path,
                                 status, status_reason(status))};
}

Error cannot_connect(const WebSocketTarget& target, const error_code& failed) {
  return Error{Errc::unavailable, fmt::format("cannot connect to {}:{}: {}; is the monitor running there?", target.host,
                                              target.port, failed.message())};
}

asio::awaitable<Result<tcp::socket>> open_tcp(WebSocketTarget target) {
  tcp::socket socket(co_await asio::this_coro::executor);
  error_code failed;
  const auto address = asio::ip::make_address(target.host, failed);
  if (!failed) {  // no resolver, and so no resolver thread
    const tcp::endpoint endpoint(address, target.port);
    std::tie(failed) = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
  } else {
    tcp::resolver resolver(socket.get_executor());
    tcp::resolver::results_type found;
    const std::string port = std::to_string(target.port);
    std::tie(failed, found) = co_await resolver.async_resolve(target.host, port, asio::as_tuple(asio::use_awaitable));
    tcp::endpoint used;
    if (!failed)
      std::tie(failed, used) = co_await asio::async_connect(socket, found, asio::as_tuple(asio::use_awaitable));
  }
  if (failed) co_return cannot_connect(target, failed);
  socket.set_option(tcp::no_delay(true), failed);
  co_return std::move(socket);
}

asio::awaitable<Result<std::shared_ptr<WebSocket>>> open_websocket(WebSocketTarget target) {
  auto socket = co_await open_tcp(target);
  if (!socket) co_return socket.error();
  error_code failed;
  std::string peer = socket->remote_endpoint(failed).address().to_string();
  auto made = std::make_shared<TcpWebSocket>(std::move(*socket), target.options, std::move(peer), nullptr);
  auto decorate = [headers = target.headers](websocket::request_type& request) {
    request.set(http::field::user_agent, "paramedic");
    for (const auto& [name, value] : headers) request.set(name, value);
  };
  made->stream().set_option(websocket::stream_base::decorator(std::move(decorate)));
  const bool bare_ipv6 = target.host.find(':') != std::string::npos;
  const std::string host = fmt::format(fmt::runtime(bare_ipv6 ? "[{}]:{}" : "{}:{}"), target.host, target.port);
  websocket::response_type response;
  std::tie(failed) =
      co_await made->stream().async_handshake(response, host, target.path, asio::as_tuple(asio::use_awaitable));
  if (failed == websocket::error::upgrade_declined) co_return refused_handshake(target, response.result_int());
  if (failed) co_return cannot_connect(target, failed);
  std::shared_ptr<WebSocket> out = std::move(made);
  co_return out;
}

}  // namespace

asio::awaitable<Result<std::shared_ptr<WebSocket>>> connect_websocket(WebSocketTarget target) {
  const Duration patience = target.connect_timeout;
  const std::string where = fmt::format("connecting to {}:{}", target.host, target.port);
  auto opening = open_websocket(std::move(target));
  auto opened = co_await with_deadline(std::move(opening), patience);
  if (!opened && opened.error().code == Errc::timeout) co_return with_context(opened.error(), where);
  co_return opened;
}

}  // namespace paramedic
