#include "io/net/stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

namespace paramedic {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Straight system calls: the caller knows that the socket is non-blocking, and Asio's wrappers cost what they save
// here.
class TcpStream final : public Stream {
 public:
  explicit TcpStream(tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  Step try_read(std::span<char> into) override {
    return step([&] { return ::recv(socket_.native_handle(), into.data(), into.size(), 0); }, true);
  }

  Step try_write(const Parts& parts) override {
    std::array<iovec, std::tuple_size_v<Parts>> vectors;
    msghdr message{};
    message.msg_iov = vectors.data();
    for (const asio::const_buffer& part : parts)
      if (part.size() > 0) vectors[message.msg_iovlen++] = {const_cast<void*>(part.data()), part.size()};
    if (message.msg_iovlen == 0) return {};
    return step([&] { return ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL); }, false);
  }

  asio::awaitable<Waited> wait_readable() override {
    return socket_.async_wait(tcp::socket::wait_read, asio::as_tuple(asio::use_awaitable));
  }
  asio::awaitable<Waited> wait_writable() override {
    return socket_.async_wait(tcp::socket::wait_write, asio::as_tuple(asio::use_awaitable));
  }

  void cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }
  void end_send() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }
  asio::awaitable<Result<std::shared_ptr<OwnedWebSocket>>> upgrade(WebSocketHandshake handshake) override {
    return accept_websocket(std::move(socket_), std::move(handshake));
  }

 private:
  template <class Call>
  Step step(Call call, bool zero_is_end) {
    if (!socket_.is_open()) return {.ended = true};
    while (true) {
      const ssize_t count = call();
      if (count > 0) return {.bytes = static_cast<std::size_t>(count)};
      if (count == 0) return {.ended = zero_is_end};
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {.would_block = true};
      return {.ended = true};
    }
  }

  tcp::socket socket_;
};

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(tcp::socket socket) { return std::make_unique<TcpStream>(std::move(socket)); }

}  // namespace paramedic
