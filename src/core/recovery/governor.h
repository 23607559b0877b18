// The brakes: may this remedy run now? Pure functions of plain values; core/recovery keeps the values.
// Stops can take capacity away and have every brake; starts can only add some and are never refused for share, freeze
// or hourly cap. Each refusal says why in words with numbers and, where it is known, until when.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/recovery/cause_hold.h"
#include "core/recovery/freeze.h"
#include "core/recovery/policy.h"
#include "model/remedy.h"
#include "model/report.h"

namespace paramedic {

// Times of what was done, for "at most n in any sliding window". Ascending; forgets what is older than two hours.
class BudgetWindow {
 public:
  void add(SteadyTime at);
  // How many lie in (now - window, now].
  int used(SteadyTime now, Duration window) const;
  // When used() falls below `allowed`; now when it is already.
  SteadyTime next(SteadyTime now, Duration window, int allowed) const;
  std::optional<SteadyTime> last() const;
  // Takes one back: what was asked for did not happen. No effect when it is not (or no more) counted.
  void take_back(SteadyTime at);
  void clear() { times_.clear(); }
  bool empty() const { return times_.empty(); }

 private:
  std::vector<SteadyTime> times_;  // a vector: an empty deque costs 600 bytes, per worker
};

struct Quarantine {
  bool on = false;
  bool by_operator = false;
  std::string reason;
  SteadyTime since{};
  SteadyTime next_retry{};  // automatic quarantine: when the next stop may be tried
};

// What an executor asked said "not now" (a disruption budget): nothing was done, and it is not asked before `until`.
struct ExecutorHold {
  std::string words;  // of who holds it
  SteadyTime until{};
  int times = 0;  // in a row
};

struct GovernorFleet {
  bool big_switch = false;
  std::string big_switch_reason;
  Duration own_lag{};  // the larger of the oldest live input's age and the lateness of rounds
  SteadyTime monitor_started{};
  bool ledger_degraded = false;
};

struct GovernorPool {
  std::string name;
  const RecoveryPolicy* policy = nullptr;  // REQUIRES: set
  int size = 0, healthy = 0;
  int down = 0;                                 // through us, now
  const BudgetWindow* stops = nullptr;          // automatic ones; null = none
  const FreezeState* freeze = nullptr;          // null = open
  const ExecutorHold* executor_hold = nullptr;  // the pace of asking again; null = none
};

struct GovernorWorker {
  std::string id;
  RemedyKind wanted = RemedyKind::none;
  RecoveryMode mode = RecoveryMode::automatic;
  bool planned = false;  // a recycle: half of the pool's budgets, and it never quarantines
  bool ill = false;      // or the sole target of a pool remedy
  bool status_known = false;
  bool can_restart = false;  // its source owns an executor
  bool source_connected = false;
  std::optional<SteadyTime> news_until;  // a stop: after that its agent has to speak first; nullopt = no agent
  bool action_running = false;
  bool approved = false;                     // an operator approved this wish (mode approve)
  std::optional<SteadyTime> rejected_until;  // or said no, until then
  std::string rejected;                      // by whom and why
  bool announced_stop = false;
  std::optional<ExitInfo> exit;
  std::string maintenance;  // the scope in force: "worker/w", "pool/p" or "fleet"; empty = none
  std::optional<SteadyTime> maintenance_until;
  std::optional<CauseHolds::Held> shared_cause;  // explains its illness; stops only
  Quarantine quarantine;
  const BudgetWindow* stops = nullptr;   // of this worker (or of its pool and host); null = none
  std::optional<SteadyTime> next_start;  // start: backoff allows it then
  int crashes = 0;
  bool crash_loop = false;
  const ExecutorHold* executor_hold = nullptr;  // null = none
};

struct GovernorAnswer {
  std::optional<HoldBack> held;     // nullopt = go
  bool quarantine = false;          // the stop budget is used up: quarantine it (held is set as well)
  std::optional<SteadyTime> until;  // as held->until, on the steady clock
  bool allowed() const { return !held; }
};

GovernorAnswer may_stop(const GovernorFleet& fleet, const GovernorPool& pool, const GovernorWorker& worker,
                        const Now& now);
GovernorAnswer may_start(const GovernorFleet& fleet, const GovernorPool& pool, const GovernorWorker& worker,
                         const Now& now);
// A person's restart: skips budget, freeze, mode, maintenance and quarantine; the big switch and the last healthy
// worker ask for `force`; a missing executor, an absent source and a running action refuse it in any case.
GovernorAnswer may_operator_restart(const GovernorFleet& fleet, const GovernorPool& pool, const GovernorWorker& worker,
                                    bool force, const Now& now);
// What holds starts whatever the backoff says; goes into the lease.
std::optional<HoldBack> start_hold(const GovernorFleet& fleet, const GovernorWorker& worker,
                                   const RecoveryPolicy& policy, const Now& now);

}  // namespace paramedic
