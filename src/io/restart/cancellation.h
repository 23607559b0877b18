// Inside io/restart: whether an attempt was cancelled, and waits that end with it.
#pragma once
#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace paramedic::restart {

class Cancellation {
 public:
  void cancel() {  // any thread; for good
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    wake_.notify_all();
  }
  bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }
  // True when it was cancelled before `end`.
  bool wait_until(SteadyTime end) {
    std::unique_lock lock(mutex_);
    return wake_.wait_until(lock, end, [this] { return cancelled_; });
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool cancelled_ = false;
};

}  // namespace paramedic::restart
