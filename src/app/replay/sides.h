// The two sides of a replay, stepped together. Internal to app/replay; one thread.
#pragma once
#include "app/replay/replay.h"

namespace paramedic::replay {

class Sides {
 public:
  explicit Sides(const ReplayOptions& options);

  void begin_run(const LedgerState& state, const std::string& recorded_hash, const Now& now);
  void restore_analysis(const std::string& name, const std::string& bytes, const Now& now);
  void reload(const std::string& recorded_hash, const Now& now);
  // Moves from `inputs`.
  void step(std::vector<Input>& inputs, Duration oldest_wait, const Now& now);

  // Ends both, compares over out.spans and fills what the sides know. Errors as Ledger's queries.
  Result<void> finish(ReplayResult& out);

 private:
  const ReplayOptions& options_;
  ReplayedEngine new_side_;
  std::optional<ReplayedEngine> old_side_;
  std::vector<Input> copy_;
};

}  // namespace paramedic::replay
