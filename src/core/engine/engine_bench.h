// For tests of class Engine: a monitor without I/O, fed with inputs, with everything that it emitted.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/engine/engine.h"

namespace paramedic {

// A monitor without I/O: feeds inputs, keeps all effects and the latest publication.
struct EngineBench {
  ManualClock clock;
  EngineConfig config;
  std::unique_ptr<Engine> engine;
  Effects all;
  FleetDelta delta;
  std::vector<Input> waiting;
  std::uint64_t seq = 0;

  explicit EngineBench(EngineConfig c = {}) : config(std::move(c)) {
    engine = std::make_unique<Engine>(config, clock.now());
  }

  Effects step(Duration waited = {}) {
    Effects out;
    engine->step(waiting, waited, clock.now(), out);
    waiting.clear();
    for (const auto& entry : out.ledger) all.ledger.push_back(entry);
    for (const auto& act : out.acts) all.acts.push_back(act);
    for (const auto& row : out.history) all.history.push_back(row);
    for (const auto& state : out.states) all.states.push_back(state);
    if (engine->view_dirty()) delta = engine->publish(clock.now());
    return out;
  }
  // Steps at every deadline and at least each second, as the daemon does.
  void run_for(Duration d) {
    const SteadyTime end = clock.now().steady + d;
    while (clock.now().steady < end) {
      clock.advance(std::min<Duration>(1s, end - clock.now().steady));
      step();
    }
  }
  void connect(const std::string& agent, SourceState state = SourceState::connected) {
    waiting.push_back(SourceInput{.source = "agent/" + agent,
                                  .state = state,
                                  .host = agent,
                                  .period = 5s,
                                  .can_restart = true,
                                  .received = clock.now().steady});
  }
  Report report(const std::string& id, const std::string& incarnation = "1") {
    Report r;
    r.worker_id = id;
    r.pool = "thumbs";
    r.host = "h1";
    r.incarnation = incarnation;
    r.seq = ++seq;
    r.sent_at = r.alive_at = clock.now().wall;
    r.period = 5s;
    r.state = WorkerState::running;
    r.capabilities = Capabilities{.voice = true, .process = true};
    r.process = ProcessPart{.pid = 100, .state = 'S'};
    r.resources = ResourcesPart{.cpu_percent = 10, .memory_percent = 20, .memory_mb = 100};
    return r;
  }
  void send(Report r, const std::string& agent = "h1") {
    waiting.push_back(ReportInput{std::move(r), "agent/" + agent, clock.now().steady});
    waiting.push_back(SourceFrameInput{"agent/" + agent, clock.now().steady});
  }
  // A fleet of `count` healthy workers that has reported for `d`.
  void live(int count, Duration d = 10s) {
    connect("h1");
    for (Duration t{0}; t < d; t += 5s) {
      for (int i = 0; i < count; ++i) send(report("w-" + std::to_string(i)));
      step();
      run_for(5s);
    }
    for (int i = 0; i < count; ++i) send(report("w-" + std::to_string(i)));
    step();
  }
  std::shared_ptr<const WorkerView> worker(const std::string& id) { return delta.view->find(id); }
  template <class A>
  std::vector<A> acts() const {
    std::vector<A> out;
    for (const Act& act : all.acts)
      if (const auto* one = std::get_if<A>(&act)) out.push_back(*one);
    return out;
  }
  CommandResult command(Verb verb, const std::string& worker_id, bool force = false) {
    CommandInput input{.command_id = "c" + std::to_string(++seq),
                       .verb = verb,
                       .worker_id = worker_id,
                       .actor = "ada",
                       .reason = "test",
                       .force = force};
    const std::string id = input.command_id;
    waiting.push_back(std::move(input));
    step();
    for (const Answer& answer : acts<Answer>())
      if (answer.command_id == id) return answer.result;
    ADD_FAILURE() << "no answer to " << to_string(verb);
    return {};
  }
};

}  // namespace paramedic
