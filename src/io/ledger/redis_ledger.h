// The ledger on Redis 7 or Valkey: shared, and off this machine. Threads as in ledger.h; a thread of its own keeps the
// lease, takes the spool to Redis and watches what Redis promises.
//
// One monitor writes at a time: it holds a lease whose epoch every script checks. Another one that takes over (after 15
// s of silence) fences it off: commit() fails with `conflict` from then on. While Redis is away or refuses, commits go
// to a spool on local disk and are acknowledged from there; they reach Redis in order, each once, when it is back.
// Queries and load() need Redis (unavailable). When the spool is full too, commit() fails. In the one case of a lost
// reply with a full spool, what was reported as failed may have been written: its audit and budget records may then
// stand twice.
#pragma once
#include <memory>
#include <string>

#include "base/log.h"
#include "io/ledger/ledger.h"
#include "io/net/redis/redis_client.h"

namespace paramedic {

struct RedisLedgerOptions {
  std::string data_dir;          // the spool, the owner's id and the lock file live here
  std::string name = "default";  // all keys begin with {paramedic:<name>}:
  RedisOptions redis;
  Duration retention = 24h * 90;
  Duration input_retention = 24h * 7;
  std::uint64_t spool_max_bytes = 64u << 20;
  Duration start_wait = 10s;  // for the first connection
  Duration lease_ttl = 15s;
  Duration tick = 250ms;       // of the keeper thread
  Duration check_every = 30s;  // what Redis promises
};
// Takes the lease and brings what a former life left in the spool to Redis. Errors: unavailable (Redis is not there, or
// a replica that takes no writes; a monitor that does not know its budgets does not start), conflict (another monitor
// holds the ledger, or this data directory), unauthorized, invalid_argument (a newer version wrote it, Redis before 7),
// corrupt (the spool).
Result<std::unique_ptr<Ledger>> open_redis_ledger(RedisLedgerOptions options, Logger& log);

}  // namespace paramedic
