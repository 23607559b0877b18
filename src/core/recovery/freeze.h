// The freeze of one pool: when most look ill, distrust yourself. Holds stops, never starts.
// States: open, frozen. In this step a freeze holds exactly while its condition holds; canary and staged thaw become
// further states of this class (update() is the only transition function, and it alone reads the clock it is given).
// Pure value.
#pragma once
#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"
#include "core/recovery/policy.h"

namespace paramedic {

// What a pool looks like at one instant.
struct PoolHealth {
  int size = 0;              // all not inactive
  int known = 0;             // status known
  int unknown = 0;           // size - known
  int ill = 0;               // critical with a remedy other than none
  int healthy = 0;           // known and not ill
  int turned_ill = 0;        // of the ill: turned so within freeze_burst_window
  std::string broker_down;   // its name; empty = fine
  std::string source_blind;  // its name; empty = fine
};

struct FreezeState {
  enum class Phase { open, frozen };
  Phase phase = Phase::open;
  std::string text;    // why, with numbers: "4 of 9 known workers are ill (44 %, limit 40 %)"
  SteadyTime since{};  // when `phase` began
  bool frozen() const { return phase != Phase::open; }
};

class Freeze {
 public:
  // True when the phase changed.
  bool update(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now);
  const FreezeState& state() const { return state_; }

 private:
  FreezeState state_;
};

// Why this pool must be frozen; nullopt = need not.
std::optional<std::string> freeze_cause(const PoolHealth& health, const RecoveryPolicy& policy);

}  // namespace paramedic
