// RedisStore: the ledger's records on Redis as plain operations, each of them one command or one script. Knows the
// layout (docs/formats/ledger-redis.md), keeps no state but the lease. Internal to io/ledger.
// Any thread; every call blocks up to its deadline. Replies are not trusted.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/ledger/ledger_rows.h"
#include "io/net/redis/redis_lease.h"

namespace paramedic {

inline constexpr int kRedisLedgerFormat = 1;

struct StoredRow {
  std::int64_t id = 0, at = 0, touched = 0;
  bool open = false;
  std::string worker, pool, body;
};
// Error: corrupt.
Result<StoredRow> parse_stored_row(std::string_view value);

// A range of the index as ZRANGEBYLEX takes it: "[member" with it, "(member" without it.
struct IndexRange {
  std::string low, high;
};
enum class IndexFamily : char { all = 'a', open = 'o', closed = 'c', worker = 'w' };
// `prefix` of one family and kind; the worker family needs the worker.
std::string index_prefix(IndexFamily family, LedgerKind kind, std::string_view worker = {});
// Twenty digits that sort like the number, and back.
std::string sortable(std::int64_t number);
std::optional<std::int64_t> parse_sortable(std::string_view digits);
// The latest write that a member of family closed tells; nothing when it is none.
std::optional<WallTime> touched_in(std::string_view member);

class RedisStore {
 public:
  using Applied = RedisLeases::Applied;

  RedisStore(RedisClient& client, std::string_view name);

  const RedisLeases& leases() const { return leases_; }
  // Idempotent by the id of the batch. Error: conflict = fenced off.
  Result<Applied> commit(const RedisLease& lease, const LedgerBatch& batch, bool older_loses);
  // Removes what these members (family closed) lead to; returns how many records went.
  Result<std::uint64_t> remove(const RedisLease& lease, const std::vector<std::string>& members);

  // Up to `count` of the range, in order. Error: corrupt (something else than that came).
  Result<std::vector<std::string>> members(const IndexRange& range, bool newest_first, int count);
  // The record of each member of the index below `prefix`; nothing where it went meanwhile or does not decode (counted
  // in `unreadable`).
  Result<std::vector<std::optional<StoredRow>>> rows(const std::vector<std::string>& members, std::string_view prefix,
                                                     std::uint64_t& unreadable);
  Result<std::optional<StoredRow>> row(LedgerKind kind, std::string_view key);

 private:
  RedisClient& client_;
  const std::string prefix_;  // "{paramedic:<name>}:"
  const RedisLeases leases_;
  std::vector<std::string> keys_;
  const RedisScript commit_, remove_;
};

}  // namespace paramedic
