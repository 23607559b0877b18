// World: workers that really live, fall ill and come back, their brokers, the deploys, and one agent per host that
// keeps the contract of docs/agent.md: it reports each period and at once what is urgent, starts the dead under their
// leases (core/recovery's LeaseHolder) and performs ladders (the agent's LadderRun). What an agent cannot know it does
// not report: a worker that hangs looks as it did when it last spoke. No message is lost or doubled. One thread.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/agent/ladder_run.h"
#include "app/simulate/dice.h"
#include "app/simulate/events.h"
#include "app/simulate/oracle.h"
#include "core/recovery/lease.h"
#include "model/effects.h"
#include "model/input.h"

namespace paramedic::simulate {

class World {
 public:
  World(const Scenario& scenario, const Now& start);

  std::optional<SteadyTime> next_event() const { return events_.next(); }
  // Lets happen what is due up to `until`; what the monitor hears of it is in `inputs`.
  void run_until(SteadyTime until);
  std::vector<Input>& inputs() { return inputs_; }
  // What the monitor wants done. lagging: it lags by the scenario.
  void perform(const std::vector<Act>& acts, SteadyTime now, bool lagging);
  // The monitor is gone: what agents tell is lost, but for what they keep until it is acknowledged. It is back: they
  // say hello, how their workers are, and what they kept.
  void monitor_goes();
  void monitor_comes(SteadyTime now);
  bool well(const std::string& worker_id) const;
  void finish(SteadyTime now, SimulationResult& out);
  static std::string pool_name(int pool);

 private:
  static constexpr std::size_t kNamed = 20;  // in the result, by name
  struct Worker {
    Worker(std::string worker_id) : id(std::move(worker_id)), lease(id) {}
    std::string id;
    int index = 0, pool = 0, host = 0, broker = 0;
    bool has_model = false;
    std::string wanted_version;
    // The process, as it is.
    int life = 0, pid = 0;
    std::string version, incarnation;
    bool alive = false, ready = false, hung = false, deaf = false, cut = false;
    bool stalled = false;
    SteadyTime started{}, loaded{};
    // What its agent knows of it.
    bool connected = true;  // to its broker, as it last said
    std::optional<WallTime> spoke_at;
    std::optional<StopNotice> stop;
    std::uint64_t consumed = 0, seq = 0;
    SteadyTime consumed_at{};
    ExitInfo last_exit;
    LeaseHolder lease;
    std::optional<agent::LadderRun> ladder;
    bool speaks() const { return alive && !hung && !stalled && (ready || has_model); }
    bool ill() const { return hung || cut || stalled; }
  };
  struct Broker {
    bool down = false;
    int unaware = 0;  // workers that will tell of it still
  };

  Now at(SteadyTime t) const { return {t, start_.wall + (t - start_.steady)}; }
  Worker& worker(int index) { return workers_[std::size_t(index)]; }
  bool bad(const Worker& w) const { return w.version == scenario_.bad_version; }

  // ---- world.cc: fate ----
  void plan_fate(const Now& start);
  void happen(const Event& event, SteadyTime now);
  void fall_ill_by_chance(Worker& w, SteadyTime now);
  void crash(Worker& w, bool shared, SteadyTime now);
  void hang(Worker& w, bool shared, SteadyTime now);
  void end_stall(Worker& w, SteadyTime now);
  void turn_broker(int broker, bool down, SteadyTime now);
  void notice_broker(Worker& w, SteadyTime now);
  void deploy(Worker& w, int which, SteadyTime now);
  void loaded(Worker& w, SteadyTime now);

  // ---- world_agent.cc: what agents do ----
  SourceInput hello(int host, SteadyTime now) const;
  void tell(Input input);
  void frame(int host, SteadyTime now);
  void report(Worker& w, SteadyTime now);
  std::string source(const Worker& w) const;
  void poll(Worker& w, SteadyTime now);
  void poll_ladder(Worker& w, SteadyTime now);
  void perform(Worker& w, const agent::LadderAct& act, SteadyTime now);
  void start(Worker& w, const std::string& action_id, SteadyTime now);
  void ended(Worker& w, const ExitInfo& exit, SteadyTime now);
  bool many_died(int host, SteadyTime now);
  void on_ladder(Worker& w, const Ladder& ladder, bool lagging, SteadyTime now);
  void judge_stop(const Worker& w, const Ladder& ladder, bool lagging, SteadyTime now);
  void tell(Worker& w, const Ladder& ladder, LadderStep step, bool done, bool ok, std::string message, SteadyTime now);

  Scenario scenario_;
  Now start_;
  Dice dice_;
  Events events_;
  std::vector<Worker> workers_;
  std::unordered_map<std::string, int> by_id_;
  std::vector<std::vector<int>> hosts_;          // workers of each
  std::vector<std::vector<SteadyTime>> deaths_;  // of each host, the latest
  std::vector<Broker> brokers_;
  std::vector<Input> inputs_, untold_;  // untold: kept until the monitor is back
  bool monitor_away_ = false;
  Oracle oracle_;
  std::vector<std::string> forbidden_;
  int pids_ = 0, starts_ = 0;
  std::uint64_t reports_ = 0;
};

}  // namespace paramedic::simulate
