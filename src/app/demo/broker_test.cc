#include "app/demo/broker.h"

#include <gtest/gtest.h>

#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

struct BrokerTest : testing::Test {
  TempFolder folder;
  DemoLayout layout{folder.path()};
};

TEST_F(BrokerTest, gives_tasks_out_and_settles_them) {
  BrokerThread broker(quiet_broker(folder.path()));
  BrokerClient client(layout.broker_socket());
  EXPECT_FALSE(client.take("thumbs")) << "not connected yet";
  ASSERT_TRUE(client.connect());
  EXPECT_EQ(*client.put("thumbs", "resize", 100), 1u);
  EXPECT_EQ(*client.put("thumbs", "crop", 100), 2u);
  EXPECT_EQ(client.depth("thumbs")->ready, 2u);
  const auto task = client.take("thumbs");
  ASSERT_TRUE(task && *task);
  EXPECT_EQ((*task)->type, "resize");
  EXPECT_EQ((*task)->attempt, 1);
  EXPECT_TRUE(client.ack(1));
  EXPECT_FALSE(client.ack(1));
  EXPECT_TRUE(client.connected()) << "a refused request is no lost connection";
  ASSERT_TRUE(client.take("thumbs"));
  EXPECT_TRUE(client.nack(2));
  EXPECT_EQ((*client.take("thumbs"))->attempt, 2);
  EXPECT_FALSE(*client.take("thumbs"));
  EXPECT_TRUE(client.ping());
  EXPECT_EQ(client.depth("thumbs")->acked, 1u);
}

TEST_F(BrokerTest, delivers_the_unacked_tasks_of_a_closed_connection_again) {
  BrokerThread broker(quiet_broker(folder.path()));
  BrokerClient dying(layout.broker_socket()), other(layout.broker_socket());
  ASSERT_TRUE(dying.connect());
  ASSERT_TRUE(other.connect());
  ASSERT_TRUE(dying.put("thumbs", "resize", 100));
  ASSERT_TRUE(*dying.take("thumbs"));
  EXPECT_FALSE(*other.take("thumbs"));
  dying.close();
  EXPECT_TRUE(eventually([&] { return bool(*other.take("thumbs")); }));
}

TEST_F(BrokerTest, keeps_its_queue_when_it_is_restarted) {
  {
    BrokerThread broker(quiet_broker(folder.path()));
    BrokerClient client(layout.broker_socket());
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.put("hashes", "digest", 100));
    broker.stop();
    EXPECT_FALSE(client.ping());
    EXPECT_FALSE(client.connected());
    EXPECT_FALSE(client.connect()) << "a stopped broker refuses";
  }
  BrokerThread broker(quiet_broker(folder.path()));
  BrokerClient client(layout.broker_socket());
  ASSERT_TRUE(client.connect());
  EXPECT_EQ((*client.take("hashes"))->type, "digest");
}

TEST_F(BrokerTest, produces_until_its_target_waits) {
  auto options = quiet_broker(folder.path());
  options.produced = {{"thumbs", {"resize", "crop"}}, {"empty", {}}};
  options.tasks_per_second = 1000;
  options.ready_target = 7;
  BrokerThread broker(options);
  BrokerClient client(layout.broker_socket());
  ASSERT_TRUE(client.connect());
  EXPECT_TRUE(eventually([&] { return client.depth("thumbs")->ready == 7; }));
  EXPECT_EQ((*client.take("thumbs"))->type, "resize");
  EXPECT_EQ((*client.take("thumbs"))->type, "crop");
  EXPECT_TRUE(eventually([&] { return client.depth("thumbs")->ready == 7; }));
}

TEST_F(BrokerTest, answers_nonsense_with_an_error_and_goes_on) {
  BrokerThread broker(quiet_broker(folder.path()));
  BrokerClient client(layout.broker_socket());
  ASSERT_TRUE(client.connect());
  for (const std::string line :
       {"", " ", "shout", "put", "put thumbs resize", "put thumbs resize -1", "put THUMBS resize 5",
        "put thumbs resize 999999999999", "ack", "ack x", "nack 99999999999999999999", "ack 12"})
    EXPECT_EQ(client.call(line).error().code, Errc::invalid_argument) << line;
  EXPECT_EQ(*client.call("take no such queue"), "empty");
  EXPECT_EQ(client.depth("nothing")->ready, 0u);
  EXPECT_TRUE(client.call(std::string("take \0\xff", 7)));
  EXPECT_TRUE(client.ping());
}

TEST_F(BrokerTest, closes_a_connection_whose_line_never_ends) {
  BrokerThread broker(quiet_broker(folder.path()));
  BrokerClient endless(layout.broker_socket()), good(layout.broker_socket());
  ASSERT_TRUE(endless.connect());
  ASSERT_TRUE(good.connect());
  EXPECT_FALSE(endless.call(std::string(1 << 20, 'a')));
  EXPECT_TRUE(eventually([&] { return !endless.ping(); }));
  EXPECT_FALSE(endless.connected());
  EXPECT_TRUE(good.ping());
}

TEST_F(BrokerTest, drops_a_client_that_asks_and_never_listens) {
  BrokerThread broker(quiet_broker(folder.path()));
  const auto fd = connect_unix(layout.broker_socket());
  ASSERT_TRUE(fd);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "depth thumbs\n";
  const bool dropped = eventually([&] {
    const ssize_t sent = ::send(fd->get(), many.data(), many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 && errno != EAGAIN;
  });
  EXPECT_TRUE(dropped);
  BrokerClient good(layout.broker_socket());
  ASSERT_TRUE(good.connect());
  EXPECT_TRUE(good.ping());
}

TEST_F(BrokerTest, works_below_a_very_long_path) {
  const auto deep = folder.path() / std::string(120, 'd') / "x";
  BrokerThread broker(quiet_broker(deep));
  BrokerClient client(DemoLayout{deep}.broker_socket());
  ASSERT_TRUE(client.connect());
  EXPECT_TRUE(client.ping());
  EXPECT_FALSE(connect_unix(deep / std::string(200, 'n'))) << "no name can be that long";
}

TEST_F(BrokerTest, refuses_to_start_twice_on_one_folder) {
  BrokerThread broker(quiet_broker(folder.path()));
  const auto second = run_broker(quiet_broker(folder.path()), [] { return true; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  BrokerClient client(layout.broker_socket());
  EXPECT_TRUE(client.connect());
}

TEST_F(BrokerTest, says_when_its_socket_cannot_be_made) {
  auto options = quiet_broker(folder.path());
  options.socket = folder.path() / "missing" / "broker.sock";
  const auto served = run_broker(options, [] { return true; });
  ASSERT_FALSE(served);
  EXPECT_NE(served.error().message.find("broker.sock"), std::string::npos);
}

// A server that answers what no broker would.
TEST_F(BrokerTest, the_client_survives_a_lying_broker) {
  const auto path = folder.path() / "liar.sock";
  auto listener = listen_unix(path);
  ASSERT_TRUE(listener);
  BrokerClient client(path, 200ms);
  const auto lie = [&](const std::string& answer) {
    ASSERT_TRUE(client.connect());
    const UniqueFd peer(::accept(listener->get(), nullptr, nullptr));
    ASSERT_TRUE(peer);
    (void)!::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    const auto task = client.take("thumbs");
    EXPECT_FALSE(task);
    EXPECT_FALSE(client.connected());
  };
  lie("task one\n");
  lie("hello\n");
  lie(std::string(10'000, 'x'));
  lie("");  // no answer in time
  ASSERT_TRUE(client.connect());
  const UniqueFd peer(::accept(listener->get(), nullptr, nullptr));
  (void)!::send(peer.get(), "what\nok x\ndepth a\n", 18, MSG_NOSIGNAL);
  EXPECT_FALSE(client.ping());
}

}  // namespace
}  // namespace paramedic::demo
