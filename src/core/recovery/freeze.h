// The freeze of one pool: when most look ill, distrust yourself. Holds stops, never starts (design section 8).
//
//   open ──cause──▶ frozen ──cause gone for freeze_thaw_after──▶ thawing 1, 2, 4 … stops ──▶ open
//                     │ ▲                                            ▲
//   broker, source    │ └── it fails: nothing for freeze_canary_every│
//   and lag fine for  ▼                                              │
//   freeze_canary_after ──▶ canary: one stop ──it is proven──────────┘
//
// A stage of the thaw is over when all its stops are proven; the next one has twice as many. The last stage is the one
// that the down cap of the pool allows. One that fails freezes again. After a proven canary the share that froze the
// pool counts no more, as long as no more workers are ill than then. Pure value; times come from the caller.
#pragma once
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "core/recovery/policy.h"

namespace paramedic {

// What a pool looks like at one instant.
struct PoolHealth {
  int size = 0;               // all not inactive
  int known = 0;              // status known
  int unknown = 0;            // size - known
  int ill = 0;                // critical with a remedy other than none
  int healthy = 0;            // known and not ill
  int turned_ill = 0;         // of the ill: turned so within freeze_burst_window
  std::string broker_down;    // its name; empty = fine
  std::string source_blind;   // its name; empty = fine
  bool monitor_lags = false;  // more than max_own_lag
};

struct FreezeState {
  enum class Phase { open, frozen, canary, thawing };
  Phase phase = Phase::open;
  std::string text;                 // why, with numbers: "4 of 9 known workers are ill (44 %, limit 40 %)"
  SteadyTime since{};               // when `phase` began
  int slots = 0;                    // stops that may begin now; canary and thawing only
  std::optional<SteadyTime> until;  // when it may change by itself, if known
  bool frozen() const { return phase != Phase::open; }
};

enum class StopOutcome { cured, failed, nothing };  // nothing: refused or overtaken, so it says nothing of the pool

class Freeze {
 public:
  // True when the phase changed.
  bool update(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now);
  // An automatic stop of this pool began, true when it is a canary; it has an outcome. update() draws the consequences.
  bool stop_began(const std::string& action_id, const RecoveryPolicy& policy, SteadyTime now);
  void stop_ended(const std::string& action_id, StopOutcome outcome);
  // A canary of the last life of the monitor that failed or has no outcome yet (`running`): its pace holds on, and
  // what it proves counts. What it had lifted is not restored: the pool is judged anew.
  void restore_canary(const std::string& action_id, SteadyTime began, bool running, const RecoveryPolicy& policy,
                      SteadyTime now);
  // Words of a canary that failed, while its failure is why the pool is still frozen; empty = none.
  const std::string& canary_failure() const { return canary_failure_; }
  const FreezeState& state() const { return state_; }

 private:
  using Phase = FreezeState::Phase;
  void enter(Phase phase, SteadyTime now);
  void thaw(int stage, SteadyTime now);
  void open(SteadyTime now);
  void freeze_again(std::string text, SteadyTime now);
  void while_frozen(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now);
  bool thaws(const PoolHealth& health, SteadyTime gone, const RecoveryPolicy& policy, SteadyTime now);
  void in_canary(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now);
  void in_thaw(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now);
  void count_slots();

  FreezeState state_;
  std::string cause_;                                  // as of the latest update(); empty = none
  std::optional<SteadyTime> gone_since_, fine_since_;  // its cause; broker, source and lag
  SteadyTime next_canary_{};
  std::string canary_failure_;
  int stage_ = 0, cured_ = 0;      // stops of this stage, and those proven
  std::set<std::string> running_;  // action ids begun in this canary or stage
  bool failed_ = false;            // one of them did
  // What a proven canary lets pass: no more ill, and no more unknown but those that are down for a restart.
  struct Tolerated {
    int ill = 0, unknown = 0;
  };
  std::optional<Tolerated> tolerated_;
};

// Why this pool must be frozen; nullopt = need not.
std::optional<std::string> freeze_cause(const PoolHealth& health, const RecoveryPolicy& policy);

}  // namespace paramedic
