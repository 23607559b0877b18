#include "io/probes/probe_test_support.h"

namespace paramedic::probes {
namespace {

using ::testing::HasSubstr;

TEST(TcpProbe, is_answered_by_whoever_listens) {
  ScriptedServer server([](int, int) {});
  const auto probe = probe_of("tcp", {{"address", server.tcp()}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(miss(probe.probe->run(kLong)), "");
  EXPECT_EQ(probe.probe->target(), server.tcp());
}

TEST(TcpProbe, says_why_nobody_is_there) {
  const std::string address = nobody();
  const auto result = probe_of("tcp", {{"address", address}}).probe->run(kLong);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
  EXPECT_EQ(result.error().message, "cannot connect to " + address + ": Connection refused");
  EXPECT_THAT(miss(probe_of("tcp", {{"address", "unix:/nonexistent/s"}}).probe->run(kLong)),
              HasSubstr("No such file or directory"));
}

TEST(TcpProbe, a_unix_socket_is_an_address_too) {
  const auto probe = probe_of("tcp", {{"address", shared_redis().unix_socket()}});
  EXPECT_EQ(miss(probe.probe->run(kLong)), "");
}

// A listener whose queue is full takes no further connection: the kernel drops the attempt.
TEST(TcpProbe, a_deadline_ends_the_wait) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    (void)::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  const auto probe = probe_of("tcp", {{"address", "127.0.0.1:" + std::to_string(ntohs(address.sin_port))}});
  const auto result = probe.probe->run(kShort);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
  EXPECT_EQ(result.error().message, "no answer within 50ms");
  expect_cancel_ends(*probe.probe);
  for (const int fd : fillers) ::close(fd);
  ::close(listener);
}

TEST(TcpProbe, refuses_what_is_no_address) {
  EXPECT_THAT(refused("tcp", {}), HasSubstr("probes.p.address: is missing"));
  EXPECT_THAT(refused("tcp", {{"address", "host"}}), HasSubstr("probes.p.address"));
  EXPECT_THAT(refused("tcp", {{"address", "host:99999"}}), HasSubstr("probes.p.address"));
  EXPECT_THAT(refused("tcp", {{"address", "h:1"}, {"adress", "h:2"}}), HasSubstr("unknown key"));
}

}  // namespace
}  // namespace paramedic::probes
