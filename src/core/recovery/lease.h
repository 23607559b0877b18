// Leases: the right to start a dead worker without asking. The monitor renews one per worker every 20 s; it is valid
// for 60 s on the agent's steady clock, so the first start needs no round trip and a lost connection leaves no worker
// dead. A lease never grants a stop. Pure; each LeaseHolder belongs to one thread of the agent.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/recovery/backoff.h"
#include "model/remedy.h"
#include "model/report.h"

namespace paramedic {

inline constexpr Duration kLeaseValid = 60s;
inline constexpr Duration kLeaseRenewal = 20s;
// Extra wait of a start when more than 3 workers of a host or 10 % of a pool died within 10 s.
inline constexpr Duration kMassDeathJitter = 10s;

// ---- agent side ---------------------------------------------------------------------------------------------------

struct StartDecision {
  enum class Kind {
    alive,    // nothing to start
    start,    // now
    wait,     // at `at`; ask again then, or when a lease comes
    hold,     // not before a lease without hold comes: `text` says why
    stopped,  // ended on purpose (announced, or an exit code of no_restart_exit_codes): only a ladder starts it again
  };
  Kind kind = Kind::alive;
  SteadyTime at{};   // wait: when; start: the instant that was due
  std::string text;  // in words
};

// Decides for one worker of an agent when its dead process is started again. The caller performs the start (after it
// has ended what is left of the old process group and journalled the start), then calls on_start.
class LeaseHolder {
 public:
  LeaseHolder(std::string worker_id, BackoffPolicy backoff = {}, std::vector<int> no_restart_exit_codes = {0});

  // A lease arrived. Its crash count is taken only when it speaks of the incarnation that lives or died last here: an
  // older one was made before the monitor heard of the latest start.
  void on_lease(const Lease& lease, SteadyTime now);
  // A process runs: the first one, one started after decide() said so, or one that a ladder began.
  void on_start(std::string incarnation, SteadyTime now);
  // The process ended and no ladder is at work on it. announced: it said so before (stop notice).
  void on_death(const ExitInfo& exit, bool announced, SteadyTime now);
  // The process was ended by a ladder, which will start it: no crash.
  void on_ended_by_ladder(SteadyTime now);

  // The ladder ended the process but could not start it: from here on a crash like any other.
  void on_ladder_failed(SteadyTime now);
  // More than 3 workers of this host died within 10 s: the next start of this one waits 0–10 s longer.
  void add_mass_death_jitter() { mass_death_ = true; }

  StartDecision decide(SteadyTime now) const;

  int crashes() const { return backoff_.crashes(); }  // in the present streak; goes into AgentStart
  // Of the start that decide() speaks of: the idempotency key to journal.
  std::string next_action_id() const;
  const std::string& incarnation() const { return incarnation_; }
  bool lease_valid(SteadyTime now) const { return has_lease_ && now < expires_; }
  bool lease_holds() const { return has_lease_ && lease_.hold; }

 private:
  bool lease_is_mine() const;

  std::string worker_id_;
  std::vector<int> no_restart_exit_codes_;
  Backoff backoff_;
  std::string incarnation_;  // the living one, or the one that died last
  bool alive_ = false;
  bool stopped_ = false;
  bool mass_death_ = false;
  bool has_lease_ = false;
  Lease lease_;
  SteadyTime received_{};
  SteadyTime expires_{};
};

// True when this exit is no crash: a code of the list, and no signal.
bool exit_means_stopped(const ExitInfo& exit, const std::vector<int>& no_restart_exit_codes);

// ---- monitor side -------------------------------------------------------------------------------------------------

// What the monitor knows of a worker when it renews a lease.
struct LeaseState {
  std::string incarnation;
  int crashes_before = 0;                   // of the streak, without the death of `incarnation`
  std::optional<SteadyTime> next_start_at;  // dead, and due then
  std::optional<HoldBack> hold;             // in force
  bool adds_jitter = false;
};
Lease make_lease(std::string worker_id, const LeaseState& state, SteadyTime now);

}  // namespace paramedic
