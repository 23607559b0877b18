// Engine: the one place where fleet, checks, verdict, alerting and recovery meet. A pure function of (inputs, now,
// configuration) with memory: no I/O, no clock. Every call from one thread, the engine's.
//
// Per step: inputs change the fleet and recovery; workers that were touched or whose deadline is due get a round; pools
// and outages are judged; recovery and alerting settle; the effects come out. Nothing else flows back.
#pragma once
#include <memory>
#include <span>

#include "core/engine/engine_config.h"
#include "model/effects.h"
#include "model/input.h"
#include "model/view.h"

namespace paramedic {

// Oldest live input waited longer than this, or a step came this late: no verdict may turn bad.
inline constexpr Duration kCondemnLag = 2s;
// After such a lag, evidence that waited in socket buffers needs a moment to arrive before anybody is condemned.
inline constexpr Duration kSettleAfterLag = 5s;

// After the monitor was cut off (probes of its own network), workers that push every 30 s need that time to be heard.
inline constexpr Duration kSettleAfterCutOff = 35s;

enum class PublishScope { transitions, all };

class Engine {
 public:
  Engine(EngineConfig config, const Now& start);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // What the ledger remembers; before the first step.
  void restore(const LedgerState& state, const Now& now);
  // What the analysis had learned (Effects::states), one after the other; before the first step. Errors are told and
  // counted, and cost only what that state held. A pool's settings must be known by then.
  Result<void> restore_analysis(std::string_view name, std::string_view bytes, const Now& now);
  // A reload: limits, pools, alerting and rules of `config` from the next step on, which judges everybody anew. Alerts,
  // and the states of rules whose text is unchanged, go on. REQUIRES: the thread of step().
  void configure(EngineConfig config, const Now& now);
  // `inputs` are moved from. `oldest_wait` = how long the oldest live input of this step has waited. `out` is appended
  // to; out.next_deadline says when to call again although nothing comes.
  void step(std::span<Input> inputs, Duration oldest_wait, const Now& now, Effects& out);
  // True when something changed since the last publish().
  bool view_dirty() const;
  // Rebuilds the views that changed and their pages. With `transitions` only those of workers whose status, life or
  // action changed, so that an urgent change never waits for a thousand new readings; the others stay dirty.
  // REQUIRES: called after step, same thread.
  FleetDelta publish(const Now& now, PublishScope scope = PublishScope::all);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
