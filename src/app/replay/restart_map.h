// Brings restarts that were recorded together with those that a replayed engine orders. The recording holds what
// executors told of the ladders of the old monitor, under the ids of the old monitor; another configuration orders
// other ladders, or the same ones at another time under another id. Pure; one thread.
//
// An order of the replayed engine and a recorded ladder of the same worker are taken to be one when the order is open
// and has heard nothing yet when the first word of the ladder comes: from then on its words go to the order.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "model/effects.h"

namespace paramedic::replay {

class RestartMap {
 public:
  // A run begins: orders that are under way in `state` are known by their recorded ids.
  void begin_run(const LedgerState& state);
  // What the engine decided in a step.
  void take(const Effects& effects);

  // True: the word belongs to no order of this engine, and its ladder is not over yet. What really happened to the
  // worker has to be brought in, by an order of kRecordingActor, before the word is given to the engine.
  bool wants_order(const ProgressInput& progress) const;
  // Puts the id of the order that the word belongs to into it. False: it belongs to none, the engine will pass it over.
  bool translate(ProgressInput& progress);

  // Orders of this engine that ended without any word from the recording, since the last call.
  std::vector<std::string> take_unheard();
  // Those that are open and have heard nothing, at the end of a run.
  std::vector<std::string> open_unheard() const;

 private:
  struct Order {
    std::string worker_id;
    bool heard = false, by_recording = false;
  };
  const std::string* waiting_order(const std::string& worker_id) const;

  std::map<std::string, Order> open_;           // by own action id
  std::map<std::string, std::string> waiting_;  // worker → own id that has heard nothing yet
  std::map<std::string, std::string> own_id_;   // recorded id → own id, while the order is open
  std::vector<std::string> unheard_;
};

}  // namespace paramedic::replay
