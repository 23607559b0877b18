// `paramedic replay`: recorded days once more, under another configuration, beside what the old one did. Reads only;
// `history` and `ledger` are copies or at rest. One thread; blocks on the disk. docs/replay.md says what it means.
#pragma once
#include <string>
#include <vector>

#include "app/replay/compare.h"
#include "app/replay/replayed_engine.h"
#include "io/history/history.h"
#include "io/ledger/ledger.h"

namespace paramedic::replay {

// What the inputs were taken from.
enum class Evidence {
  recorded_inputs,  // data_dir/inputs, written with record: full
  history           // rows of history and the ledger's inputs: approximate
};
// What "old" is.
enum class OldSide {
  engine,  // replayed under the old configuration
  ledger   // what the monitor really did
};

struct ReplayOptions {
  const ConfiguredEngine* new_config = nullptr;  // never null
  const ConfiguredEngine* old_config = nullptr;  // null = the ledger tells what really happened
  std::string inputs_dir;                        // of the input journal; empty = there is none
  History* history = nullptr;                    // of the approximate way; null = not there
  Ledger* ledger = nullptr;                      // null = not there
  WallTime from{}, to{};                         // what begins in [from, to) is compared
  std::string build_id;                          // of this program, as the journal writes it
};

struct ReplayResult {
  Evidence evidence = Evidence::recorded_inputs;
  OldSide old_side = OldSide::ledger;
  // recorded_inputs alone: from the beginning of each run, without a hole, by this very build.
  bool exact = false;
  bool new_is_recorded = false;      // all of it was recorded under the new configuration itself
  std::vector<Span> spans;           // what was looked at, in order; whole milliseconds
  std::vector<std::string> missing;  // what the evidence does not hold
  std::vector<std::string> remarks;  // what was met: gaps, reloads, torn ends
  std::uint64_t remarks_left_out = 0;
  std::uint64_t runs = 0, steps = 0, inputs = 0, reports = 0, rows = 0, workers = 0;
  std::uint64_t brought_in = 0;         // recorded restarts that the new configuration did not order
  std::uint64_t episodes_left_out = 0;  // beyond kMaxEpisodes: the comparison is not complete
  Wishes new_wishes;
  std::optional<Wishes> old_wishes;  // OldSide::engine alone: a ledger does not hold them
  Comparison comparison;

  void remark(std::string text);
};

inline constexpr std::size_t kMaxRemarks = 50;

// From the recorded inputs. Errors: not_found (nothing recorded in this time), io, forbidden, invalid_argument (written
// by a build whose inputs look otherwise), corrupt (nothing readable).
Result<ReplayResult> replay_inputs(const ReplayOptions& options);

// From history and ledger. REQUIRES: both are there. Errors: not_found (no rows in this time), as History and Ledger.
Result<ReplayResult> replay_history(const ReplayOptions& options);

}  // namespace paramedic::replay

namespace paramedic {
PARAMEDIC_ENUM_NAMES(replay::Evidence, "recorded_inputs", "history")
PARAMEDIC_ENUM_NAMES(replay::OldSide, "engine", "ledger")
}  // namespace paramedic
