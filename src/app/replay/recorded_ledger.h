// What a ledger tells of the past: what a monitor really decided, and the inputs that were no samples, in the order of
// time. One thread; blocks on the disk.
#pragma once
#include <deque>
#include <optional>
#include <span>

#include "app/replay/tally.h"
#include "io/ledger/ledger.h"

namespace paramedic::replay {

// Alerts, incidents and restarts that began within the spans.
Result<void> tally_ledger(Ledger& ledger, std::span<const Span> spans, Tally& out);

// Exits, source and broker states, commands, outcomes and starts by agents of [from, to), oldest first. The ledger
// keeps them for 7 days. In memory: those of one hour.
class RecordedEvents {
 public:
  RecordedEvents(Ledger& ledger, WallTime from, WallTime to) : ledger_(ledger), at_(from), to_(to) {}

  // The next one that came before `until`; nothing when there is none. Errors as Ledger::inputs.
  Result<std::optional<InputRecord>> next_before(WallTime until);

 private:
  Result<void> read_window();

  Ledger& ledger_;
  WallTime at_, to_;
  std::deque<InputRecord> ready_;
};

}  // namespace paramedic::replay
