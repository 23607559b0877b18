// Oracle: knows the truth of the simulated world and judges what the monitor did by it. Sees nothing of the engine.
// One thread.
#pragma once
#include <optional>
#include <vector>

#include "app/simulate/result.h"
#include "app/simulate/scenario.h"

namespace paramedic::simulate {

enum class Illness { crash, hang, lost_connection, stall };

class Oracle {
 public:
  // `pools`: the pool of each worker, by index.
  Oracle(const Scenario& scenario, std::vector<int> pools);

  // `shared`: the bad version did it. Ignored while the worker is ill already.
  void falls_ill(int worker, Illness illness, bool shared, SteadyTime now);
  // It works. `load` = how long its process took from its start; nothing when no process was begun.
  void works(int worker, std::optional<Duration> load, SteadyTime now);
  // Somebody else than the monitor ended it: no stop is needed any more.
  void ended_by_deploy(int worker);

  struct StopTruth {
    bool broker_down = false;  // and every worker that can has told so
    bool broker_unnoticed = false;
    bool lag = false;
  };
  void stop_decided(int worker, const StopTruth& truth);
  void down_begins(int worker);  // ended by the monitor
  void down_ends(int worker);    // works again, or ends by itself

  struct Overdue {
    int worker = 0;
    Illness illness = Illness::crash;
    SteadyTime since{};
  };
  // Also says who has been ill for more than 15 min.
  std::vector<Overdue> finish(SteadyTime now, SimulationResult& out);

 private:
  struct Episode {
    Illness illness = Illness::crash;
    bool shared = false;
    bool by_deploy = false;
    SteadyTime since{};
  };
  struct Truth {
    int pool = 0;
    bool down = false;
    std::optional<Episode> episode;
  };
  void count(const Episode& episode);

  std::vector<Truth> workers_;
  std::vector<int> pool_sizes_, pool_down_;
  Illnesses alone_, shared_;
  Stops stops_;
  Share share_;
  std::vector<double> recovery_, recovery_without_load_, recovery_shared_;
};

}  // namespace paramedic::simulate
