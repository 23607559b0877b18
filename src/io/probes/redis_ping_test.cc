#include <fstream>

#include "io/probes/probe_test_support.h"

namespace paramedic::probes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Says `answer` to the greeting (CLIENT SETNAME, PING) and waits for the end.
ScriptedServer::Script says(std::string answer) {
  return [answer](int, int fd) {
    if (!ScriptedServer::read_until(fd, "PING\r\n")) return;
    ScriptedServer::say(fd, answer);
    ScriptedServer::wait_end(fd);
  };
}

TEST(RedisPingProbe, a_real_server_answers_and_its_end_is_noticed) {
  RedisServer server;
  const auto tcp = probe_of("redis_ping", {{"address", server.tcp()}});
  const auto local = probe_of("redis_ping", {{"address", server.unix_socket()}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(miss(tcp.probe->run(kLong)), "");
  EXPECT_EQ(miss(local.probe->run(kLong)), "");
  server.kill();
  const auto result = tcp.probe->run(kLong);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
  EXPECT_THAT(result.error().message, HasSubstr("Connection refused"));
  server.start();
  EXPECT_EQ(miss(tcp.probe->run(kLong)), "");
}

TEST(RedisPingProbe, a_stopped_server_runs_into_the_deadline) {
  RedisServer server;
  const auto probe = probe_of("redis_ping", {{"address", server.tcp()}});
  EXPECT_EQ(miss(probe.probe->run(kLong)), "");
  server.signal(SIGSTOP);
  const auto result = probe.probe->run(kShort);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
  expect_cancel_ends(*probe.probe);
  server.signal(SIGCONT);
}

TEST(RedisPingProbe, logs_in_from_a_file_or_the_environment_and_never_with_the_password_of_the_ledger) {
  RedisServer server({"--requirepass", "sesame"});
  const std::string file = server.dir() + "/password";
  std::ofstream(file) << "sesame\n";
  ::setenv("PARAMEDIC_REDIS_PASSWORD", "sesame", 1);
  const std::string without = miss(probe_of("redis_ping", {{"address", server.tcp()}}).probe->run(kLong));
  ::unsetenv("PARAMEDIC_REDIS_PASSWORD");
  EXPECT_THAT(without, HasSubstr("NOAUTH"));
  EXPECT_EQ(miss(probe_of("redis_ping", {{"address", server.tcp()}, {"password_file", file}}).probe->run(kLong)), "");
  ::setenv("PROBE_TEST_PASSWORD", "sesame", 1);
  const auto probe = probe_of("redis_ping", {{"address", server.tcp()}, {"password_variable", "PROBE_TEST_PASSWORD"}});
  EXPECT_EQ(miss(probe.probe->run(kLong)), "");
  ::setenv("PROBE_TEST_PASSWORD", "wrong-secret", 1);
  EXPECT_THAT(miss(probe.probe->run(kLong)), HasSubstr("WRONGPASS"));
  EXPECT_THAT(miss(probe.probe->run(kLong)), Not(HasSubstr("wrong-secret")));
  ::unsetenv("PROBE_TEST_PASSWORD");
}

TEST(RedisPingProbe, an_answer_that_is_none_is_a_miss) {
  ScriptedServer loading(says("+OK\r\n-LOADING Redis is loading the dataset in memory\r\n"));
  EXPECT_THAT(miss(probe_of("redis_ping", {{"address", loading.tcp()}}).probe->run(kLong)), HasSubstr("LOADING"));
  ScriptedServer web(says("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const auto garbage = probe_of("redis_ping", {{"address", web.tcp()}}).probe->run(kLong);
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, Errc::corrupt);
  ScriptedServer huge(says("$999999999\r\n"));
  EXPECT_FALSE(probe_of("redis_ping", {{"address", huge.tcp()}}).probe->run(kShort));
  ScriptedServer gone([](int, int) {});
  EXPECT_THAT(miss(probe_of("redis_ping", {{"address", gone.tcp()}}).probe->run(kLong)), HasSubstr("broke"));
}

TEST(RedisPingProbe, refuses_keys_that_do_not_fit_together) {
  EXPECT_THAT(refused("redis_ping", {{"address", "a:b:c"}}), HasSubstr("probes.p.address"));
  EXPECT_THAT(refused("redis_ping", {{"ca_file", "/ca.pem"}}), HasSubstr("ca_file: needs tls: true"));
  EXPECT_THAT(refused("redis_ping", {{"tls", "true"}, {"address", "unix:/s"}}), HasSubstr("needs no TLS"));
  EXPECT_THAT(refused("redis_ping", {{"password_file", "/a"}, {"password_variable", "B"}}), HasSubstr("one of them"));
  EXPECT_THAT(refused("redis_ping", {{"username", "ann"}}), HasSubstr("needs password_file"));
  EXPECT_THAT(refused("redis_ping", {{"password", "hunter2"}}), HasSubstr("unknown key"));
}

}  // namespace
}  // namespace paramedic::probes
