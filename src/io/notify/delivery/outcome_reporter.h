// OutcomeReporter: takes outcomes of notifications to the engine, in order. The engine's inbox may be full: then they
// wait here and are handed on by themselves. report() from any thread, never blocks.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "model/input.h"

namespace paramedic::notify {

class OutcomeReporter {
 public:
  // Any error means: not taken, again later.
  using Tell = std::function<Result<void>(const DeliveryOutcome&)>;
  explicit OutcomeReporter(Tell tell) : tell_(std::move(tell)), thread_([this] { run(); }) {}
  ~OutcomeReporter() { stop(); }

  void report(std::vector<DeliveryOutcome> outcomes);
  // Hands on what is taken at once, then ends. What is not taken is told again by the next life. Idempotent.
  void stop();
  std::size_t waiting() const;

 private:
  static constexpr Duration kRetry = 50ms;
  void run();

  const Tell tell_;
  mutable std::mutex mutex_;  // guards the three below
  std::condition_variable wake_;
  std::deque<DeliveryOutcome> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all above is ready
};

}  // namespace paramedic::notify
