// Ledger: the durable memory of decisions. What was begun, promised, held or said survives kill -9 at any instant.
// In SQLite here; on Redis in redis_ledger.h. One conformance suite runs on both.
// Threads: open, commit, load, prune and close belong to one thread (the ledger's own; every call may block on the
// disk). The queries may be called from any thread, also while a commit runs (own read-only connection behind a mutex).
// A failed commit leaves nothing of its batch behind; the caller may repeat it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/effects.h"

namespace paramedic {

struct LedgerQuery {
  std::string worker_id;             // empty = all
  std::string pool;                  // empty = all
  bool open_only = false;            // actions still running, incidents open, alerts firing
  std::optional<WallTime> from, to;  // begun within [from, to)
  std::string cursor;                // `next` of the page before; empty = the newest page
  int limit = 100;                   // 1…1000
};
template <class T>
struct LedgerPage {
  std::vector<T> items;  // newest first
  std::string next;      // empty = this was the last page
};

struct LedgerStats {
  std::uint64_t commits = 0, entries = 0, failures = 0, pruned = 0, unreadable = 0;
  bool degraded = false;       // the latest commit failed
  bool reserve_spent = false;  // the disk is, or was a moment ago, too full to hold space in reserve
  std::uint64_t file_bytes = 0;

  // Of a shared store (Redis) only.
  bool store_away = false;  // unreachable, or it refuses: commits go to the spool on local disk
  bool fenced = false;      // another monitor took this ledger over: nothing is committed any more
  std::string problem;      // why, in words
  std::uint64_t spool_bytes = 0, spool_waiting = 0;  // commits that wait for the store
  std::uint64_t spooled = 0, replayed = 0;           // commits, since start
  std::string weaker_durability;                     // what the store does not promise, in words; empty = all
};

struct PruneResult {
  std::uint64_t deleted = 0;
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  // One durable transaction. Errors: unavailable (disk full, locked), io, corrupt: each names the file and the remedy.
  virtual Result<void> commit(std::span<const LedgerEntry> entries) = 0;
  // The latest value of each key that still matters (see LedgerState). A record that does not decode is skipped and
  // counted as unreadable: one bad row must not keep the monitor from starting.
  virtual Result<LedgerState> load(Now now) = 0;
  // Drops what ended more than the retention ago, and takes back the reserve when there is room again. Call each hour,
  // and each half minute while stats().reserve_spent.
  virtual Result<PruneResult> prune(Now now) = 0;

  virtual Result<LedgerPage<ActionRecord>> actions(const LedgerQuery& query) = 0;
  virtual Result<LedgerPage<Incident>> incidents(const LedgerQuery& query) = 0;
  virtual Result<LedgerPage<Alert>> alerts(const LedgerQuery& query) = 0;
  virtual Result<LedgerPage<AuditRecord>> audit(const LedgerQuery& query) = 0;
  // Inputs that were no samples, of all kinds in one order: exits, sources, brokers, commands, outcomes. 7 days.
  virtual Result<LedgerPage<InputRecord>> inputs(const LedgerQuery& query) = 0;
  // The outbox: each message and what became of it. `open_only` = those still under way.
  virtual Result<LedgerPage<NotificationRecord>> notifications(const LedgerQuery& query) = 0;
  virtual Result<LedgerPage<Silence>> silences(const LedgerQuery& query) = 0;
  virtual Result<LedgerPage<Acknowledgement>> acknowledgements(const LedgerQuery& query) = 0;
  virtual Result<std::optional<Incident>> incident(std::string_view id) = 0;
  virtual Result<std::optional<ActionRecord>> action(std::string_view id) = 0;
  virtual LedgerStats stats() const = 0;  // any thread
};

struct LedgerOptions {
  std::string data_dir;                           // ledger.db, ledger.reserve and the lock file live here
  Duration retention = 24h * 90;                  // of what has ended
  Duration input_retention = 24h * 7;             // of the inputs
  std::uint64_t reserve_bytes = 4 * 1024 * 1024;  // freed when the disk is full, so that decisions still commit
  std::uint64_t max_pages = 0;                    // tests only: PRAGMA max_page_count; 0 = unlimited
};
// Creates the directory and file when missing, takes the lock of the data directory, migrates an older file.
// Errors: conflict (another monitor runs on it), forbidden, corrupt, invalid_argument (a newer version wrote it).
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const LedgerOptions& options);

}  // namespace paramedic
