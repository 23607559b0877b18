#include "io/net/websocket.h"

#include <gmock/gmock.h>

#include "io/net/deadline.h"
#include "io/net/test_support.h"
#include "io/net/ws_client.h"

namespace paramedic {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;
using testing::StartsWith;

using Socket = std::shared_ptr<WebSocket>;
using Session = std::function<asio::awaitable<void>(Socket)>;
std::shared_ptr<const std::string> text(std::string s) { return std::make_shared<const std::string>(std::move(s)); }

struct WsServer : TestServer {
  explicit WsServer(Session session, WebSocketOptions options = {}, HttpServerOptions http = {})
      : TestServer(
            [session, options](HttpRequest&& r) -> HttpReply {
              if (r.path == "/forbidden") return problem_response(403, "no");
              if (r.path == "/lost") return problem_response(404, "no");
              const HttpRequest moved = std::move(r);
              return Upgrade{session, options};
            },
            http) {}
  WebSocketTarget target(std::string path = "/agent") const {
    WebSocketTarget out;
    out.port = server.port();
    out.path = std::move(path);
    return out;
  }
};

asio::awaitable<void> echo(Socket socket) {
  while (true) {
    auto message = co_await socket->receive();
    if (!message) co_return;
    auto back = text(*message + "!");
    (void)co_await socket->send(std::move(back));
  }
}

asio::awaitable<Socket> open(WebSocketTarget target) {
  auto opened = co_await connect_websocket(std::move(target));
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
  co_return opened ? *opened : nullptr;
}

TEST(WebSocket, echoes_small_and_large_messages) {
  WsServer test(echo);
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    EXPECT_EQ(socket->remote_address(), "127.0.0.1");
    for (const size_t size : {0u, 5u, 200u, 100'000u, 2'000'000u}) {
      auto message = text(std::string(size, 'x'));
      const auto sent = co_await socket->send(message);
      EXPECT_TRUE(sent);
      const auto got = co_await socket->receive();
      EXPECT_EQ(*got, *message + "!");
    }
    EXPECT_EQ(test.server.stats().websockets_open, 1u);
    EXPECT_EQ(test.server.stats().connections_open, 1u);
    socket->close(WebSocketClose::normal, "done");
    const auto end = co_await socket->receive();
    EXPECT_EQ(end.error().code, Errc::unavailable);
    EXPECT_FALSE(socket->is_open());
  });
  EXPECT_TRUE(eventually([&] { return test.server.stats().connections_open == 0; }));
  EXPECT_EQ(test.server.stats().websockets_open, 0u);
}

TEST(WebSocket, the_other_side_learns_why_it_was_closed) {
  WsServer test([](Socket socket) -> asio::awaitable<void> {
    socket->close(WebSocketClose::policy, std::string(500, 'r'));
    const auto end = co_await socket->receive();
    EXPECT_FALSE(end);
  });
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    const auto end = co_await socket->receive();
    EXPECT_EQ(end.error().code, Errc::unavailable);
    EXPECT_THAT(end.error().message, HasSubstr("1008 'rrr"));
    const auto again = co_await socket->receive();
    EXPECT_FALSE(again);
    EXPECT_FALSE(socket->send_soon(text("x")));
    const auto sent = co_await socket->send(text("x"));
    EXPECT_EQ(sent.error().code, Errc::unavailable);
    socket->close(WebSocketClose::normal, "");
  });
}

TEST(WebSocket, messages_over_the_limit_close_it) {
  std::atomic<int> code{-1};
  WebSocketOptions options;
  options.message_limit = 1000;
  WsServer test(
      [&](Socket socket) -> asio::awaitable<void> {
        const auto got = co_await socket->receive();
        code = got ? 99 : static_cast<int>(got.error().code);
      },
      options);
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    (void)socket->send_soon(text(std::string(1001, 'x')));
    const auto end = co_await socket->receive();
    EXPECT_THAT(end.error().message, HasSubstr("1009"));
  });
  EXPECT_TRUE(eventually([&] { return code == static_cast<int>(Errc::too_large); }));
}

constexpr std::string_view kHandshake =
    "GET /agent HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

TEST(WebSocket, a_peer_that_answers_no_ping_is_cut) {
  WebSocketOptions options;
  options.idle_timeout = 100ms;
  std::atomic<int> code{-1};
  WsServer test(
      [&](Socket socket) -> asio::awaitable<void> {
        const auto got = co_await socket->receive();
        code = got ? 99 : static_cast<int>(got.error().code);
      },
      options);
  RawClient client(test.server.port());
  client.send(kHandshake);
  const std::string& got = client.read_to_end();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(got, HasSubstr("Server: paramedic"));
  EXPECT_THAT(got, HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  EXPECT_THAT(got, HasSubstr("\x89"));  // a ping
  EXPECT_TRUE(eventually([&] { return code == static_cast<int>(Errc::timeout); }));
}

TEST(WebSocket, a_quiet_peer_that_answers_pings_stays) {
  WebSocketOptions options;
  options.idle_timeout = 100ms;
  WsServer test(echo, options);
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    const auto listen = [](Socket s) -> asio::awaitable<void> { (void)co_await s->receive(); };
    asio::co_spawn(socket->executor(), listen(socket), asio::detached);
    co_await sleep_for(350ms);
    EXPECT_EQ(test.server.stats().websockets_open, 1u);
    EXPECT_TRUE(socket->is_open());
    socket->close(WebSocketClose::normal, "");
  });
}

TEST(WebSocket, a_full_send_queue_is_reported) {
  WebSocketOptions options;
  options.send_queue_limit = 100'000;
  std::atomic<bool> overflown{false};
  WsServer test(
      [&](Socket socket) -> asio::awaitable<void> {
        const auto first = text(std::string(20u << 20, 'x')), second = text(std::string(50, 'y'));
        EXPECT_TRUE(socket->send_soon(first));  // alone, it may be larger than the limit
        const auto refused = socket->send_soon(second);
        overflown = !refused && refused.error().code == Errc::too_many && socket->queued_bytes() == first->size();
        const auto sent = co_await socket->send(second);
        EXPECT_EQ(sent.error().code, Errc::too_many);
      },
      options);
  RawClient client(test.server.port(), 4096);
  client.send(kHandshake);
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return overflown.load(); }));
}

TEST(WebSocket, a_peer_that_does_not_read_is_cut) {
  WebSocketOptions options;
  options.write_timeout = 60ms;
  std::atomic<int> code{-1};
  WsServer test(
      [&](Socket socket) -> asio::awaitable<void> {
        auto large = text(std::string(20u << 20, 'x'));
        const auto sent = co_await socket->send(std::move(large));
        code = sent ? 99 : static_cast<int>(sent.error().code);
      },
      options);
  RawClient client(test.server.port(), 4096);
  client.send(kHandshake);
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return code != -1 && test.server.stats().connections_open == 0; }));
  EXPECT_EQ(code, static_cast<int>(Errc::timeout));
}

TEST(WebSocket, close_does_not_wait_forever_for_a_silent_peer) {
  WebSocketOptions options;
  options.handshake_timeout = 60ms;
  WsServer test(
      [](Socket socket) -> asio::awaitable<void> {
        socket->close(WebSocketClose::try_again_later, "full");
        co_return;
      },
      options);
  RawClient client(test.server.port());
  client.send(kHandshake);
  EXPECT_THAT(client.read_to_end(), HasSubstr("full"));
  EXPECT_TRUE(eventually([&] { return test.server.stats().connections_open == 0; }));
}

TEST(WebSocket, queued_messages_keep_their_order) {
  WsServer test([](Socket socket) -> asio::awaitable<void> {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(socket->send_soon(text(std::to_string(i))));
    (void)co_await socket->receive();
  });
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    for (int i = 0; i < 100; ++i) {
      const auto got = co_await socket->receive();
      EXPECT_EQ(*got, std::to_string(i));
    }
  });
}

TEST(WebSocket, stop_says_goodbye) {
  WsServer test(echo);
  std::thread stopper;
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    auto hello = text("hello");
    (void)co_await socket->send(std::move(hello));
    const auto got = co_await socket->receive();
    EXPECT_TRUE(got);
    stopper = std::thread([&] { test.server.stop(10s); });
    const auto end = co_await socket->receive();
    EXPECT_THAT(end.error().message, HasSubstr("1001 'the monitor stops'"));
  });
  stopper.join();
  EXPECT_EQ(test.server.stats().connections_open, 0u);
}

TEST(WebSocket, stop_cuts_what_does_not_answer) {
  WsServer test(echo);
  RawClient client(test.server.port());
  client.send(kHandshake);
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return test.server.stats().websockets_open == 1; }));
  test.server.stop(50ms);
  EXPECT_EQ(test.server.stats().connections_open, 0u);
  client.read_to_end();
  EXPECT_TRUE(client.ended());
}

TEST(WebSocket, a_handler_that_throws_ends_only_its_socket) {
  WsServer test([](Socket socket) -> asio::awaitable<void> {
    (void)co_await socket->receive();
    throw std::runtime_error("broken");
  });
  run_coroutine([&]() -> asio::awaitable<void> {
    const Socket socket = co_await open(test.target());
    (void)socket->send_soon(text("x"));
    const auto end = co_await socket->receive();
    EXPECT_EQ(end.error().code, Errc::unavailable);
    const Socket next = co_await open(test.target());
    EXPECT_TRUE(next->is_open());
  });
}

TEST(WebSocket, other_requests_on_its_path_get_426) {
  WsServer test(echo);
  RawClient plain(test.server.port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(plain.read_to_end(), StartsWith("HTTP/1.1 426"));
  EXPECT_THAT(plain.read_to_end(), HasSubstr("Upgrade: websocket\r\n"));
  RawClient eager(test.server.port());
  eager.send(std::string(kHandshake) + "x");
  EXPECT_THAT(eager.read_until("answered"), StartsWith("HTTP/1.1 400"));
  RawClient keyless(test.server.port());
  keyless.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_THAT(keyless.read_to_end(), StartsWith("HTTP/1.1 400"));
}

TEST(WebSocketClient, says_why_it_cannot_connect) {
  WsServer test(echo);
  WebSocketTarget forbidden = test.target("/forbidden"), lost = test.target("/lost"), named = test.target(),
                  gone = test.target();
  named.host = "localhost";
  gone.port = 1;
  run_coroutine([&]() -> asio::awaitable<void> {
    const auto first = co_await connect_websocket(forbidden);
    EXPECT_EQ(first.error().code, Errc::forbidden);
    EXPECT_THAT(first.error().message, HasSubstr("403 Forbidden"));
    const auto second = co_await connect_websocket(lost);
    EXPECT_EQ(second.error().code, Errc::not_found);
    const auto third = co_await connect_websocket(gone);
    EXPECT_EQ(third.error().code, Errc::unavailable);
    EXPECT_THAT(third.error().message, HasSubstr("cannot connect to 127.0.0.1:1"));
    const auto fourth = co_await connect_websocket(named);
    EXPECT_TRUE(fourth);
  });
}

TEST(WebSocketClient, a_server_that_never_answers_is_a_timeout) {
  TestServer test([](HttpRequest&&) -> HttpReply {
    Deferred deferred;
    deferred.run = []() -> asio::awaitable<HttpResponse> {
      co_await sleep_for(1h);
      co_return HttpResponse{};
    };
    return deferred;
  });
  WebSocketTarget target;
  target.port = test.server.port();
  target.connect_timeout = 60ms;
  target.headers.emplace_back("Authorization", "Bearer x");
  run_coroutine([&]() -> asio::awaitable<void> {
    const auto opened = co_await connect_websocket(target);
    EXPECT_EQ(opened.error().code, Errc::timeout);
    EXPECT_THAT(opened.error().message, HasSubstr("connecting to 127.0.0.1:"));
  });
}

}  // namespace
}  // namespace paramedic
