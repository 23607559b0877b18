// What a ledger keeps a record by, whatever its store: its key, what it is looked up by, and whether it still matters.
// Pure, any thread.
#pragma once
#include <string>

#include "model/effects.h"

namespace paramedic {

// How far a start looks back upon what is over (LedgerState).
inline constexpr Duration kBudgetWindow = 2h;      // budgets, actions, what was cleared, messages
inline constexpr Duration kDeathWindow = 24h * 7;  // the longest that poison tasks are looked for
inline constexpr Duration kRollingWindow = 24h * 30;

// One row per (kind, key), the latest wins.
struct LedgerColumns {
  std::string key;  // empty = only appended
  std::string worker, pool;
  WallTime at{};     // when it began
  bool open = true;  // still matters: never pruned, always loaded
};
LedgerColumns ledger_columns(const LedgerBody& body);

}  // namespace paramedic
