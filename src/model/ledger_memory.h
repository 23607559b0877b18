// LedgerMemory: what a ledger gives back at the next start, kept in memory: for simulated restarts of the monitor and
// for tests. Says the same as Ledger::load() of io/ledger (ledger_memory_test there). One thread.
#pragma once
#include <cstdint>
#include <map>
#include <span>

#include "model/ledger_columns.h"

namespace paramedic {

class LedgerMemory {
 public:
  void commit(std::span<const LedgerEntry> entries);
  // REQUIRES: `now` does not go back.
  LedgerState load(WallTime now) const;
  // Drops what no later load() would give back.
  void prune(WallTime now);

 private:
  struct Row {
    WallTime at{}, touched{};
    std::uint64_t number = 0;  // of the first record of its key
    bool open = true;
    LedgerBody body;
  };
  static bool loaded(const Row& row, WallTime now);

  std::map<std::pair<std::size_t, std::string>, Row> rows_;  // by kind and key
  std::uint64_t next_ = 0;
};

}  // namespace paramedic
