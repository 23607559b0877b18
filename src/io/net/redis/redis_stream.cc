#include "io/net/redis/redis_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace paramedic {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using Tls = asio::ssl::stream<Socket>;

namespace {

template <class S>
class StreamOf final : public RedisStream {
 public:
  template <class... Args>
  explicit StreamOf(std::shared_ptr<asio::ssl::context> tls, Args&&... args)
      : tls_(std::move(tls)), stream_(std::forward<Args>(args)...) {}
  asio::awaitable<Moved> read_some(asio::mutable_buffer into) override {
    return stream_.async_read_some(into, asio::as_tuple(asio::use_awaitable));
  }
  asio::awaitable<Moved> write_all(asio::const_buffer bytes) override {
    return asio::async_write(stream_, bytes, asio::as_tuple(asio::use_awaitable));
  }
  void close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }
  S& next() { return stream_; }

 private:
  std::shared_ptr<asio::ssl::context> tls_;
  S stream_;
};

Error cannot_connect(const Endpoint& address, const error_code& failed) {
  return make_error(Errc::unavailable,
                    fmt::format("cannot connect to Redis at {}: {}", address.text(), failed.message()));
}

asio::awaitable<Result<Socket>> connect_socket(Endpoint address) {
  const auto executor = co_await asio::this_coro::executor;
  error_code failed;
  if (address.unix_socket) {
    asio::local::stream_protocol::socket socket(executor);
    const asio::local::stream_protocol::endpoint endpoint(address.host);
    std::tie(failed) = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (failed) co_return cannot_connect(address, failed);
    co_return Socket(std::move(socket));
  }
  asio::ip::tcp::resolver resolver(executor);
  asio::ip::tcp::resolver::results_type found;
  std::tie(failed, found) =
      co_await resolver.async_resolve(address.host, address.port, asio::as_tuple(asio::use_awaitable));
  if (failed) co_return cannot_connect(address, failed);
  asio::ip::tcp::socket socket(executor);
  asio::ip::tcp::endpoint endpoint;
  std::tie(failed, endpoint) = co_await asio::async_connect(socket, found, asio::as_tuple(asio::use_awaitable));
  if (failed) co_return cannot_connect(address, failed);
  socket.set_option(asio::ip::tcp::no_delay(true), failed);
  socket.set_option(asio::socket_base::keep_alive(true), failed);
  co_return Socket(std::move(socket));
}

Result<std::shared_ptr<asio::ssl::context>> make_tls_context(const RedisTls& tls) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  error_code failed;
  context->set_options(
      asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, failed);
  context->set_verify_mode(asio::ssl::verify_peer, failed);
  if (tls.ca_file.empty())
    context->set_default_verify_paths(failed);
  else
    context->load_verify_file(tls.ca_file, failed);
  if (failed) return make_error(Errc::invalid_argument, fmt::format("ca_file {}: {}", tls.ca_file, failed.message()));
  return context;
}

asio::awaitable<Result<std::unique_ptr<RedisStream>>> secure(Socket socket, Endpoint address, RedisTls tls) {
  auto context = make_tls_context(tls);
  if (!context) co_return context.error();
  const std::string host = address.unix_socket ? "localhost" : address.host;
  auto stream = std::make_unique<StreamOf<Tls>>(*context, std::move(socket), **context);
  stream->next().set_verify_callback(asio::ssl::host_name_verification(host));
  // SNI carries names only, never numeric addresses (RFC 6066).
  error_code no_number;
  asio::ip::make_address(host, no_number);
  if (no_number) SSL_set_tlsext_host_name(stream->next().native_handle(), host.c_str());
  const auto [failed] =
      co_await stream->next().async_handshake(asio::ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
  if (failed)
    co_return make_error(failed.category() == asio::error::get_ssl_category() ? Errc::unauthorized : Errc::unavailable,
                         fmt::format("no TLS with Redis at {}: {}; check tls, ca_file and the name in its certificate",
                                     address.text(), failed.message()));
  co_return std::unique_ptr<RedisStream>(std::move(stream));
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<RedisStream>>> connect_redis(Endpoint address, RedisTls tls) {
  auto socket = co_await connect_socket(address);
  if (!socket) co_return socket.error();
  if (tls.on) co_return co_await secure(std::move(*socket), std::move(address), std::move(tls));
  co_return std::unique_ptr<RedisStream>(std::make_unique<StreamOf<Socket>>(nullptr, std::move(*socket)));
}

}  // namespace paramedic
