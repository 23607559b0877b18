#include "io/net/http_server.h"

#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "io/net/deadline.h"
#include "io/net/http_client.h"
#include "io/net/test_support.h"

namespace paramedic {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

HttpReply echo(HttpRequest&& r) {
  return text_response(r.method + " " + r.path + " " + r.query + " " + r.remote_address + " [" + r.body + "]");
}

std::string post(std::string_view body, std::string_view extra = "", std::string_view path = "/x") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(extra) + "\r\n" + std::string(body);
}
constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(HttpServer, answers_with_its_own_headers) {
  TestServer test(echo);
  RawClient client(test.server.port());
  client.send(kGet);
  const std::string& got = client.read_until("]");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\nServer: paramedic\r\nDate: "));
  EXPECT_THAT(got, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\n\r\nGET /a b=c 127.0.0.1 []"));
}

TEST(HttpServer, keeps_a_connection_for_many_requests) {
  TestServer test(echo);
  RawClient client(test.server.port());
  for (int i = 1; i <= 50; ++i) {
    client.send(post("body" + std::to_string(i)));
    client.read_until("[body" + std::to_string(i) + "]");
  }
  EXPECT_EQ(test.server.stats().requests, 50u);
  EXPECT_EQ(test.server.stats().connections_accepted, 1u);
  EXPECT_EQ(test.server.stats().connections_open, 1u);
  EXPECT_GT(test.server.stats().bytes_in, 50u * 40);
  EXPECT_GT(test.server.stats().bytes_out, 50u * 40);
}

TEST(HttpServer, answers_pipelined_requests_in_order) {
  TestServer test([](HttpRequest&& r) -> HttpReply {
    if (r.body != "slow") return text_response("<" + r.body + ">");
    Deferred deferred;
    deferred.run = []() -> boost::asio::awaitable<HttpResponse> {
      co_await sleep_for(20ms);
      co_return text_response("<slow>");
    };
    return deferred;
  });
  RawClient client(test.server.port());
  client.send("\r\n" + post("1") + post("slow") + "\r\n" + post("2") + post("3"));
  const std::string& got = client.read_until(">", 4);
  const auto at = [&](std::string_view mark) { return got.find(mark); };
  EXPECT_LT(at("<1>"), at("<slow>"));
  EXPECT_LT(at("<slow>"), at("<2>"));
  EXPECT_LT(at("<2>"), at("<3>"));
  EXPECT_NE(at("<3>"), std::string::npos);
}

TEST(HttpServer, many_pipelined_requests_do_not_need_one_write_each) {
  TestServer test([](HttpRequest&&) -> HttpReply { return text_response(std::string(1000, 'x') + "|"); });
  RawClient client(test.server.port());
  std::string all;
  for (int i = 0; i < 500; ++i) all += post("b");
  std::thread sender([&] { client.send(all); });
  client.read_until("|", 500);
  sender.join();
  EXPECT_EQ(test.server.stats().requests, 500u);
}

TEST(HttpServer, takes_bytes_one_by_one) {
  TestServer test(echo);
  RawClient client(test.server.port());
  for (const char c : post("hello")) client.send(std::string_view(&c, 1));
  EXPECT_THAT(client.read_until("]"), HasSubstr("[hello]"));
}

TEST(HttpServer, reads_chunked_bodies_and_ignores_trailers) {
  TestServer test(
      [](HttpRequest&& r) -> HttpReply { return text_response(r.body + (r.find("X-Trailer") ? "!" : ".")); });
  RawClient client(test.server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n "
      "world\r\n0\r\nX-Trailer: 1\r\n\r\n");
  EXPECT_THAT(client.read_until("hello world."), HasSubstr("hello world."));
  client.send(kGet);
  client.read_until("HTTP/1.1 200", 2);
  EXPECT_EQ(test.server.stats().parse_errors, 0u);
}

TEST(HttpServer, sends_continue_only_when_it_will_read_the_body) {
  HttpServerOptions options;
  options.body_limit = 10;
  TestServer test(echo, options);
  RawClient client(test.server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.read_until("]"), HasSubstr("[ok]"));
  RawClient second(test.server.port());
  second.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_THAT(second.read_to_end(), StartsWith("HTTP/1.1 413"));
}

struct Malformed {
  const char* name;
  std::string bytes;
  std::string status;
};
class HttpServerRefuses : public testing::TestWithParam<Malformed> {};
TEST_P(HttpServerRefuses, with_a_problem_and_closes) {
  HttpServerOptions options;
  options.body_limit = 100;
  TestServer test(echo, options);
  RawClient client(test.server.port());
  client.send(GetParam().bytes);
  const std::string& got = client.read_to_end();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 " + GetParam().status));
  EXPECT_THAT(got, HasSubstr("application/problem+json"));
  EXPECT_THAT(got, HasSubstr("Connection: close"));
  EXPECT_THAT(got, Not(HasSubstr("200 OK")));
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(test.server.stats().parse_errors, 1u);
}
INSTANTIATE_TEST_SUITE_P(
    cases, HttpServerRefuses,
    testing::Values(
        Malformed{"garbage", "hello\r\n\r\n", "400"},
        Malformed{"binary", std::string("\x16\x03\x01\x00\x01", 5) + "\r\n\r\n", "400"},
        Malformed{"no_host", "GET / HTTP/1.1\r\n\r\n", "400"},
        Malformed{"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        Malformed{"bad_target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        Malformed{"empty_authority_path", "GET ?x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        Malformed{"bad_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"},
        Malformed{"two_lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
        Malformed{"length_and_chunked",
                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  "400"},
        Malformed{"unknown_coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
        Malformed{"bad_chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        Malformed{"huge_chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n",
                  "413"},
        Malformed{"endless_chunk_header",
                  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(40000, 'a'),
                  "400"},
        Malformed{"large_body", post(std::string(101, 'x')), "413"},
        Malformed{"large_header", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'x') + "\r\n\r\n", "431"},
        Malformed{"endless_header", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100000, 'x'), "431"},
        Malformed{"endless_target", "GET /" + std::string(100000, 'x'), "431"},
        Malformed{"many_headers",
                  [] {
                    std::string all = "GET / HTTP/1.1\r\nHost: a\r\n";
                    for (int i = 0; i < 200; ++i) all += "A: b\r\n";
                    return all + "\r\n";
                  }(),
                  "431"}),
    [](const auto& test_case) { return std::string(test_case.param.name); });

TEST(HttpServer, allows_larger_bodies_where_the_owner_says_so) {
  HttpServerOptions options;
  options.body_limit_for = [](std::string_view method, std::string_view path) -> size_t {
    return method == "POST" && path == "/bulk" ? 8u << 20 : 10u;
  };
  TestServer test([](HttpRequest&& r) -> HttpReply { return text_response(std::to_string(r.body.size())); }, options);
  HttpCall call;
  call.method = "POST";
  call.url = test.url("/bulk?x");
  call.body = std::string(5u << 20, 'x');
  const auto large = http_request(call);
  ASSERT_TRUE(large) << large.error().message;
  EXPECT_EQ(large->body, std::to_string(5u << 20));
  call.url = test.url("/other");
  const auto refused = http_request(call);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
}

HttpServerOptions hasty() {
  HttpServerOptions options;
  options.header_timeout = 60ms;
  options.body_timeout = 60ms;
  options.idle_timeout = 60ms;
  options.write_timeout = 60ms;
  return options;
}

TEST(HttpServer, slow_headers_and_bodies_get_408) {
  TestServer test(echo, hasty());
  RawClient header(test.server.port());
  header.send("GET / HTTP/1.1\r\nHo");
  EXPECT_THAT(header.read_to_end(), StartsWith("HTTP/1.1 408"));
  RawClient body(test.server.port());
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_THAT(body.read_to_end(), StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(test.server.stats().timeouts, 2u);
}

TEST(HttpServer, dripping_bytes_gain_no_time) {
  TestServer test(echo, hasty());
  RawClient client(test.server.port());
  client.send("GET / HTTP/1.1\r\n");
  std::atomic<bool> done{false};
  std::thread dripping([&] {
    while (!done) {
      client.send("X: y\r\n");
      std::this_thread::sleep_for(10ms);
    }
  });
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 408"));
  done = true;
  dripping.join();
}

TEST(HttpServer, silent_connections_are_closed_without_a_word) {
  TestServer test(echo, hasty());
  RawClient silent(test.server.port());
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_TRUE(silent.ended());
  RawClient idle(test.server.port());
  idle.send(kGet);
  EXPECT_THAT(idle.read_to_end(), Not(HasSubstr("408")));
  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(test.server.stats().timeouts, 0u);
}

TEST(HttpServer, a_client_that_does_not_read_is_cut) {
  TestServer test([](HttpRequest&&) -> HttpReply { return text_response(std::string(32u << 20, 'x')); }, hasty());
  RawClient client(test.server.port(), 4096);
  client.send(kGet);
  EXPECT_TRUE(
      eventually([&] { return test.server.stats().timeouts == 1 && test.server.stats().connections_open == 0; }));
}

TEST(HttpServer, large_shared_bodies_arrive_whole) {
  const auto shared = std::make_shared<const std::string>(std::string(3u << 20, 'y') + "|");
  TestServer test([shared](HttpRequest&&) -> HttpReply {
    HttpResponse response;
    response.shared_body = shared;
    return response;
  });
  HttpCall call;
  call.url = test.url("/");
  const auto got = http_request(call);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, *shared);
  RawClient again(test.server.port());
  again.send(std::string(kGet) + std::string(kGet));
  again.read_until("|", 2);
}

TEST(HttpServer, head_has_the_length_and_no_body) {
  TestServer test([](HttpRequest&& r) -> HttpReply {
    if (r.path == "/stream") {
      Streamed streamed;
      streamed.produce = [](BodyWriter&) -> boost::asio::awaitable<void> { co_return; };
      return streamed;
    }
    return text_response(std::string(50000, 'x'));
  });
  RawClient client(test.server.port());
  client.send(
      "HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: "
      "h\r\nConnection: close\r\n\r\n");
  const std::string& got = client.read_to_end();
  EXPECT_THAT(got, HasSubstr("Content-Length: 50000\r\n"));
  EXPECT_THAT(got, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("xxx")));
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST(HttpServer, old_and_closing_clients_get_what_they_asked_for) {
  TestServer test(echo);
  RawClient old(test.server.port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.read_to_end(), HasSubstr("Connection: close"));
  RawClient old_keep(test.server.port());
  old_keep.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(old_keep.read_until("]"), HasSubstr("Connection: keep-alive"));
  RawClient closing(test.server.port());
  closing.send("OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(closing.read_to_end(), HasSubstr("OPTIONS *"));
  RawClient absolute(test.server.port());
  absolute.send("GET http://h/p?q HTTP/1.1\r\nHost: h\r\n\r\nGET http://h HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(absolute.read_until("]", 2), HasSubstr("GET /p q"));
}

TEST(HttpServer, failing_handlers_give_500_and_the_connection_lives_on) {
  TestServer test([](HttpRequest&& r) -> HttpReply {
    if (r.path == "/now") throw std::runtime_error("broken");
    if (r.path == "/ok") return text_response("fine");
    Deferred deferred;
    deferred.run = []() -> boost::asio::awaitable<HttpResponse> {
      co_await sleep_for(1ms);
      throw std::runtime_error("broken");
    };
    return deferred;
  });
  RawClient client(test.server.port());
  for (const std::string path : {"/now", "/later", "/ok"}) client.send(post("", "", path));
  EXPECT_THAT(client.read_until("fine"), HasSubstr("fine"));
  client.read_until("HTTP/1.1 500", 2);
}

TEST(HttpServer, over_the_cap_clients_get_503) {
  HttpServerOptions options;
  options.max_connections = 2;
  TestServer test(echo, options);
  RawClient first(test.server.port()), second(test.server.port());
  first.send(kGet);
  second.send(kGet);
  first.read_until("]");
  second.read_until("]");
  RawClient third(test.server.port());
  third.send(kGet);
  EXPECT_THAT(third.read_until("later"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(third.read_until("later"), HasSubstr("Retry-After"));
  EXPECT_EQ(test.server.stats().connections_refused, 1u);
  EXPECT_EQ(test.server.stats().connections_open, 2u);
  first.close();
  EXPECT_TRUE(eventually([&] { return test.server.stats().connections_open == 1; }));
  RawClient fourth(test.server.port());
  fourth.send(kGet);
  EXPECT_THAT(fourth.read_until("]"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, a_port_in_use_is_explained) {
  TestServer test(echo);
  LambdaHandler handler(echo);
  const auto logger = make_null_logger();
  HttpServerOptions options;
  options.port = test.server.port();
  HttpServer second(options, handler, *logger);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::conflict);
  EXPECT_THAT(started.error().message, HasSubstr("127.0.0.1:" + std::to_string(options.port)));
  EXPECT_THAT(started.error().message, HasSubstr("another port"));
  options.address = "localhost";
  HttpServer third(options, handler, *logger);
  EXPECT_EQ(third.start().error().code, Errc::invalid_argument);
  options.address = "192.0.2.1";
  HttpServer fourth(options, handler, *logger);
  EXPECT_EQ(fourth.start().error().code, Errc::io);
}

TEST(HttpServer, spreads_connections_over_its_threads) {
  HttpServerOptions options;
  options.threads = 2;
  TestServer test(
      [](HttpRequest&&) -> HttpReply {
        std::ostringstream id;
        id << std::this_thread::get_id();
        return text_response("<" + id.str() + ">");
      },
      options);
  RawClient first(test.server.port()), second(test.server.port());
  first.send(kGet);
  second.send(kGet);
  const auto thread_of = [](RawClient& client) {
    return client.read_until(">").substr(client.read_until(">").find('<'));
  };
  EXPECT_NE(thread_of(first), thread_of(second));
  EXPECT_EQ(test.server.stats().requests, 2u);
  EXPECT_EQ(test.server.threads(), 2u);
}

TEST(HttpServer, runs_out_of_descriptors_without_spinning_and_recovers) {
  TestServer test(echo);
  rlimit saved{};
  ::getrlimit(RLIMIT_NOFILE, &saved);
  RawClient waiting(test.server.port());
  waiting.send(kGet);
  waiting.read_until("]");
  const int probe = ::dup(0);
  ::close(probe);
  rlimit tight = saved;
  tight.rlim_cur = static_cast<rlim_t>(probe) + 1;  // one more descriptor: the client's own end
  ::setrlimit(RLIMIT_NOFILE, &tight);
  RawClient starved(test.server.port());
  starved.send(kGet);
  const bool noticed = eventually([&] { return test.server.stats().accept_failures >= 1; });
  std::this_thread::sleep_for(150ms);
  const auto failures = test.server.stats().accept_failures;
  ::setrlimit(RLIMIT_NOFILE, &saved);
  EXPECT_TRUE(noticed);
  EXPECT_LT(failures, 20u);
  EXPECT_THAT(starved.read_until("]"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerStop, closes_idle_connections_and_lets_running_requests_answer) {
  std::atomic<bool> running{false};
  TestServer test([&running](HttpRequest&& r) -> HttpReply {
    if (r.method == "GET") return text_response("]");
    Deferred deferred;
    deferred.run = [&running]() -> boost::asio::awaitable<HttpResponse> {
      running = true;
      co_await sleep_for(100ms);
      co_return text_response("done");
    };
    return deferred;
  });
  RawClient fresh(test.server.port()), idle(test.server.port()), busy(test.server.port());
  idle.send(kGet);
  idle.read_until("]");
  busy.send(post("x"));
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  test.server.stop(5s);
  EXPECT_THAT(busy.read_to_end(), HasSubstr("done"));
  EXPECT_THAT(busy.read_to_end(), HasSubstr("200 OK"));
  idle.read_to_end();
  fresh.read_to_end();
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(fresh.ended());
  EXPECT_EQ(test.server.stats().connections_open, 0u);
  test.server.stop(5s);  // harmless
}

TEST(HttpServerStop, cuts_requests_that_outlast_the_grace) {
  std::atomic<bool> running{false};
  TestServer test([&running](HttpRequest&&) -> HttpReply {
    Deferred deferred;
    deferred.run = [&running]() -> boost::asio::awaitable<HttpResponse> {
      running = true;
      co_await sleep_for(1h);
      co_return HttpResponse{};
    };
    return deferred;
  });
  RawClient client(test.server.port());
  client.send(kGet);
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  test.server.stop(20ms);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(test.server.stats().connections_open, 0u);
}

TEST(HttpClient, says_what_went_wrong) {
  HttpCall call;
  call.url = "https://x/";
  EXPECT_EQ(http_request(call).error().code, Errc::invalid_argument);
  {
    TestServer test(echo);
    call.url = test.url("/");
  }
  const auto refused = http_request(call);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot connect to 127.0.0.1:"));
  TestServer slow([](HttpRequest&& r) -> HttpReply {
    if (r.path == "/large") return text_response(std::string(100, 'x'));
    Deferred deferred;
    deferred.run = []() -> boost::asio::awaitable<HttpResponse> {
      co_await sleep_for(1h);
      co_return HttpResponse{};
    };
    return deferred;
  });
  call.url = slow.url("/");
  call.timeout = 50ms;
  EXPECT_EQ(http_request(call).error().code, Errc::timeout);
  call.timeout = 10s;
  call.url = slow.url("/large");
  call.response_limit = 99;
  EXPECT_EQ(http_request(call).error().code, Errc::too_large);
  call.method = "HEAD";
  EXPECT_EQ(http_request(call)->status, 200);
}

}  // namespace
}  // namespace paramedic
