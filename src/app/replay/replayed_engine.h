// One engine under one configuration, fed with recorded inputs. One thread.
//
// While the recording was made under the very same configuration, each recorded step is one step and nothing is added:
// the engine decides again, entry for entry, what it decided then. Under another one it lives its own life:
// - it steps at its own deadlines too, between two recorded steps that are less than kStill apart; a longer pause is a
//   monitor that stood still, and it stands still as well;
// - restarts that the recording shows and that it did not order are done all the same, as by a person
// (kRecordingActor):
//   the worker really was restarted, so this is no crash and counts against no brake;
// - what it orders and the recording does not show gets no answer: the worker stays as it was recorded, until the
//   engine gives the order up. Nothing is cured that nobody saw cured;
// - a message that the old monitor did not send arrives after kDelivery.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/replay/restart_map.h"
#include "app/replay/tally.h"
#include "core/engine/engine.h"

namespace paramedic::replay {

// Engines sweep each second, so that recorded steps are at most so far apart while the monitor runs.
inline constexpr Duration kStill = 1500ms;
// An engine is woken a little after its deadline; a recorded step so soon after it is the one that the deadline asked
// for.
inline constexpr Duration kWake = 20ms;
// Own steps are at least so far apart, as in the monitor, which takes its inputs each 10 ms.
inline constexpr Duration kOwnStep = 10ms;
// Longer than any channel takes that answers at all (first tries and their repetitions), shorter than an escalation.
inline constexpr Duration kDelivery = 60s;
// Nobody reads the views; what is to be published must not pile up.
inline constexpr Duration kPublishEvery = 10min;

struct ConfiguredEngine {
  EngineConfig engine;
  std::string hash;  // of the file, as the recording names it
};

// What remedies were wanted and what held them back, by "kind/code"; holds are counted when they begin.
struct Wishes {
  std::uint64_t starts_wanted = 0, stops_wanted = 0, starts_done = 0, stops_ordered = 0;
  std::map<std::string, std::uint64_t> held;
};

class ReplayedEngine {
 public:
  // `config` outlives it.
  ReplayedEngine(const ConfiguredEngine& config, WallTime from, WallTime to) : config_(config), tally_(from, to) {}

  // A life of the monitor begins, under the configuration of this hash.
  void begin_run(const LedgerState& state, const std::string& recorded_hash, const Now& now);
  // What its analysis had learned before, one worker or task type at a time. Before the first step.
  void restore_analysis(const std::string& name, const std::string& bytes, const Now& now);
  // The recorded monitor took another configuration on.
  void reload(const std::string& recorded_hash, const Now& now);
  // Moves from `inputs`.
  void step(std::vector<Input>& inputs, Duration oldest_wait, const Now& now);
  // Goes on to `now` alone, at its own deadlines. REQUIRES: not exact().
  void run_until(const Now& now);
  void end_run();

  bool exact() const { return exact_; }
  const Tally& tally() const { return tally_; }
  const Wishes& wishes() const { return wishes_; }
  std::uint64_t steps() const { return steps_; }
  std::uint64_t brought_in() const { return brought_in_; }  // restarts of the recording that it did not order

 private:
  void step_once(std::vector<Input>& inputs, Duration oldest_wait, const Now& now);
  void catch_up(const Now& now);
  void bring_in(const ProgressInput& progress, const Now& now);
  void deliver(std::vector<Input>& inputs, const Now& now);

  const ConfiguredEngine& config_;
  Tally tally_;
  RestartMap restarts_;
  std::unique_ptr<Engine> engine_;
  Effects effects_;
  bool exact_ = false;
  std::optional<SteadyTime> due_;
  Now last_;  // of the latest step
  SteadyTime publish_at_{};
  Wishes wishes_;
  std::deque<std::pair<SteadyTime, std::string>> messages_;  // that have no outcome yet, by when they arrive
  std::set<std::string> settled_;                            // of those: the recording told what became of them
  std::uint64_t steps_ = 0, brought_in_ = 0;
};

}  // namespace paramedic::replay
