// The history on Redis 7 or Valkey: the same rows, chunks and roll-ups as in history.db, off this machine. Threads as
// in history.h. Layout: docs/formats/history-redis.md.
//
// One monitor writes at a time: it holds a lease of its own, whose epoch every write checks; one that was fenced off
// fails with `conflict` from then on. While Redis is away or refuses, flush() fails and rows wait in the bounded
// buffer, as with a full disk; a commit is one script and may be repeated after a lost reply. Open hours are read from
// memory, all else needs Redis (unavailable).
#pragma once
#include "base/log.h"
#include "io/history/history.h"
#include "io/net/redis/redis_client.h"

namespace paramedic {

struct RedisHistoryOptions {
  HistoryOptions history;        // data_dir keeps the owner's id alone; max_bytes counts chunks
  std::string name = "default";  // all keys begin with {paramedic:<name>:history}:
  RedisOptions redis;
  Duration start_wait = 10s;   // for the first connection
  Duration lease_ttl = 15s;    // renewed by flush(), which is to be called each second
  Duration check_every = 30s;  // what Redis promises, by flush() too
};
// Errors: unavailable (Redis is not there, or a replica that takes no writes), conflict (another monitor holds it),
// unauthorized, invalid_argument (a newer version wrote it, Redis before 7), corrupt.
Result<std::unique_ptr<History>> open_redis_history(RedisHistoryOptions options, Logger& log);

}  // namespace paramedic
