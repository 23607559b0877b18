// Replies that go on: chunked bodies, server-sent events.
#include <gmock/gmock.h>

#include "io/net/deadline.h"
#include "io/net/http_client.h"
#include "io/net/test_support.h"

namespace paramedic {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

HttpReply streamed(std::function<asio::awaitable<void>(BodyWriter&)> produce) {
  Streamed out;
  out.content_type = "text/event-stream";
  out.headers.emplace_back("Cache-Control", "no-store");
  out.produce = std::move(produce);
  return out;
}
std::shared_ptr<const std::string> text(std::string s) { return std::make_shared<const std::string>(std::move(s)); }

// Writes "tick" until it is told to stop; notes how it ended.
struct Ticker {
  std::atomic<int> started{0}, ended{0};
  std::function<asio::awaitable<void>(BodyWriter&)> producer(Duration pause) {
    return [this, pause](BodyWriter& writer) -> asio::awaitable<void> {
      struct Ended {
        std::atomic<int>& count;
        ~Ended() { ++count; }
      } ended_guard{ended};
      ++started;
      const auto tick = text("tick\n");
      while (true) {
        const auto sent = co_await writer.write(tick);
        if (!sent) co_return;
        co_await sleep_for(pause);
      }
    };
  }
};

TEST(HttpStream, sends_chunks_and_keeps_the_connection) {
  TestServer test([](HttpRequest&&) {
    return streamed([](BodyWriter& writer) -> asio::awaitable<void> {
      const auto hello = text("hello"), none = text(""), big = text(std::string(100000, 'x'));
      (void)co_await writer.write(hello);
      (void)co_await writer.write(none);
      (void)co_await writer.write(big);
    });
  });
  RawClient client(test.server.port());
  client.send(std::string(kGet) + std::string(kGet));
  const std::string& got = client.read_until("\r\n0\r\n\r\n", 2);
  EXPECT_THAT(got, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(got, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\n\r\n5\r\nhello\r\n186a0\r\nxxx"));
  EXPECT_THAT(got, EndsWith("xxx\r\n0\r\n\r\n"));
}

TEST(HttpStream, old_clients_get_bytes_until_the_end) {
  TestServer test([](HttpRequest&&) {
    return streamed([](BodyWriter& writer) -> asio::awaitable<void> {
      const auto hello = text("hello");
      (void)co_await writer.write(hello);
    });
  });
  RawClient client(test.server.port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nhello"));
}

TEST(HttpStream, a_failing_producer_leaves_a_visibly_broken_body) {
  TestServer test([](HttpRequest&&) {
    return streamed([](BodyWriter& writer) -> asio::awaitable<void> {
      const auto hello = text("hello");
      (void)co_await writer.write(hello);
      throw std::runtime_error("broken");
    });
  });
  RawClient client(test.server.port());
  client.send(kGet);
  EXPECT_THAT(client.read_to_end(), EndsWith("hello\r\n"));
}

TEST(HttpStream, a_client_that_leaves_is_noticed_while_the_producer_waits) {
  Ticker ticker;
  TestServer test([&](HttpRequest&&) { return streamed(ticker.producer(1h)); });
  RawClient client(test.server.port());
  client.send(kGet);
  client.read_until("tick");
  EXPECT_EQ(test.server.stats().streams_open, 1u);
  client.close();
  EXPECT_TRUE(eventually([&] { return ticker.ended == 1 && test.server.stats().connections_open == 0; }));
  EXPECT_EQ(test.server.stats().streams_open, 0u);
}

TEST(HttpStream, a_client_that_does_not_read_hits_the_write_timeout) {
  HttpServerOptions options;
  options.write_timeout = 60ms;
  std::atomic<bool> late{false};
  TestServer test(
      [&](HttpRequest&&) {
        return streamed([&late](BodyWriter& writer) -> asio::awaitable<void> {
          const auto chunk = text(std::string(1u << 20, 'x'));
          while (true) {
            const auto sent = co_await writer.write(chunk);
            if (sent) continue;
            late = sent.error().code == Errc::timeout;
            co_return;
          }
        });
      },
      options);
  RawClient client(test.server.port(), 4096);
  client.send(kGet);
  EXPECT_TRUE(
      eventually([&] { return test.server.stats().connections_open == 0 && test.server.stats().timeouts == 1; }));
  EXPECT_TRUE(late);
}

TEST(HttpStream, stop_ends_it_cleanly) {
  Ticker ticker;
  TestServer test([&](HttpRequest&&) { return streamed(ticker.producer(1h)); });
  RawClient client(test.server.port());
  client.send(kGet);
  client.read_until("tick");
  test.server.stop(10s);
  EXPECT_THAT(client.read_to_end(), EndsWith("tick\n\r\n0\r\n\r\n"));
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(ticker.ended, 1);
}

TEST(HttpStream, follow_lines_reads_events_as_they_come) {
  TestServer test([](HttpRequest&& r) -> HttpReply {
    if (r.path == "/no") return problem_response(404, "no such stream");
    return streamed([](BodyWriter& writer) -> asio::awaitable<void> {
      const auto first = text("data: 1\r\ndata:"), second = text(" 2\n\nrest");
      (void)co_await writer.write(first);
      co_await sleep_for(10ms);
      (void)co_await writer.write(second);
    });
  });
  std::vector<std::string> lines;
  const auto note = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };
  HttpCall call;
  call.url = test.url("/");
  const auto whole = follow_lines(call, note);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->content_type, "text/event-stream");
  EXPECT_THAT(lines, ElementsAre("data: 1", "data: 2", ""));
  lines.clear();
  EXPECT_TRUE(follow_lines(call, [&](std::string_view line) { return !note(line); }));
  EXPECT_THAT(lines, ElementsAre("data: 1"));
  call.url = test.url("/no");
  const auto missing = follow_lines(call, note);
  EXPECT_EQ(missing->status, 404);
  EXPECT_THAT(missing->body, HasSubstr("no such stream"));
}

TEST(HttpStream, follow_lines_gives_up_on_silence) {
  Ticker ticker;
  TestServer test([&](HttpRequest&&) { return streamed(ticker.producer(1h)); });
  HttpCall call;
  call.url = test.url("/");
  call.timeout = 100ms;
  int lines = 0;
  const auto got = follow_lines(call, [&](std::string_view) { return ++lines > 0; });
  EXPECT_EQ(got.error().code, Errc::timeout);
  EXPECT_EQ(lines, 1);
  EXPECT_TRUE(eventually([&] { return ticker.ended == 1; }));
}

TEST(HttpStream, pipelined_bytes_do_not_look_like_a_departure) {
  Ticker ticker;
  TestServer test([&](HttpRequest&& r) -> HttpReply {
    if (r.path == "/a") return streamed(ticker.producer(5ms));
    return text_response("other");
  });
  RawClient client(test.server.port());
  client.send(kGet);
  client.read_until("tick");
  client.send(std::string(100'000, 'z'));  // more than is read ahead
  client.read_until("tick", 4);
  EXPECT_EQ(ticker.ended, 0);
}

}  // namespace
}  // namespace paramedic
