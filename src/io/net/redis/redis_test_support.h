// For tests: a real redis-server of one's own, a server that says exactly what a script tells it, and a proxy that
// breaks connections.
#pragma once
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/net/eventually.h"
#include "io/net/redis/redis_client.h"

namespace paramedic {

// Below the ports that the kernel gives to outgoing connections: one of those would keep a server from coming back to
// its own.
inline std::uint16_t free_tcp_port() {
  static std::minstd_rand random{std::random_device{}()};
  for (int i = 0; i < 1000; ++i) {
    const auto port = std::uint16_t(12'000 + random() % 20'000);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (free) return port;
  }
  ADD_FAILURE() << "no free port";
  return 0;
}

// For tests in which no deadline is to pass: a fsync of a busy disk takes seconds now and then.
inline constexpr Duration kPatience = std::chrono::seconds(60);

inline bool run_program(std::vector<std::string> arguments, pid_t& pid) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0;
}

// Listens on 127.0.0.1 and on a unix socket in its own folder below /tmp; AOF with fsync at each write, as the ledger
// wants it. Ended by pid.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> more = {}) : more_(std::move(more)) {
    char path[] = "/tmp/paramedic_redis_XXXXXX";
    dir_ = ::mkdtemp(path);
    // Another program may take the free port first.
    bool up = false;
    for (int i = 0; i < 5 && !up; ++i) {
      port_ = free_tcp_port();
      up = run();
    }
    EXPECT_TRUE(up) << "redis-server does not start; is it there? ./dev setup test";
  }
  ~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // Again, on the same port and data.
  void start() { ASSERT_TRUE(run()); }
  void kill(int how = SIGKILL) {
    if (pid_ <= 0) return;
    ::kill(pid_, how);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void signal(int number) { ::kill(pid_, number); }

  std::string tcp() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string unix_socket() const { return "unix:" + dir_ + "/s"; }
  const std::string& dir() const { return dir_; }
  // By a connection of its own.
  Result<RedisReply> call(RedisCommand command) const {
    const auto log = make_null_logger();
    auto client = RedisClient::open({.address = unix_socket(), .timeout = kPatience}, *log);
    return (*client)->call(std::move(command));
  }

 private:
  bool run() {
    // Dies with the test, should that crash.
    std::vector<std::string> arguments{"setpriv",       "--pdeathsig",
                                       "KILL",          "redis-server",
                                       "--port",        std::to_string(port_),
                                       "--bind",        "127.0.0.1",
                                       "--unixsocket",  dir_ + "/s",
                                       "--dir",         dir_,
                                       "--save",        "",
                                       "--appendonly",  "yes",
                                       "--appendfsync", "always",
                                       "--daemonize",   "no"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    if (!run_program(arguments, pid_)) return false;
    for (int i = 0; i < 2000; ++i) {
      if (answers()) return true;
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    pid_ = 0;
    return false;
  }
  // Whether it has loaded its data and replies, with or without a password.
  bool answers() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (dir_ + "/s").copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string got(64, '\0');
    const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                           ::send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6;
    const ssize_t count = connected ? ::recv(fd, got.data(), got.size(), 0) : 0;
    ::close(fd);
    got.resize(count > 0 ? std::size_t(count) : 0);
    return got.starts_with("+PONG") || got.starts_with("-NOAUTH");
  }

  std::vector<std::string> more_;
  std::string dir_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

// One for all tests of a process.
inline RedisServer& shared_redis() {
  static RedisServer server;
  return server;
}

// One node that owns all slots: it refuses whatever touches two of them.
inline RedisServer& shared_redis_cluster() {
  // Its bus would take port + 10 000, which may not exist.
  static RedisServer server({"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_tcp_port())});
  static const bool ready = [] {
    EXPECT_TRUE(server.call({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}));
    return eventually([] { return server.call({"GET", "x"}).has_value(); });
  }();
  EXPECT_TRUE(ready) << "the cluster never came up";
  return server;
}

// One thread; connection number i is given to `script(i, fd)` and closed when it returns.
class ScriptedServer {
 public:
  using Script = std::function<void(int connection, int fd)>;
  explicit ScriptedServer(Script script) : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string tcp() const { return "127.0.0.1:" + std::to_string(port_); }

  // Reads until `mark` has come; false at the end. `greet` answers the client's first commands.
  static bool read_until(int fd, std::string_view mark) {
    std::string got;
    char buffer[4096];
    while (got.find(mark) == got.npos) {
      const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      got.append(buffer, std::size_t(count));
    }
    return true;
  }
  static void say(int fd, std::string_view bytes) { (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  static bool greet(int fd) {
    if (!read_until(fd, "PING\r\n")) return false;
    say(fd, "+OK\r\n+PONG\r\n");
    return true;
  }
  // Until the client closes.
  static void wait_end(int fd) { read_until(fd, "\x01never\x02"); }

 private:
  void serve() {
    for (int i = 0;; ++i) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const timeval patience{.tv_sec = 10, .tv_usec = 0};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      script_(i, fd);
      ::close(fd);
    }
  }
  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Stands between clients and a server's unix socket; on request it swallows the next reply and breaks that connection.
class RedisProxy {
 public:
  explicit RedisProxy(const RedisServer& target)
      : target_(target.dir() + "/s"), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept(); });
  }
  // REQUIRES: its clients are gone.
  ~RedisProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (auto& pump : pumps_) pump.join();
    ::close(listener_);
  }
  std::string tcp() const { return "127.0.0.1:" + std::to_string(port_); }
  void swallow_next_reply() { swallow_ = true; }
  bool swallowed() const { return !swallow_; }

 private:
  void accept() {
    for (int fd; (fd = ::accept(listener_, nullptr, nullptr)) >= 0;) pumps_.emplace_back([this, fd] { pump(fd); });
  }
  void pump(int client) {
    const int upstream = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    target_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(upstream, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      while (move(client, upstream)) {
      }
    }
    ::close(upstream);
    ::close(client);
  }
  bool move(int client, int upstream) {
    pollfd both[2] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
    if (::poll(both, 2, -1) <= 0) return false;
    char buffer[65536];
    for (int i = 0; i < 2; ++i) {
      if (!both[i].revents) continue;
      const ssize_t count = ::recv(both[i].fd, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      if (i == 1 && swallow_.exchange(false)) return false;
      ScriptedServer::say(both[1 - i].fd, std::string_view(buffer, std::size_t(count)));
    }
    return true;
  }
  std::string target_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> swallow_ = false;
  std::vector<std::thread> pumps_;  // thread accepting_, and after its end
  std::thread accepting_;
};

}  // namespace paramedic
