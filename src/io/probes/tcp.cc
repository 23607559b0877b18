// tcp: a connection can be opened. Says nothing about who answers; for brokers without a probe of their own and for the
// monitor's own way out.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "base/endpoint.h"
#include "io/probes/asio_run.h"
#include "io/probes/probe.h"

namespace paramedic::probes {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Result<void> connected(const Endpoint& address, const error_code& failed) {
  if (!failed) return {};
  return make_error(Errc::unavailable, fmt::format("cannot connect to {}: {}", address.text(), failed.message()));
}

asio::awaitable<Result<void>> connect(Endpoint address) {
  const auto executor = co_await asio::this_coro::executor;
  if (address.unix_socket) {
    asio::local::stream_protocol::socket socket(executor);
    const asio::local::stream_protocol::endpoint endpoint(address.host);
    const auto [failed] = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    co_return connected(address, failed);
  }
  asio::ip::tcp::resolver resolver(executor);
  const auto [unknown, found] =
      co_await resolver.async_resolve(address.host, address.port, asio::as_tuple(asio::use_awaitable));
  if (unknown) co_return connected(address, unknown);
  asio::ip::tcp::socket socket(executor);
  const auto [failed, endpoint] = co_await asio::async_connect(socket, found, asio::as_tuple(asio::use_awaitable));
  co_return connected(address, failed);
}

class Tcp final : public Probe {
 public:
  explicit Tcp(Endpoint address) : address_(std::move(address)), target_(address_.text()) {}

  Result<void> run(Duration deadline) override {
    return run_.run([this] { return connect(address_); }, deadline);
  }
  const std::string& target() const override { return target_; }
  void cancel() override { run_.cancel(); }

 private:
  const Endpoint address_;
  const std::string target_;
  AsioRun run_;
};

}  // namespace

std::unique_ptr<Probe> make_tcp(ParamsReader& r) {
  std::string text;
  r.read("address", text);
  auto address = text.empty() ? Result<Endpoint>(make_error(Errc::invalid_argument, "is missing: HOST:PORT"))
                              : Endpoint::parse(text, "");
  if (!address) {
    r.problem("address", address.error().message);
    return nullptr;
  }
  return std::make_unique<Tcp>(std::move(*address));
}

}  // namespace paramedic::probes
