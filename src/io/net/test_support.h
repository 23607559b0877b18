// For the tests of net: a server around a lambda, and a client that sends exactly the bytes it is told to.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "io/net/eventually.h"
#include "io/net/http_server.h"

namespace paramedic {

class LambdaHandler final : public HttpHandler {
 public:
  using Function = std::function<HttpReply(HttpRequest&&)>;
  explicit LambdaHandler(Function function) : function_(std::move(function)) {}
  HttpReply handle(HttpRequest&& request) override { return function_(std::move(request)); }

 private:
  Function function_;
};

inline HttpResponse text_response(std::string body) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

struct TestServer {
  explicit TestServer(LambdaHandler::Function function, HttpServerOptions options = {})
      : handler(std::move(function)),
        logger(make_null_logger()),
        server(with_free_port(std::move(options)), handler, *logger) {
    const auto started = server.start();
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
  }
  static HttpServerOptions with_free_port(HttpServerOptions options) {
    options.port = 0;
    return options;
  }
  std::string url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(target);
  }

  LambdaHandler handler;
  std::unique_ptr<Logger> logger;
  HttpServer server;
};

// Blocking; gives up after 10 s of silence, so that a failing test ends.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  // Reads on until `mark` has arrived `times` times, or the end. Everything received so far, since the client began.
  const std::string& read_until(std::string_view mark, int times = 1) {
    while (count(mark) < times && read_more()) {
    }
    return received_;
  }
  const std::string& read_to_end() {
    while (read_more()) {
    }
    return received_;
  }
  bool ended() const { return ended_; }

 private:
  int count(std::string_view mark) const {
    int found = 0;
    for (size_t at = received_.find(mark); at != std::string::npos; at = received_.find(mark, at + mark.size()))
      ++found;
    return found;
  }
  bool read_more() {
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = got == 0;
    if (got > 0) received_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  int fd_;
  bool ended_ = false;
  std::string received_;
};

// Runs one coroutine to its end on its own loop.
inline void run_coroutine(std::function<boost::asio::awaitable<void>()> body) {
  boost::asio::io_context context(1);
  std::exception_ptr failure;
  boost::asio::co_spawn(context, body(), [&](std::exception_ptr thrown) { failure = std::move(thrown); });
  context.run_for(30s);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace paramedic
