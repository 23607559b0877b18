// A rolling restart: an operator's order to restart the workers of a pool or of the fleet, a few at a time, each proven
// before the next. Decided by core/recovery, persisted in the ledger, shown in the API. Plain values.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"

namespace paramedic {

enum class RollingState { running, paused, finished, aborted };
PARAMEDIC_ENUM_NAMES(RollingState, "running", "paused", "finished", "aborted")
inline bool is_over(RollingState s) { return s >= RollingState::finished; }

// Of one worker that the order names. lost = its restart began, and the order ended before its outcome.
enum class RollingTargetState { waiting, running, done, skipped, failed, lost };
PARAMEDIC_ENUM_NAMES(RollingTargetState, "waiting", "running", "done", "skipped", "failed", "lost")

// What was asked for.
struct RollingWish {
  std::string pool;            // empty = the whole fleet
  std::string version, host;   // only workers of these; empty = any
  int at_once = 1;             // so many at a time …
  double at_once_percent = 0;  // … or this share of the order's workers, at least one; 0 = at_once counts
  bool pause_on_failure = true;
};

// One worker of an order; a record of the ledger of its own, so that a change writes one line.
struct RollingTarget {
  std::string rolling_id, worker_id, pool;
  std::string incarnation;  // the one to be replaced: another one alive = done
  int turn = 0;             // order of the turns
  RollingTargetState state = RollingTargetState::waiting;
  std::string action_id;  // of its restart
  int tries = 0;
  WallTime at{};  // of the latest change
};

// Why a worker was skipped, or how its restart failed.
struct RollingNote {
  std::string worker_id;
  RollingTargetState state = RollingTargetState::skipped;
  std::string text;
  WallTime at{};
};
inline constexpr std::size_t kMaxRollingNotes = 50;
inline constexpr std::size_t kMaxRollingNow = 1000;  // under way at a time

struct RollingRecord {
  std::string id;
  RollingWish wish;
  RollingState state = RollingState::running;
  std::string reason, actor;
  int total = 0, done = 0, skipped = 0, failed = 0;
  std::vector<std::string> now;  // workers that are being restarted
  std::string held;              // why nobody is begun now; empty = nothing holds it
  std::string text;              // why it is paused, or how it ended
  std::string changed_by;        // who paused, resumed or aborted it: an operator, or "paramedic"
  WallTime started_at{};
  std::optional<WallTime> changed_at, ended_at;
  std::vector<RollingNote> notes;  // the latest, oldest first
};

}  // namespace paramedic
