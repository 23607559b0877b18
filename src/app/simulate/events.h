// What will happen in the simulated world, in order of time; of equal instants in the order of planning. One thread.
#pragma once
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace paramedic::simulate {

enum class EventKind {
  frame,        // a host's agent sends what it measured; subject = host
  poll,         // the agent has something due for a worker
  ready,        // a process has loaded
  exit_term,    // a process obeys TERM
  exit_kill,    // … or KILL
  exit_deploy,  // it ends as it announced
  ill,          // a worker falls ill by chance
  ill_version,  // … by its bad version
  stall_end,
  broker_down,  // subject = broker
  broker_up,
  notice,  // a worker notices that its broker went or came back
  deploy,  // subject = worker; life = which deploy
};

struct Event {
  SteadyTime at{};
  std::uint64_t order = 0;
  EventKind kind = EventKind::frame;
  int subject = 0;
  int life = 0;  // of the worker when it was planned: means nothing for its successor
};

class Events {
 public:
  void plan(SteadyTime at, EventKind kind, int subject, int life = 0) {
    queue_.push({at, ++planned_, kind, subject, life});
  }
  std::optional<SteadyTime> next() const { return queue_.empty() ? std::nullopt : std::optional(queue_.top().at); }
  Event take() {
    const Event event = queue_.top();
    queue_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };
  std::priority_queue<Event, std::vector<Event>, Later> queue_;
  std::uint64_t planned_ = 0;
};

}  // namespace paramedic::simulate
