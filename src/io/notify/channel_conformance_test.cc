// Every kind that speaks HTTP against servers that misbehave, over real sockets.
#include <thread>

#include "io/net/test_support.h"
#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kToken = "SecretSecretSecret";

// Reads one request and answers with these bytes, then closes; again for each connection, until destroyed.
class ByteServer {
 public:
  explicit ByteServer(std::string bytes, bool answers = true) : bytes_(std::move(bytes)), answers_(answers) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (answers_) thread_ = std::thread([this] { serve(); });
  }
  ~ByteServer() {
    ::shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }

 private:
  void serve() {
    for (int client; (client = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(client)) {
      std::string got;
      char buffer[65536];
      while (!whole(got)) {
        const ssize_t count = ::recv(client, buffer, sizeof buffer, 0);
        if (count <= 0) break;
        got.append(buffer, std::size_t(count));
      }
      ++requests_;
      std::string out = bytes_;
      if (const auto at = out.find("@ECHO@"); at != out.npos) out.replace(at, 6, got);
      std::string_view rest = out;
      while (!rest.empty()) {
        const ssize_t count = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count <= 0) break;
        rest.remove_prefix(std::size_t(count));
      }
    }
  }
  static bool whole(const std::string& got) {
    const auto head = got.find("\r\n\r\n");
    const auto length = got.find("Content-Length: ");
    return head != got.npos &&
           got.size() >= head + 4 + (length < head ? std::size_t(std::atol(got.c_str() + length + 16)) : 0);
  }

  const std::string bytes_;
  const bool answers_;
  int fd_ = -1, port_ = 0;
  std::atomic<int> requests_{0};
  std::thread thread_;
};

struct Kind {
  const char* name;
  Keys (*keys)(const std::string& base);
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

Keys secret_url(const std::string& base) { return {{"url_variable", secret("URL", base + "/hooks/" + kToken)}}; }
const Kind kKinds[] = {
    {"slack", secret_url},
    {"slack",
     [](const std::string& base) {
       return Keys{{"token_variable", secret("TOKEN", kToken)}, {"channel", "C1"}, {"api_url", base + "/api"}};
     }},
    {"pagerduty",
     [](const std::string& base) {
       return Keys{{"routing_key_variable", secret("TOKEN", kToken)}, {"url", base + "/v2/enqueue"}};
     }},
    {"webhook",
     [](const std::string& base) {
       return Keys{{"url", base + "/x"}, {"token_variable", secret("TOKEN", kToken)}};
     }},
    {"alertmanager",
     [](const std::string& base) {
       return Keys{{"urls", list({base})}, {"token_variable", secret("TOKEN", kToken)}};
     }},
    {"opsgenie",
     [](const std::string& base) {
       return Keys{{"api_key_variable", secret("TOKEN", kToken)}, {"url", base}};
     }},
    {"teams", secret_url},
    {"discord", secret_url},
    {"telegram",
     [](const std::string& base) {
       return Keys{{"token_variable", secret("TOKEN", kToken)}, {"chat_id", "1"}, {"api_url", base}};
     }},
    {"ntfy",
     [](const std::string& base) {
       return Keys{{"url", base}, {"topic", "t"}, {"token_variable", secret("TOKEN", kToken)}};
     }},
};

class HttpKinds : public ::testing::TestWithParam<Kind> {
 protected:
  static std::unique_ptr<Channel> at(const std::string& base) {
    Problems problems;
    auto made = build(curl_ways(), GetParam().name, GetParam().keys(base), problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return made;
  }
  static SendResult send(const std::string& bytes, Duration timeout = 10s) {
    const ByteServer server(bytes);
    SendContext to = context();
    to.timeout = timeout;
    const SendResult result = at(server.url())->send(notification(), to);
    EXPECT_LE(result.answer.size(), 500u);
    EXPECT_THAT(result.answer, Not(HasSubstr(kToken)));
    EXPECT_FALSE(result.answer.empty());
    return result;
  }
  static std::string http(std::string status, std::string headers, std::string body) {
    return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
  }
};

TEST_P(HttpKinds, waits_as_long_as_a_429_asks) {
  const SendResult result = send(http("429 Too Many Requests", "Retry-After: 7\r\n", "slow down"));
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_EQ(result.http_status, 429);
  EXPECT_EQ(result.retry_after, Duration(7s));
}

TEST_P(HttpKinds, tries_again_after_a_500_and_not_after_a_403) {
  EXPECT_EQ(send(http("500 Oops", "", "")).verdict, SendVerdict::retry);
  EXPECT_EQ(send(http("403 No", "", "no")).verdict, SendVerdict::permanent);
}

TEST_P(HttpKinds, gives_up_on_silence_and_is_cancelled_in_it) {
  const ByteServer silent("", false);
  SendContext soon = context();
  soon.timeout = 50ms;
  const auto first = at(silent.url());
  const SendResult result = first->send(notification(), soon);
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_THAT(result.answer, HasSubstr("no answer within"));
  SendContext patient = context();
  patient.timeout = 1h;
  const auto second = at(silent.url());
  std::thread other([&] { second->cancel(); });
  const SendResult cancelled = second->send(notification(), patient);
  other.join();
  EXPECT_EQ(cancelled.verdict, SendVerdict::retry);
  EXPECT_THAT(cancelled.answer, HasSubstr("cancelled"));
}

TEST_P(HttpKinds, a_connection_that_breaks_is_no_delivery) {
  EXPECT_EQ(send("").verdict, SendVerdict::retry) << "before the answer";
  EXPECT_EQ(send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"ok\":tr").verdict, SendVerdict::retry) << "within";
  EXPECT_EQ(send("SSH-2.0-OpenSSH_9.2\r\n").verdict, SendVerdict::retry) << "another protocol";
}

TEST_P(HttpKinds, an_endless_answer_is_bounded) {
  const SendResult result = send(http("500 Oops", "", std::string(3u << 20, 'x')));
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_EQ(result.http_status, 500);
}

TEST_P(HttpKinds, redirects_are_not_followed) {
  const ByteServer elsewhere(http("200 OK", "", "ok"));
  const SendResult result = send(http("307 Temporary Redirect", "Location: " + elsewhere.url() + "/x\r\n", ""));
  EXPECT_EQ(result.verdict, SendVerdict::permanent);
  EXPECT_THAT(result.answer, HasSubstr("redirects are not followed"));
  EXPECT_EQ(elsewhere.requests(), 0);
}

TEST_P(HttpKinds, an_echo_does_not_show_the_secret) {
  // Without a length: what follows until the end.
  EXPECT_EQ(send("HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n@ECHO@").verdict, SendVerdict::permanent);
}

TEST_P(HttpKinds, nobody_there) {
  std::string url;
  {
    const ByteServer gone("", false);
    url = gone.url();
  }
  const SendResult result = at(url)->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_EQ(result.http_status, 0);
  EXPECT_THAT(result.answer, Not(HasSubstr(kToken)));
}

INSTANTIATE_TEST_SUITE_P(Kinds, HttpKinds, ::testing::ValuesIn(kKinds),
                         [](const auto& one) { return std::string(one.param.name) + std::to_string(one.index); });

}  // namespace
}  // namespace paramedic::notify
