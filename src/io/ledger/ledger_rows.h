// What all stores of the ledger share beside typed_ledger.h: the columns of an entry, cursors, and how far retention
// may go. Pure.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/retention.h"
#include "io/wire/ledger_json.h"
#include "model/ledger_columns.h"

namespace paramedic {

// Of ledger.db (PRAGMA user_version): how many migrations there are. docs/formats/ledger.md.
inline constexpr std::int64_t kLedgerFormat = 5;

inline constexpr int kMaxLedgerPage = 1000;

inline std::int64_t nanos(WallTime t) { return t.time_since_epoch().count(); }

// One entry as it is stored: one row per (kind, key), the latest wins. `at` = when it began (pages are ordered by it),
// `touched` = the latest write; both in Unix nanoseconds.
struct LedgerRow {
  LedgerKind kind = LedgerKind::action;
  std::string key;  // empty = only appended: the store gives it a key of its own
  std::int64_t at = 0, touched = 0;
  std::string worker, pool;
  bool open = true;  // still matters: never pruned, always loaded
  std::string body;  // JSON
};
LedgerRow make_row(const LedgerEntry& entry);

// The rows of one commit as bytes, for the spool. docs/formats/ledger-spool.md.
struct LedgerBatch {
  std::uint64_t epoch = 0, sequence = 0;  // together the id of the commit
  std::vector<LedgerRow> rows;
};
std::string encode_batch(const LedgerBatch& batch);
// Error: corrupt. Never allocates more than a small multiple of bytes.size().
Result<LedgerBatch> decode_batch(std::string_view bytes);

// Cursor "<at>-<id>" of the last item of a page: stable while new records come in at the top.
struct LedgerCursor {
  std::int64_t at = std::numeric_limits<std::int64_t>::max();
  std::int64_t id = std::numeric_limits<std::int64_t>::max();
  std::string text() const;
  // Error: invalid_argument. Empty text = before the newest.
  static Result<LedgerCursor> parse(std::string_view text);
};
// Checks cursor and limit of a query: invalid_argument.
struct LedgerQuery;
Result<LedgerCursor> check_query(const LedgerQuery& query);

// Inputs leave after 7 days, everything else after 90: two classes with a front each.
inline bool is_input_class(LedgerKind kind) { return kind == LedgerKind::input || kind == LedgerKind::death; }

// How far a retention pass may delete (base/retention.h), counted on from where the last pass ended, so that gaps
// between records are paid for too (a day at most: they may be long).
class RetentionFront {
 public:
  // Everything touched before the returned instant may go. `oldest` = the oldest record that may be deleted; none =
  // there is none.
  WallTime cutoff(std::optional<WallTime> oldest, const Now& now, Duration keep);

 private:
  std::optional<SteadyTime> last_pass_;
  std::optional<WallTime> pruned_to_;
};

}  // namespace paramedic
