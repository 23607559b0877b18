#include "io/probes/probe_test_support.h"

namespace paramedic::probes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ScriptedServer::Script answers(std::string head, std::string body = "") {
  return [head, body](int, int fd) {
    if (!ScriptedServer::read_until(fd, "\r\n\r\n")) return;
    ScriptedServer::say(
        fd, head + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
}
std::string url_of(const ScriptedServer& server, const std::string& path = "/health") {
  return "http://" + server.tcp() + path;
}

TEST(HttpProbe, takes_2xx_and_asks_anew_each_time) {
  ScriptedServer server(answers("HTTP/1.1 204 No Content"));
  const auto probe = probe_of("http", {{"url", url_of(server)}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(miss(probe.probe->run(kLong)), "");
}

TEST(HttpProbe, another_status_is_a_miss_unless_it_is_expected) {
  ScriptedServer server(answers("HTTP/1.1 503 Service Unavailable", "busy"));
  const auto probe = probe_of("http", {{"url", url_of(server, "/health?key=hunter2")}});
  const std::string said = miss(probe.probe->run(kLong));
  EXPECT_EQ(said, "http://" + server.tcp() + " answered HTTP 503");
  EXPECT_THAT(probe.probe->target(), Not(HasSubstr("hunter2")));
  Params node = params_of({{"type", "http"}, {"broker", "b"}, {"url", url_of(server)}});
  Params list{.kind = Params::Kind::list};
  list.items = {Params::of("401"), Params::of("503")};
  node.set("status", list);
  Problems problems;
  const auto expected = read_probes(map_of("p", node), problems);
  ASSERT_TRUE(problems.empty()) << problems_text(problems);
  EXPECT_EQ(miss(expected[0].probe->run(kLong)), "");
}

TEST(HttpProbe, a_redirect_is_an_answer_and_not_followed) {
  ScriptedServer server(answers("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/"));
  EXPECT_THAT(miss(probe_of("http", {{"url", url_of(server)}}).probe->run(kLong)), HasSubstr("HTTP 302"));
}

TEST(HttpProbe, a_large_answer_is_cut_not_refused) {
  ScriptedServer server(answers("HTTP/1.1 200 OK", std::string(1 << 20, 'x')));
  EXPECT_EQ(miss(probe_of("http", {{"url", url_of(server)}}).probe->run(kLong)), "");
}

TEST(HttpProbe, nobody_silence_and_nonsense_are_misses) {
  EXPECT_THAT(miss(probe_of("http", {{"url", "http://" + nobody() + "/"}}).probe->run(kLong)), HasSubstr("onnect"));
  ScriptedServer silent([](int, int fd) { ScriptedServer::wait_end(fd); });
  const auto late = probe_of("http", {{"url", url_of(silent)}}).probe->run(kShort);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  ScriptedServer redis([](int, int fd) {
    ScriptedServer::say(fd, "-ERR unknown command\r\n");
    ScriptedServer::read_until(fd, "\r\n\r\n");
  });
  EXPECT_FALSE(probe_of("http", {{"url", url_of(redis)}}).probe->run(kLong));
}

TEST(HttpProbe, cancel_ends_the_wait) {
  ScriptedServer silent([](int, int fd) { ScriptedServer::wait_end(fd); });
  const auto probe = probe_of("http", {{"url", url_of(silent)}});
  expect_cancel_ends(*probe.probe);
}

TEST(HttpProbe, refuses_what_it_cannot_ask) {
  EXPECT_THAT(refused("http", {}), HasSubstr("probes.p.url: must be an http or https URL"));
  EXPECT_THAT(refused("http", {{"url", "ftp://h/"}}), HasSubstr("probes.p.url"));
  EXPECT_THAT(refused("http", {{"url", "http://me:pw@h/"}}), HasSubstr("without user"));
  EXPECT_THAT(refused("http", {{"url", "http://h/"}, {"method", "POST"}}), HasSubstr("must be GET or HEAD"));
}

}  // namespace
}  // namespace paramedic::probes
