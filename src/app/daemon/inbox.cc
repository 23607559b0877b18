#include "app/daemon/inbox.h"

#include <iterator>

namespace paramedic::daemon {

Inbox::Lane Inbox::lane_of(const Input& input) {
  if (is_urgent(input)) return Lane::urgent;
  const auto* report = std::get_if<ReportInput>(&input);
  return report && report->backlog ? Lane::backlog : Lane::live;
}

bool Inbox::fits(std::size_t urgent, std::size_t live, std::size_t backlog) const {
  return urgent_.size() + urgent <= limits_.urgent && live_.size() + live <= limits_.live &&
         backlog_.size() + backlog <= limits_.backlog;
}

Result<void> Inbox::push(std::vector<Input>& inputs, SteadyTime now) {
  std::size_t count[3] = {};
  for (const Input& input : inputs) ++count[static_cast<std::size_t>(lane_of(input))];
  const std::lock_guard lock(mutex_);
  if (!fits(count[0], count[1], count[2])) {
    refused_ += inputs.size();
    return Error{Errc::unavailable, "the monitor's inbox is full; send again in a second"};
  }
  const bool was_idle = urgent_.empty() && live_.empty() && backlog_.empty();
  for (Input& input : inputs) {
    const Lane lane = lane_of(input);
    auto& queue = lane == Lane::urgent ? urgent_ : lane == Lane::live ? live_ : backlog_;
    queue.push_back({std::move(input), now});
  }
  accepted_ += inputs.size();
  inputs.clear();
  if (was_idle || count[0] > 0) wake_.notify_one();
  return {};
}

Result<void> Inbox::push(Input input, SteadyTime now) {
  std::vector<Input> one;
  one.push_back(std::move(input));
  return push(one, now);
}

bool Inbox::nearly_full() const {
  const std::lock_guard lock(mutex_);
  return live_.size() * 4 > limits_.live * 3 || backlog_.size() * 4 > limits_.backlog * 3;
}

Duration Inbox::take(std::vector<Input>& out, SteadyTime deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  while (!stopped_ && !woken_ && urgent_.empty()) {
    const SteadyTime now = clock.now().steady;
    SteadyTime due = deadline;
    if (!live_.empty()) due = std::min(due, live_.front().since + kBatch);
    if (!backlog_.empty()) due = std::min(due, backlog_.front().since + kBatch);
    if (now >= due) break;
    wake_.wait_for(lock, due - now);
  }
  woken_ = false;
  const Duration waited = oldest_locked(clock.now().steady);
  move_front(urgent_, urgent_.size(), out);
  move_front(live_, stopped_ ? live_.size() : limits_.live_per_take, out);
  move_front(backlog_, stopped_ ? backlog_.size() : limits_.backlog_per_take, out);
  return waited;
}

void Inbox::move_front(std::deque<Waiting>& queue, std::size_t count, std::vector<Input>& out) {
  for (; count > 0 && !queue.empty(); --count) {
    out.push_back(std::move(queue.front().input));
    queue.pop_front();
  }
}

Duration Inbox::oldest_wait(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  return oldest_locked(now);
}

Duration Inbox::oldest_locked(SteadyTime now) const {
  Duration oldest{0};
  for (const auto* queue : {&urgent_, &live_})
    if (!queue->empty()) oldest = std::max(oldest, now - queue->front().since);
  return oldest;
}

InboxStats Inbox::stats() const {
  const std::lock_guard lock(mutex_);
  return {live_.size(), urgent_.size(), backlog_.size(), accepted_, refused_};
}

void Inbox::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_all();
}

void Inbox::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
}

}  // namespace paramedic::daemon
