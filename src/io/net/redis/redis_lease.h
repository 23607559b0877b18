// A lease on Redis that says which monitor may write below a prefix, with an epoch as fencing token: each script that
// writes checks it first. Used by the ledger and the history; layout: docs/formats/ledger-redis.md.
// Any thread; every call blocks up to its deadline. Replies are not trusted.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/net/redis/redis_client.h"

namespace paramedic {

// Who may write: a later epoch fences off all earlier ones.
struct RedisLease {
  std::uint64_t epoch = 0;
  std::string owner;   // stable over restarts of one monitor: its next life takes over at once
  std::string holder;  // for people
  Duration ttl = 15s;  // after that of silence another owner may take over
};

// Lua for scripts that write. KEYS 1–3 are lease, meta, applied of one prefix. refused(epoch, owner) is nil when this
// writer may write, else the reply to return; now_ms() is Redis's clock. Strict mode (Redis 7): refused as a whole,
// before the first write, when memory is full.
extern const char* const kRedisLeaseLua;

class RedisScript {
 public:
  explicit RedisScript(std::string text);
  // EVALSHA, and EVAL when this Redis does not know it yet.
  Result<RedisReply> run(RedisClient& client, const std::vector<std::string>& keys, std::vector<std::string> arguments,
                         Duration deadline = Duration{0}) const;

 private:
  std::string text_, sha_;
};

class RedisLeases {
 public:
  enum class Applied { done, lost };  // lost: Redis forgot the lease, and with it everything after some instant

  // Keys are prefix + "lease", "meta", "applied". `what` ("ledger") and `setting` ("ledger.redis.name") stand in
  // messages; `format` is refused when a newer one is there.
  RedisLeases(RedisClient& client, std::string prefix, std::string what, std::string setting, int format);

  // Takes the lease with an epoch over `lease.epoch` and sets it there. Errors: conflict (another monitor holds it),
  // invalid_argument (written by a newer version).
  Result<void> acquire(RedisLease& lease) const;
  Result<Applied> renew(const RedisLease& lease) const;
  Result<void> release(const RedisLease& lease) const;
  // The first word of the answer of a script that begins with refused(). Error: conflict = fenced off.
  Result<Applied> judge(const RedisReply& reply) const;

 private:
  Error strange() const;

  RedisClient& client_;
  const std::string prefix_, what_, setting_;
  const int format_;
  const std::vector<std::string> keys_;
  const RedisScript acquire_, renew_;
};

// The id in `file`, made and synced when missing: stable over restarts of this monitor, so that its next life takes
// over its lease at once. Errors: io, forbidden.
Result<std::string> lease_owner_id(const std::string& file);
// "host H, process P"
std::string lease_holder_text();

}  // namespace paramedic
