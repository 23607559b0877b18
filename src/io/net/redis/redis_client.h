// RedisClient: one connection to Redis 7 or Valkey, kept up by a thread of its own. Commands of any thread are
// pipelined on it in the order in which they came.
// Threads: all members from any thread; call() blocks (never from the client's own thread: completions run there).
//
// Every request has a deadline and ends exactly once: with its replies, or with an Error. A request that was sent when
// the connection broke ends with `unavailable` (or `timeout`): it may or may not have been performed, and is never
// sent again by itself; one that was not sent yet goes to the next connection. A late reply means that the server is
// stuck: the connection is given up. While the latest attempt to connect failed, requests are refused at once with its
// reason; attempts follow with backoff and jitter.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "io/net/redis/redis_reply.h"

namespace paramedic {

inline constexpr std::string_view kRedisPort = "6379";

struct RedisOptions {
  std::string address = "127.0.0.1:6379";  // or "unix:/path"
  bool tls = false;                        // the server's certificate and its name are verified
  std::string ca_file;                     // empty = the system's certificates
  std::string username;                    // empty = the default user
  // Read at each connect, so that a new password needs no restart. Empty: that of the environment, if set.
  std::string password_file;
  std::string password_variable = "PARAMEDIC_REDIS_PASSWORD";  // empty = none
  int database = 0;
  std::string client_name = "paramedic";  // seen in CLIENT LIST
  Duration timeout = 2s;                  // of a request; also of connecting, handshakes included
  Duration backoff_first = 100ms;
  Duration backoff_cap = 5s;  // ± 25 % jitter
  std::size_t max_pending = 1024;
  std::size_t max_pending_bytes = 128u << 20;
  RedisReplyLimits reply_limits;
};

struct RedisClientStats {
  bool connected = false;
  std::uint64_t connects = 0, failures = 0;  // failures: attempts that failed and connections that broke
  std::uint64_t requests = 0, timeouts = 0, refused = 0;
  std::size_t pending = 0;
  std::string problem;  // why it is not connected; empty while connected and before the first attempt ended
};

class RedisClient {
 public:
  using Replies = Result<std::vector<RedisReply>>;
  using Done = std::function<void(Replies)>;

  // Begins to connect. Errors: invalid_argument (address, unreadable CA or password file).
  static Result<std::unique_ptr<RedisClient>> open(RedisOptions options, Logger& log);
  ~RedisClient();  // stop()
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // One reply per command, error replies among them. `deadline` 0 = options.timeout.
  Replies call(std::vector<RedisCommand> commands, Duration deadline = Duration{0});
  // Of a single command; an error reply becomes an Error (redis_error).
  Result<RedisReply> call(RedisCommand command, Duration deadline = Duration{0});
  // The same inside a coroutine; resumes on its executor. A cancelled caller still waits for the end of its request.
  boost::asio::awaitable<Replies> async_call(std::vector<RedisCommand> commands, Duration deadline = Duration{0});

  // Waits until connected; the reason of the latest failure when that takes longer.
  Result<void> wait_connected(Duration longest);
  bool connected() const;
  Duration timeout() const;  // that of the options
  RedisClientStats stats() const;
  // Ends all requests with unavailable and joins. Repeatable.
  void stop();

 private:
  class Impl;
  explicit RedisClient(std::unique_ptr<Impl> impl);
  void submit(std::vector<RedisCommand> commands, Duration deadline, Done done);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
