#include "io/net/http_server.h"

#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include "io/net/deadline.h"
#include "io/net/http_loop.h"
#include "io/net/io_threads.h"

namespace paramedic {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr Duration kAcceptPause = 100ms;  // after a failed accept: without it a full descriptor table would spin a core
constexpr Duration kCutPatience = 5s;     // for cut connections to unwind

RequestParser::BodyLimit body_limit_of(const HttpServerOptions& options) {
  if (options.body_limit_for) return options.body_limit_for;
  return [limit = options.body_limit](std::string_view, std::string_view) { return limit; };
}

Error listen_error(const HttpServerOptions& o, const error_code& failed) {
  const std::string what = fmt::format("cannot listen on {}:{}", o.address, o.port);
  if (failed == asio::error::address_in_use)
    return Error{Errc::conflict,
                 what + ": another program uses the port; stop it (ss -ltnp shows it) or choose another port"};
  if (failed == asio::error::access_denied)
    return Error{Errc::forbidden, what + ": not permitted; choose a port above 1023 or give the capability to bind"};
  return Error{Errc::io, what + ": " + failed.message()};
}

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions o, HttpHandler& h, Logger& l)
      : options(std::move(o)),
        body_limit(body_limit_of(options)),
        logger(l),
        io(std::max<std::size_t>(options.threads, 1)),
        handler(h) {}

  Result<void> listen();
  asio::awaitable<void> accept_loop();
  void place(tcp::socket socket, HttpLoop& loop);
  void each_loop(void (HttpLoop::*call)());

  const HttpServerOptions options;
  const RequestParser::BodyLimit body_limit;
  Logger& logger;
  OpenConnections open;
  std::vector<std::unique_ptr<HttpLoop>> loops;  // before io: frames destroyed with the contexts refer to them
  IoThreads io;
  HttpHandler& handler;
  std::optional<tcp::acceptor> acceptor;  // on the first loop
  std::atomic<std::uint64_t> accepted{0}, refused{0}, accept_failures{0};
  std::uint16_t port = 0;
  bool running = false;
};

Result<void> HttpServer::Impl::listen() {
  error_code failed;
  const auto address = asio::ip::make_address(options.address, failed);
  if (failed)
    return Error{
        Errc::invalid_argument,
        fmt::format("'{}' is not an IP address to listen on; write 127.0.0.1, 0.0.0.0, ::1 or ::", options.address)};
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor opening(io.at(0));
  opening.open(endpoint.protocol(), failed);
  if (!failed) opening.set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) opening.bind(endpoint, failed);
  if (!failed) opening.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return listen_error(options, failed);
  port = opening.local_endpoint(failed).port();
  acceptor.emplace(std::move(opening));
  return {};
}

asio::awaitable<void> HttpServer::Impl::accept_loop() {
  bool failing = false;
  for (std::size_t turn = 0; acceptor->is_open(); ++turn) {
    HttpLoop& loop = *loops[turn % loops.size()];
    auto [failed, socket] = co_await acceptor->async_accept(loop.context(), asio::as_tuple(asio::use_awaitable));
    if (!acceptor->is_open()) break;
    if (!failed) {
      failing = false;
      place(std::move(socket), loop);
      continue;
    }
    if (failed == asio::error::connection_aborted) continue;
    accept_failures.fetch_add(1, std::memory_order_relaxed);
    if (!failing)
      logger.warning("http_accept_failed", {{"reason", failed.message()}, {"remedy", "raise the limit of open files"}});
    failing = true;
    co_await sleep_for(kAcceptPause);
  }
}

void HttpServer::Impl::place(tcp::socket socket, HttpLoop& loop) {
  accepted.fetch_add(1, std::memory_order_relaxed);
  const bool room = open.add(options.max_connections);
  if (!room) refused.fetch_add(1, std::memory_order_relaxed);
  asio::post(loop.context(), [&loop, room, s = std::move(socket)]() mutable {
    room ? loop.adopt(std::move(s)) : loop.refuse(std::move(s));
  });
}

// Calls it on every loop's own thread and waits.
void HttpServer::Impl::each_loop(void (HttpLoop::*call)()) {
  for (auto& loop : loops) {
    std::promise<void> done;
    asio::post(loop->context(), [&] {
      ((*loop).*call)();
      done.set_value();
    });
    done.get_future().wait();
  }
}

HttpServer::HttpServer(HttpServerOptions options, HttpHandler& handler, Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), handler, logger)) {}

HttpServer::~HttpServer() { stop(Duration{0}); }

Result<void> HttpServer::start() {
  Impl& self = *impl_;
  const auto listening = self.listen();
  if (!listening) return listening;
  for (std::size_t i = 0; i < self.io.size(); ++i) {
    self.loops.push_back(
        std::make_unique<HttpLoop>(self.io.at(i), self.options, self.body_limit, self.handler, self.logger, self.open));
    self.loops.back()->begin();
  }
  asio::co_spawn(self.io.at(0), self.accept_loop(), asio::detached);
  self.io.start();
  self.running = true;
  self.logger.info("http_listening",
                   {{"address", self.options.address}, {"port", self.port}, {"threads", self.io.size()}});
  return {};
}

void HttpServer::stop(Duration grace) {
  Impl& self = *impl_;
  if (!std::exchange(self.running, false)) return;
  std::promise<void> closed;
  asio::post(self.io.at(0), [&] {
    error_code ignored;
    self.acceptor->close(ignored);
    closed.set_value();
  });
  closed.get_future().wait();
  self.each_loop(&HttpLoop::begin_stop);
  const bool clean = self.open.wait_until_none(grace);
  self.each_loop(&HttpLoop::cut_all);
  if (!clean) self.open.wait_until_none(kCutPatience);
  self.io.stop();
}

std::uint16_t HttpServer::port() const { return impl_->port; }
std::size_t HttpServer::threads() const { return impl_->io.size(); }
asio::any_io_executor HttpServer::executor() { return impl_->io.next().get_executor(); }

HttpServerStats HttpServer::stats() const {
  const Impl& self = *impl_;
  HttpServerStats out;
  out.connections_open = self.open.count();
  out.connections_accepted = self.accepted.load(std::memory_order_relaxed);
  out.connections_refused = self.refused.load(std::memory_order_relaxed);
  out.accept_failures = self.accept_failures.load(std::memory_order_relaxed);
  for (const auto& loop : self.loops) {
    const LoopCounters& counters = std::as_const(*loop).counters();
    out.requests += counters.requests.get();
    out.bytes_in += counters.bytes_in.get();
    out.bytes_out += counters.bytes_out.get();
    out.parse_errors += counters.parse_errors.get();
    out.timeouts += counters.timeouts.get();
    out.streams_open += counters.streams.load(std::memory_order_relaxed);
    out.websockets_open += counters.websockets.load(std::memory_order_relaxed);
  }
  return out;
}

}  // namespace paramedic
