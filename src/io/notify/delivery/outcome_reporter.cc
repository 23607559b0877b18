#include "io/notify/delivery/outcome_reporter.h"

#include <iterator>

namespace paramedic::notify {

void OutcomeReporter::report(std::vector<DeliveryOutcome> outcomes) {
  const std::lock_guard lock(mutex_);
  std::move(outcomes.begin(), outcomes.end(), std::back_inserter(waiting_));
  wake_.notify_one();
}

void OutcomeReporter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::size_t OutcomeReporter::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void OutcomeReporter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    bool refused = false;
    while (!waiting_.empty() && !refused) {
      // Only this thread takes from the front, and a deque keeps it in place while others append.
      const DeliveryOutcome& front = waiting_.front();
      lock.unlock();
      refused = !tell_(front);
      lock.lock();
      if (!refused) waiting_.pop_front();
    }
    if (stopping_) return;
    if (refused) wake_.wait_for(lock, kRetry, [this] { return stopping_; });
  }
}

}  // namespace paramedic::notify
