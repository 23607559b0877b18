// RedisReader: what is read of the ledger on Redis, as bodies: all that is open, pages, how old the oldest is. Over
// RedisStore. Internal to io/ledger. Any thread; blocks. What Redis answers is not trusted: its memory is bounded.
#pragma once
#include <atomic>
#include <functional>

#include "io/ledger/ledger.h"
#include "io/ledger/redis_store.h"

namespace paramedic {

class RedisReader {
 public:
  // Records without a readable head are counted in `unreadable`. Both outlive it.
  RedisReader(RedisStore& store, std::atomic<std::uint64_t>& unreadable) : store_(store), unreadable_(unreadable) {}

  // As TypedLedger::each_body and page_of. Error: too_large (more than any ledger holds, or a filter that finds
  // little).
  Result<void> each_body(LedgerKind kind, bool open_only, WallTime since,
                         const std::function<void(std::string_view)>& each);
  Result<LedgerPage<std::string>> page(LedgerKind kind, const LedgerQuery& query, const LedgerCursor& from);
  // The latest write of the closed record of its class (of inputs, or of all else) that was touched longest ago.
  Result<std::optional<WallTime>> oldest_closed(bool inputs);

 private:
  Result<void> collect(const std::string& prefix, const std::string& from, std::vector<StoredRow>& out,
                       std::size_t& bytes);

  RedisStore& store_;
  std::atomic<std::uint64_t>& unreadable_;
};

}  // namespace paramedic
