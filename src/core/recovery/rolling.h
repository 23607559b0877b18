// The rules of a rolling restart: whose turn it is, and whether that worker may be restarted now. Pure functions of
// plain values; recovery_rolling.cc keeps the values and does what is said here.
//
// A person ordered it: mode, budgets and quarantine-by-count of automatic stops do not count. What protects the pool
// does: freeze, down cap, last healthy worker, big switch, own lag, a young monitor, a ledger that cannot commit.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/recovery/governor.h"
#include "model/rolling.h"

namespace paramedic {

inline constexpr std::size_t kMaxOpenRollings = 16;
inline constexpr std::size_t kKeptRollings = 50;
inline constexpr Duration kRollingLook = 1s;         // a held order looks again so often
inline constexpr Duration kRollingAgentAway = 5min;  // then the workers of absent agents are left out
inline constexpr int kRollingTries = 2;  // a restart that was overtaken by something else is tried once more

// One worker as it is now.
struct RollingWorker {
  bool known = false;  // it has not been forgotten
  bool seen = false;   // heard of in this life of the monitor
  std::string incarnation;
  bool inactive = false, dead = false;
  bool busy = false;  // another remedy runs, or the proof of an earlier one
  bool ill = false;
  bool healthy = false;  // known and not ill
  bool own_maintenance = false;
  std::string pool_maintenance;  // of its pool or the fleet: "pool/p"; empty = none
  bool quarantined = false;
  std::string quarantine_reason;
  std::string told_to_wait;  // its executor said "not now" and is not asked again yet: its words; empty = free
  bool announced_stop = false, can_restart = false, source_connected = false;
};

// Its pool as it is now.
struct RollingPool {
  std::string name;
  int size = 0, healthy = 0;
  int down = 0, down_allowed = 1;  // through us
  bool allow_last = false;
  std::string frozen;  // why; empty = open
};

enum class RollingTurn {
  go,    // restart it now
  wait,  // not now; the others may go
  away,  // as wait: its agent is away
  done,  // it lives anew since the order began
  skip   // it is left out
};
struct RollingJudgement {
  RollingTurn turn = RollingTurn::go;
  std::string text;  // why, in words; empty for go
};
RollingJudgement judge_turn(const RollingTarget& target, const RollingWorker& worker, const RollingPool& pool);

// What holds the whole order; nullopt = nothing.
std::optional<std::string> rolling_hold(const GovernorFleet& fleet, const RecoveryPolicy& policy, const Now& now);

// How many may be under way at a time, out of `total`.
int rolling_at_once(const RollingWish& wish, int total);

// A worker for an order that begins.
struct RollingCandidate {
  std::string worker_id, pool, incarnation;
  bool ill = false;
  WallTime started_at{};
};
// Ill ones first, then the oldest incarnation, then by id.
std::vector<RollingTarget> rolling_targets(const std::string& rolling_id, std::vector<RollingCandidate> workers,
                                           WallTime now);

// Why an order for `pool` (empty = the fleet) cannot begin beside `open` ones; nullopt = it can.
std::optional<std::string> rolling_conflict(const std::vector<const RollingRecord*>& open, const std::string& pool);

// "pool thumbs", "the fleet"
std::string rolling_scope(const RollingWish& wish);
// "10 done, 1 skipped, 1 failed of 12"
std::string rolling_counts(const RollingRecord& record);
// Counts the end of a target's part in the record, with a note for what went not as ordered.
void rolling_count(RollingRecord& record, const RollingTarget& target, std::string text, WallTime now);

}  // namespace paramedic
