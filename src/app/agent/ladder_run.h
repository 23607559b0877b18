// LadderRun: one ladder on its way, as a pure state machine: facts and time in, things to do out. The worker that owns
// it performs them. Order: accepted → diagnostics → drain → TERM → KILL → start; steps that make no sense are left out
// (a dead process needs no TERM). It never waits for the monitor: once begun it ends (design section 8).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/remedy.h"

namespace paramedic::agent {

struct LadderFacts {
  bool alive = false;               // the worker process runs
  bool group_alive = false;         // it, or something left of its process group
  bool can_diagnose = false;        // a diagnostics hook is configured
  bool diagnosing = false;          // … and at work
  bool can_drain = false;           // a drain signal is configured
  std::optional<int> in_flight;     // unknown for a worker that does not tell its tasks
  std::uint64_t task_progress = 0;  // grows whenever a task ends or progresses
};

struct LadderAct {
  enum class Kind {
    progress,  // tell and journal `step`
    diagnose,  // tell what the process is doing (step diagnostics); with a hook: begin to ask it
    drain,     // send the drain signal
    term,      // TERM to the group, then CONT for a stopped process
    kill,      // KILL to the group
    start,     // start the successor; the run is over then
  };
  Kind kind = Kind::progress;
  LadderStep step = LadderStep::accepted;
  std::string message;
};

class LadderRun {
 public:
  // `resume_at`: the step reached before an agent restart; steps before it are not repeated.
  LadderRun(Ladder ladder, SteadyTime now, LadderStep resume_at = LadderStep::accepted);

  // Call after every change of the facts and at deadline(). Empty = nothing to do yet.
  std::vector<LadderAct> advance(const LadderFacts& facts, SteadyTime now);
  // When to call again without a change of facts; nullopt after the start act.
  std::optional<SteadyTime> deadline() const;

  const Ladder& ladder() const { return ladder_; }
  LadderStep step() const { return step_; }
  bool over() const { return over_; }

 private:
  bool asks_hook(const LadderFacts& facts, SteadyTime now);
  void begin_drain(const LadderFacts& facts, SteadyTime now, std::vector<LadderAct>& acts);
  void begin_term(SteadyTime now, std::vector<LadderAct>& acts);
  void begin_kill(SteadyTime now, std::vector<LadderAct>& acts);
  void begin_start(SteadyTime now);
  bool drained(const LadderFacts& facts, SteadyTime now);
  // One transition; false when it has to wait.
  bool one(const LadderFacts& facts, SteadyTime now, std::vector<LadderAct>& acts);

  Ladder ladder_;
  LadderStep step_;
  bool begun_ = false;  // the present step's act has been given
  bool over_ = false;
  SteadyTime until_{};  // end of the present wait
  SteadyTime drain_limit_{};
  std::uint64_t progress_seen_ = 0;
};

}  // namespace paramedic::agent
