#include "io/net/redis/redis_client.h"

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "io/net/redis/redis_test_support.h"

namespace paramedic {
namespace {

class RedisClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<RedisClient> open(RedisOptions options) {
    auto client = RedisClient::open(std::move(options), *log_);
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
    return client ? std::move(*client) : nullptr;
  }
  std::unique_ptr<RedisClient> open(const std::string& address) {
    return open(RedisOptions{.address = address, .timeout = kPatience});
  }
  static std::string text(const Result<RedisReply>& reply) {
    return reply ? reply->text : std::string(to_string(reply.error().code)) + ": " + reply.error().message;
  }
  std::string refusal(RedisOptions options) {
    const auto client = open(std::move(options));
    EXPECT_TRUE(eventually([&] { return client->connected() || !client->stats().problem.empty(); }));
    return client->stats().problem;
  }
  std::string file(const std::string& dir, const std::string& content) {
    const std::string path = dir + "/secret";
    std::ofstream(path) << content;
    return path;
  }

  std::unique_ptr<Logger> log_ = make_null_logger();
};

TEST_F(RedisClientTest, speaks_over_tcp_and_unix_sockets) {
  RedisServer server;
  for (const std::string& address : {server.tcp(), server.unix_socket()}) {
    const auto client = open(address);
    const std::string value("\0\r\n\xFF binary", 11);
    EXPECT_EQ(text(client->call(RedisCommand{"SET", "k", value})), "OK") << address;
    EXPECT_EQ(text(client->call(RedisCommand{"GET", "k"})), value);
    EXPECT_TRUE(client->connected());
    EXPECT_EQ(client->call(RedisCommand{"NOSUCH"}).error().code, Errc::invalid_argument);
  }
}

TEST_F(RedisClientTest, replies_of_a_pipeline_keep_their_order_across_threads) {
  RedisServer server;
  const auto client = open(server.unix_socket());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string value = std::to_string(t) + ":" + std::to_string(i);
        const auto replies =
            client->call(std::vector<RedisCommand>{{"ECHO", value}, {"NOSUCH"}, {"ECHO", "z" + value}});
        if (!replies || (*replies)[0].text != value || !(*replies)[1].is_error() || (*replies)[2].text != "z" + value)
          ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(client->stats().requests, 200u);
  EXPECT_EQ(client->stats().connects, 1u);
  EXPECT_EQ(client->stats().pending, 0u);
  EXPECT_TRUE(client->call(std::vector<RedisCommand>{})->empty());
}

TEST_F(RedisClientTest, a_coroutine_resumes_on_its_own_executor) {
  RedisServer server;
  const auto client = open(server.tcp());
  boost::asio::io_context context(1);
  std::string got;
  std::thread::id resumed_on;
  const auto body = [&]() -> boost::asio::awaitable<void> {
    std::vector<RedisCommand> commands;
    commands.push_back(RedisCommand{"ECHO", "hello"});
    const auto replies = co_await client->async_call(std::move(commands));
    got = replies ? replies->front().text : replies.error().message;
    resumed_on = std::this_thread::get_id();
  };
  boost::asio::co_spawn(context, body(), [](const std::exception_ptr&) {});
  context.run();
  EXPECT_EQ(got, "hello");
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST_F(RedisClientTest, user_password_and_database) {
  RedisServer server({"--requirepass", "s3cret pass"});
  RedisOptions options{.address = server.tcp(),
                       .password_file = file(server.dir(), "s3cret pass\n"),
                       .database = 3,
                       .timeout = kPatience};
  const auto client = open(options);
  EXPECT_EQ(text(client->call(RedisCommand{"SET", "k", "v"})), "OK");
  EXPECT_EQ(text(client->call(RedisCommand{"ACL", "SETUSER", "ann", "on", ">pw", "~*", "+@all"})), "OK");
  const auto info = client->call(RedisCommand{"CLIENT", "INFO"});
  EXPECT_NE(info->text.find("name=paramedic"), std::string::npos);
  EXPECT_NE(info->text.find("db=3"), std::string::npos);
  options.username = "ann";
  options.password_file = file(server.dir(), "pw");
  EXPECT_EQ(text(open(options)->call(RedisCommand{"GET", "k"})), "v");
  options.password_file = file(server.dir(), "wrong");
  const std::string why = refusal(options);
  EXPECT_NE(why.find("WRONGPASS"), std::string::npos) << why;
  EXPECT_EQ(why.find("wrong\n"), std::string::npos) << "a password never shows";
  options.password_file.clear();
  EXPECT_NE(refusal(options).find("NOAUTH"), std::string::npos);
  ::setenv("PARAMEDIC_REDIS_PASSWORD", "pw", 1);
  EXPECT_EQ(refusal(options), "");
  ::unsetenv("PARAMEDIC_REDIS_PASSWORD");
}

TEST_F(RedisClientTest, what_cannot_work_is_told_at_once) {
  const auto why = [&](RedisOptions options) {
    auto client = RedisClient::open(std::move(options), *log_);
    return client ? "" : client.error().message;
  };
  EXPECT_NE(why({.address = "host:port"}).find("HOST:PORT"), std::string::npos);
  EXPECT_NE(why({.password_file = "/nonexistent/p"}).find("/nonexistent/p"), std::string::npos);
  EXPECT_NE(why({.tls = true, .ca_file = "/nonexistent/ca"}).find("/nonexistent/ca"), std::string::npos);
}

TEST_F(RedisClientTest, tls_verifies_the_certificate_and_its_name) {
  char path[] = "/tmp/paramedic_tls_XXXXXX";
  const std::string dir = ::mkdtemp(path);
  for (const std::string& name : {std::string("good"), std::string("other")}) {
    pid_t pid = 0;
    ASSERT_TRUE(run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                             "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext",
                             name == "good" ? "subjectAltName=IP:127.0.0.1" : "subjectAltName=DNS:elsewhere.example",
                             "-keyout", dir + "/" + name + ".key", "-out", dir + "/" + name + ".pem"},
                            pid));
    ::waitpid(pid, nullptr, 0);
  }
  const auto start = [&](const std::string& name, std::uint16_t port) {
    return std::make_unique<RedisServer>(std::vector<std::string>{
        "--tls-port", std::to_string(port), "--tls-cert-file", dir + "/" + name + ".pem", "--tls-key-file",
        dir + "/" + name + ".key", "--tls-ca-cert-file", dir + "/" + name + ".pem", "--tls-auth-clients", "no"});
  };
  const std::uint16_t port = free_tcp_port(), other_port = free_tcp_port();
  const auto server = start("good", port), other = start("other", other_port);
  RedisOptions options{
      .address = "127.0.0.1:" + std::to_string(port), .tls = true, .ca_file = dir + "/good.pem", .timeout = kPatience};
  EXPECT_EQ(text(open(options)->call(RedisCommand{"ECHO", std::string(200'000, 'x')})), std::string(200'000, 'x'));
  options.ca_file = dir + "/other.pem";
  EXPECT_NE(refusal(options).find("certificate"), std::string::npos) << "signed by somebody else";
  options.address = "127.0.0.1:" + std::to_string(other_port);
  EXPECT_NE(refusal(options).find("certificate"), std::string::npos) << "trusted, but of another name";
  options.address = server->tcp();
  options.timeout = 100ms;
  EXPECT_NE(refusal(options), "") << "no TLS there: it waits for more";
  std::filesystem::remove_all(dir);
}

TEST_F(RedisClientTest, comes_back_when_the_server_does) {
  RedisServer server;
  const auto client =
      open(RedisOptions{.address = server.tcp(), .timeout = kPatience, .backoff_first = 10ms, .backoff_cap = 50ms});
  ASSERT_TRUE(client->wait_connected(kPatience));
  server.kill();
  Result<RedisReply> reply = RedisReply{};
  for (int i = 0; i < 1000 && reply; ++i) reply = client->call(RedisCommand{"PING"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::unavailable);
  EXPECT_NE(client->stats().problem, "");
  server.start();
  ASSERT_TRUE(client->wait_connected(kPatience));
  EXPECT_EQ(text(client->call(RedisCommand{"PING"})), "PONG");
  EXPECT_EQ(client->stats().problem, "");
  EXPECT_GE(client->stats().connects, 2u);
}

TEST_F(RedisClientTest, a_frozen_server_costs_one_deadline_and_then_nothing) {
  RedisServer server;
  const auto client = open(RedisOptions{.address = server.tcp(), .timeout = 200ms, .backoff_first = 10ms});
  ASSERT_TRUE(client->wait_connected(kPatience));
  server.signal(SIGSTOP);
  EXPECT_EQ(client->call(RedisCommand{"PING"}).error().code, Errc::timeout);
  // The kernel still accepts connections, but nobody greets: requests wait for the attempt, then are refused.
  Result<RedisReply> refused = RedisReply{};
  for (int i = 0; i < 100; ++i) refused = client->call(RedisCommand{"PING"});
  EXPECT_FALSE(refused);
  EXPECT_LE(client->stats().timeouts, 20u) << "most were refused without waiting";
  server.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return text(client->call(RedisCommand{"PING"})) == "PONG"; }));
}

TEST_F(RedisClientTest, lies_end_the_connection_and_the_next_one_works) {
  const std::vector<std::string> lies{"HTTP/1.1 400 Bad Request\r\n\r\n",
                                      "$99999999999999999999\r\n",
                                      "*2147483647\r\n",
                                      ":1\r\n:2\r\n",
                                      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
                                      std::string(3000, 'x'),
                                      "%1\r\n+a\r\n+b\r\n"};
  ScriptedServer server([&](int connection, int fd) {
    if (!ScriptedServer::greet(fd)) return;
    if (!ScriptedServer::read_until(fd, "GET")) return;
    ScriptedServer::say(fd, std::size_t(connection) < lies.size() ? lies[std::size_t(connection)] : "+fine\r\n");
    ScriptedServer::wait_end(fd);
  });
  const auto client = open(RedisOptions{.address = server.tcp(),
                                        .timeout = kPatience,
                                        .backoff_first = 1ms,
                                        .backoff_cap = 5ms,
                                        .reply_limits = {.reply_bytes = 2000}});
  for (std::size_t i = 0; i < lies.size(); ++i) {
    ASSERT_TRUE(client->wait_connected(kPatience));
    const auto reply = client->call(RedisCommand{"GET", "k"});
    if (i == 3) {
      EXPECT_EQ(reply->integer, 1) << "the second answer belongs to nobody";
      EXPECT_TRUE(eventually([&] { return client->stats().failures >= 4; }));
      continue;
    }
    ASSERT_FALSE(reply) << i;
    EXPECT_EQ(reply.error().code, Errc::unavailable) << reply.error().message;
    EXPECT_NE(reply.error().message.find("not known"), std::string::npos);
  }
  ASSERT_TRUE(client->wait_connected(kPatience));
  EXPECT_EQ(text(client->call(RedisCommand{"GET", "k"})), "fine");
}

TEST_F(RedisClientTest, half_a_reply_and_a_close) {
  ScriptedServer server([&](int connection, int fd) {
    if (!ScriptedServer::greet(fd) || !ScriptedServer::read_until(fd, "GET")) return;
    ScriptedServer::say(fd, connection == 0 ? "$10\r\nabc" : "$3\r\nabc\r\n");
    if (connection > 0) ScriptedServer::wait_end(fd);
  });
  const auto client =
      open(RedisOptions{.address = server.tcp(), .timeout = kPatience, .backoff_first = 1ms, .backoff_cap = 5ms});
  const auto lost = client->call(RedisCommand{"GET", "k"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::unavailable);
  EXPECT_EQ(text(client->call(RedisCommand{"GET", "k"})), "abc") << "waited for the next connection";
}

TEST_F(RedisClientTest, a_half_reply_then_silence_ends_by_the_deadline) {
  ScriptedServer server([&](int, int fd) {
    if (!ScriptedServer::greet(fd) || !ScriptedServer::read_until(fd, "GET")) return;
    ScriptedServer::say(fd, "$10\r\nabc");
    ScriptedServer::wait_end(fd);
  });
  const auto client = open(RedisOptions{.address = server.tcp(), .backoff_first = 1ms});
  EXPECT_EQ(client->call(RedisCommand{"GET", "k"}, 100ms).error().code, Errc::timeout);
}

TEST_F(RedisClientTest, follows_a_moved_slot_to_its_node) {
  RedisServer node;
  ScriptedServer server([&](int, int fd) {
    if (!ScriptedServer::greet(fd) || !ScriptedServer::read_until(fd, "GET")) return;
    ScriptedServer::say(fd, "-MOVED 1 " + node.tcp() + "\r\n");
    ScriptedServer::wait_end(fd);
  });
  const auto client = open(RedisOptions{.address = server.tcp(), .timeout = kPatience, .backoff_first = 1ms});
  EXPECT_EQ(client->call(RedisCommand{"GET", "k"}).error().code, Errc::unavailable);
  EXPECT_EQ(text(client->call(RedisCommand{"ECHO", "there"})), "there");
}

TEST_F(RedisClientTest, the_queue_is_bounded) {
  ScriptedServer server([&](int, int fd) {
    if (ScriptedServer::greet(fd)) ScriptedServer::wait_end(fd);
  });
  const auto client = open(RedisOptions{.address = server.tcp(), .timeout = kPatience, .max_pending = 2});
  ASSERT_TRUE(client->wait_connected(kPatience));
  std::vector<std::thread> waiting;
  std::atomic<int> unavailable = 0;
  for (int i = 0; i < 2; ++i)
    waiting.emplace_back([&] {
      unavailable += client->call(RedisCommand{"GET", "k"}, 60s).error().code == Errc::unavailable;
    });
  ASSERT_TRUE(eventually([&] { return client->stats().pending == 2; }));
  EXPECT_EQ(client->call(RedisCommand{"GET", "k"}).error().code, Errc::too_many);
  EXPECT_EQ(client->stats().refused, 1u);
  client->stop();
  for (auto& thread : waiting) thread.join();
  EXPECT_EQ(unavailable, 2) << "stop() ends what waits";
  EXPECT_EQ(client->call(RedisCommand{"GET", "k"}).error().code, Errc::unavailable);
}

TEST_F(RedisClientTest, stops_while_it_cannot_connect) {
  const auto client = open("127.0.0.1:" + std::to_string(free_tcp_port()));
  EXPECT_NE(client->wait_connected(50ms).error().message.find("127.0.0.1"), std::string::npos);
}

}  // namespace
}  // namespace paramedic
