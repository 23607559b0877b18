// How remedies run in one pool. Every number of design section 8 is a key of `recovery:` (per pool over the defaults);
// docs/recovery.md explains them in operators' words. A plain value.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "core/recovery/backoff.h"
#include "model/remedy.h"

namespace paramedic {

struct RecoveryPolicy {
  // auto | approve | shadow | off. Not given: auto for workers of an agent, shadow for all others.
  std::optional<RecoveryMode> mode;

  // Stops (they end a living process).
  int stops_per_worker = 3;  // in any sliding stops_window; one more wanted quarantines the worker instead
  Duration stops_window = 30min;
  double down_share_percent = 10;    // of a pool down through us at once: max(1, floor(share))
  Duration stop_interval = 10s;      // between two stops of a pool
  double hourly_share_percent = 20;  // of a pool stopped per hour: max(hourly_min, floor(share))
  int hourly_min = 5;
  bool allow_last = false;            // may stop the last healthy worker of a pool
  Duration settle = 2s;               // a wish to stop must hold for so long: a shared cause shows itself first
  Duration max_own_lag = 1s;          // no stop while the monitor itself lags more
  Duration young_monitor = 60s;       // no stop in the first minute of the monitor
  Duration quarantine_retry = 1h;     // one retry of a quarantined worker per this, ± jitter
  Duration pool_of_one_stall = 300s;  // a stalled queue restarts the only worker of its pool after this

  // Freeze (stops only).
  double freeze_unknown_percent = 40;  // more of a pool unknown
  double freeze_ill_percent = 40;      // more of the known ill (pools of freeze_min_pool known or more)
  double freeze_burst_percent = 50;    // so many of the known turned ill within freeze_burst_window
  Duration freeze_burst_window = 60s;
  int freeze_min_pool = 5;
  Duration freeze_thaw_after = 60s;      // without a cause, until the first stage of the thaw
  Duration freeze_canary_after = 5min;   // frozen while broker, source and lag are fine, until one stop is tried
  Duration freeze_canary_every = 30min;  // from the start of a canary that failed to the next

  // Ladder.
  Duration diagnostics = 10s;  // for the worker's diagnostics hook, if it has one; 0 = it is not asked
  Duration drain = 30s;        // let running tasks finish
  Duration max_drain = 5min;   // while they progress
  Duration term_grace = 30s;   // TERM, then KILL
  Duration no_outcome = 60s;   // a remedy that tells nothing so long after its deadlines failed

  // Planned recycle (core/recovery/recycle.h): drain and restart of workers that are well. 0 = never.
  Duration recycle_age{};            // of an incarnation
  int recycle_tasks = 0;             // finished by an incarnation
  Duration recycle_leak_ahead = 1h;  // before a forecast says that its memory is full
  double recycle_leak_percent = 80;  // probability from which a forecast counts
  double recycle_load_percent = 50;  // only while no more of the pool's slots work …
  Duration recycle_wait = 2h;        // … for so long; then it is done all the same

  // Proof of the cure.
  Duration verify_grace = 60s;         // until the new incarnation reports
  Duration verify_grace_model = 300s;  // when it loads a model
  Duration verify_proof = 120s;        // until it takes a task, passes a smoke check or is idle with an empty queue
  Duration verify_alive = 60s;         // where none of these can be known: alive so long without a critical finding

  // Starts.
  BackoffPolicy backoff;
  std::vector<int> no_restart_exit_codes = {0};  // these exits mean stopped, not crashed
  int mass_death_host = 3;                       // more deaths on a host within mass_death_window …
  double mass_death_pool_percent = 10;           // … or of a pool: each start gets 0–10 s of jitter
  Duration mass_death_window = 10s;

  // Of a worker; `by_agent` = its source is an agent.
  RecoveryMode mode_for(bool by_agent) const {
    return mode.value_or(by_agent ? RecoveryMode::automatic : RecoveryMode::shadow);
  }
  int down_allowed(int pool_size) const;
  int hourly_allowed(int pool_size) const;
  bool operator==(const RecoveryPolicy&) const = default;
};

// Reads the map `node` (null = all defaults); adds a Problem for each key that is unknown, malformed or out of range
// and for contradictions between keys. `path` names it in problems: "pools.thumbs.recovery".
RecoveryPolicy parse_recovery_policy(const Params* node, std::string path, Problems& problems);

// The policy of each pool. Pools that are not named have the defaults.
struct RecoveryPolicies {
  RecoveryPolicy defaults;
  std::map<std::string, RecoveryPolicy, std::less<>> pools;
  const RecoveryPolicy& of(std::string_view pool) const {
    const auto it = pools.find(pool);
    return it == pools.end() ? defaults : it->second;
  }
};

}  // namespace paramedic
