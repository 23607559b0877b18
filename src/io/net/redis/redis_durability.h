// What a Redis promises about what it acknowledged, as far as it tells: append-only file, eviction, replicas, and
// whether it is a master at all. docs/redis.md has the list with remedies.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/log.h"
#include "io/net/redis/redis_client.h"

namespace paramedic {

struct RedisDurability {
  std::string version;     // empty = not told
  std::string replica_of;  // HOST:PORT of its master; empty = it is a master
  bool read_only = false;  // a replica that takes no writes
  std::string weaker;      // what it does not promise, each with its remedy; empty = nothing is missing
};
// From the text of INFO and the value of appendfsync. What may not be asked is told as such. Pure.
RedisDurability judge_durability(const Result<std::string>& info, const Result<std::string>& appendfsync);
// Error: unavailable, timeout (not reached). A command that is forbidden is none.
Result<RedisDurability> redis_durability(RedisClient& client);

// The value of `name` in the text of INFO, at most 200 bytes of it; empty when it is not there.
std::string_view redis_info_field(std::string_view info, std::string_view name);

// RedisPromises: the judgement for one store, kept up to date. Changes are logged once.
// Threads: weaker() and note_lost() any; all else one thread at a time.
class RedisPromises {
 public:
  // `what` ("ledger") and `setting` ("ledger.redis.address") stand in messages. All outlive it.
  RedisPromises(RedisClient& client, Logger& log, std::string what, std::string setting, Duration every);

  // Errors: unavailable (not reached, or a replica that takes no writes), invalid_argument (older than Redis 7).
  Result<void> check_at_start();
  // Asks again when the time has come, or the connection is a new one: it may lead to another server.
  void check_when_due();
  // Redis lost what it had acknowledged: told from now on.
  void note_lost();
  std::string weaker() const;

 private:
  Result<RedisDurability> check();

  RedisClient& client_;
  Logger& log_;
  const std::string what_, setting_;
  const Duration every_;
  std::chrono::steady_clock::time_point next_{};
  std::uint64_t connection_ = 0;  // the one that was asked

  mutable std::mutex mutex_;  // guards the two texts
  std::string weaker_, lost_;
};

}  // namespace paramedic
