#include "io/net/curl/curl_client.h"

#include <atomic>

#include <gmock/gmock.h>

#include "io/net/test_support.h"

namespace paramedic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HttpCall post(std::string url, std::string body = {}) {
  return HttpCall{.method = "POST", .url = std::move(url), .body = std::move(body), .timeout = 10s};
}

// Accepts connections into its backlog and never says a word.
struct SilentServer {
  SilentServer() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~SilentServer() { close(); }
  void close() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/"; }
  int fd;
  int port = 0;
};

TEST(CurlClient, sends_body_and_headers_and_reads_the_answer) {
  HttpRequest seen;
  TestServer server([&](HttpRequest&& request) {
    seen = std::move(request);
    HttpResponse response = text_response("thanks");
    response.status = 429;
    response.headers = {{"Retry-After", "7"}};
    return response;
  });
  CurlClient client({});
  auto call = post(server.url("/api/v1/write?x=1"), std::string("a\0b", 3) + std::string(3u << 19, 'x'));
  call.headers = {{"Content-Encoding", "snappy"}, {"Authorization", "Bearer t"}};
  const auto answer = client.send(call);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413) << "over the server's body limit: its answer is read";
  call.body.resize(1000);
  const auto small = client.send(call);
  ASSERT_TRUE(small) << small.error().message;
  EXPECT_EQ(small->status, 429);
  EXPECT_EQ(small->body, "thanks");
  EXPECT_EQ(small->content_type, "text/plain");
  ASSERT_TRUE(find_header(small->headers, "retry-after"));
  EXPECT_EQ(*find_header(small->headers, "retry-after"), "7");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/api/v1/write?x=1");
  EXPECT_EQ(seen.body, call.body);
  EXPECT_EQ(seen.header("Content-Encoding"), "snappy");
  EXPECT_EQ(seen.header("Authorization"), "Bearer t");
  EXPECT_EQ(seen.header("Expect"), "");
}

TEST(CurlClient, keeps_its_connection_and_sends_only_what_this_call_says) {
  std::vector<std::pair<std::string, std::string>> seen;
  TestServer server([&](HttpRequest&& request) {
    seen.emplace_back(request.method, request.header("X-Once"));
    return text_response("ok");
  });
  CurlClient client({});
  auto first = post(server.url("/"), "b");
  first.headers = {{"X-Once", "1"}};
  ASSERT_TRUE(client.send(first));
  for (const auto* method : {"GET", "HEAD", "PUT", "POST"}) {
    HttpCall call{.method = method, .url = server.url("/")};
    const auto answer = client.send(call);
    ASSERT_TRUE(answer) << method << answer.error().message;
    EXPECT_EQ(answer->status, 200);
  }
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"POST", "1"}, {"GET", ""}, {"HEAD", ""}, {"PUT", ""}, {"POST", ""}};
  EXPECT_EQ(seen, wanted);
  EXPECT_EQ(server.server.stats().connections_accepted, 1u);
}

TEST(CurlClient, follows_no_redirect) {
  std::atomic<int> calls{0};
  TestServer server([&](HttpRequest&&) {
    ++calls;
    HttpResponse response = text_response("");
    response.status = 307;
    response.headers = {{"Location", "/elsewhere"}};
    return response;
  });
  CurlClient client({});
  const auto answer = client.send(post(server.url("/"), "x"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(calls, 1);
}

TEST(CurlClient, names_what_is_wrong_without_any_secret) {
  CurlClient client({});
  SilentServer gone;
  const std::string dead = gone.url();
  gone.close();
  const auto refused = client.send(post(dead + "path?token=hunter2"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr(dead.substr(0, dead.size() - 1) + ": "));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("hunter2")));
  for (const auto* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "http://[::1"}) {
    const auto answer = client.send(post(url));
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().code, Errc::invalid_argument) << answer.error().message;
  }
  auto injected = post(dead);
  injected.headers = {{"X-A", "b\r\nAuthorization: Bearer stolen"}};
  EXPECT_EQ(client.send(injected).error().code, Errc::invalid_argument);
}

TEST(CurlClient, gives_up_after_its_timeout) {
  SilentServer silent;
  CurlClient client({});
  auto call = post(silent.url(), "x");
  call.timeout = 50ms;
  const auto answer = client.send(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timeout);
  EXPECT_THAT(answer.error().message, HasSubstr("no answer within 0.05 s"));
}

TEST(CurlClient, is_cancelled_from_another_thread_for_good) {
  SilentServer silent;
  CurlClient client({});
  auto call = post(silent.url(), "x");
  call.timeout = 1h;
  std::thread other([&] { client.cancel(); });
  const auto answer = client.send(call);
  other.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("cancelled"));
  EXPECT_FALSE(client.send(call));
}

TEST(CurlClient, bounds_the_answer) {
  TestServer server([](HttpRequest&&) { return text_response(std::string(5000, 'x')); });
  CurlClient client({});
  auto call = post(server.url("/"));
  call.response_limit = 4999;
  const auto answer = client.send(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::too_large);
  call.response_limit = 5000;
  EXPECT_TRUE(client.send(call));
}

TEST(CurlClient, a_ca_file_that_cannot_be_read_is_named) {
  CurlClient client({.ca_file = "/nonexistent/ca.pem"});
  SilentServer silent;
  const auto answer = client.send(post("https://127.0.0.1:" + std::to_string(silent.port) + "/"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("/nonexistent/ca.pem"));
}

}  // namespace
}  // namespace paramedic
