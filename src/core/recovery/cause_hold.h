// Holds stops of workers whose illness a shared cause explains: restarting each of them would cure none. Starts are
// never held.
//
// It does not hold for ever. When a cause has been known for freeze_canary_after, one of its workers may be stopped, as
// a canary. It is proven: the hold is lifted, and the usual brakes are all that is left, as long as no more of the
// cause's workers are ill than then and no further restart fails. It fails: the next one may run freeze_canary_every
// after its start. A cause that ends holds nobody any more; that a canary of it was tried is remembered for
// freeze_canary_every. Pure value; times come from the caller.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/recovery/freeze.h"
#include "core/recovery/policy.h"

namespace paramedic {

// As the engine tells it: what core/analysis found, and who of its ill workers it explains.
struct RecoveryCause {
  std::string key;                   // "cause/host/h3"
  std::string text;                  // "4 of 5 workers that share host h3 are ill, elsewhere 1 of 25"
  std::vector<std::string> workers;  // ill ones, by id
  int grave = 0;                     // set by recovery: those that are down or that a remedy is wanted for
};

class CauseHolds {
 public:
  static constexpr int kMinGrave = 2;  // one worker that wants a remedy shares its cause with nobody

  // The causes that hold now (the whole list). Returns the workers that they name or named.
  std::set<std::string> update(std::vector<RecoveryCause> causes, SteadyTime now);
  struct Held {
    std::string text;
    std::optional<SteadyTime> until;  // a canary may run then; nullopt = one is on its way
  };
  // What holds a stop of this worker now; nullopt = nothing.
  std::optional<Held> of(std::string_view worker, const RecoveryPolicy& policy, SteadyTime now) const;
  bool any() const { return !entries_.empty(); }

  // An automatic stop of this worker began. Returns the keys of the causes that it is the canary of.
  std::vector<std::string> stop_began(const std::string& worker, const std::string& action_id,
                                      const RecoveryPolicy& policy, SteadyTime now);
  // A canary of the last life of the monitor that failed or has no outcome yet (`running`): its pace holds on.
  void restore_canary(const std::string& key, const std::string& action_id, SteadyTime began, bool running,
                      const RecoveryPolicy& policy);
  // It has an outcome. Returns the workers that it frees or holds anew; mostly none.
  std::set<std::string> stop_ended(const std::string& action_id, StopOutcome outcome);

 private:
  struct Entry {
    RecoveryCause cause;
    bool on = false;     // it holds now; else only its next canary is remembered
    bool grave = false;  // kMinGrave were reached since it is on
    SteadyTime since{};
    std::optional<SteadyTime> next_canary;  // not before
    std::string canary;                     // action id of the one that runs
    std::set<std::string> running;          // action ids begun since a canary lifted it
    bool failed = false;                    // the last one did
    std::optional<int> tolerated;           // lifted by a canary: so many may be ill
  };
  static void canary_ended(Entry& e, StopOutcome outcome);
  static bool holds(const Entry& e) { return e.on && e.grave && !e.tolerated; }
  static SteadyTime due(const Entry& e, const RecoveryPolicy& policy);

  std::map<std::string, Entry> entries_;  // by key
};

}  // namespace paramedic
