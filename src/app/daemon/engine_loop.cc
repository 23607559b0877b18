#include "app/daemon/engine_loop.h"

namespace paramedic::daemon {

void EngineLoop::start() {
  const Now now = parts_.clock.now();
  last_step_ns_ = now.steady.time_since_epoch().count();
  next_deadline_ = now.steady;
  std::vector<Input> none;
  step(none, Duration{0});
  parts_.hub.publish(parts_.engine.publish(now));
  last_publish_ = last_full_publish_ = now.steady;
  thread_ = std::thread([this] { run(); });
}

void EngineLoop::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  parts_.inbox.stop();
  thread_.join();
}

void EngineLoop::run() {
  std::vector<Input> inputs;
  while (!stopping_) {
    SteadyTime until = next_deadline_;
    if (parts_.engine.view_dirty()) until = std::min(until, next_publish());
    const Duration waited = parts_.inbox.take(inputs, until, parts_.clock);
    take_config();
    step(inputs, waited);
    inputs.clear();
    publish_if_due(parts_.clock.now());
  }
  inputs.push_back(ShutdownInput{});
  (void)parts_.inbox.take(inputs, SteadyTime{}, parts_.clock);
  step(inputs, Duration{0});
  parts_.hub.publish(parts_.engine.publish(parts_.clock.now()));
}

void EngineLoop::configure(EngineConfig config, std::string config_hash) {
  {
    const std::lock_guard lock(config_mutex_);
    next_config_ = std::move(config);
    next_config_hash_ = std::move(config_hash);
  }
  parts_.inbox.wake();
}

void EngineLoop::take_config() {
  std::optional<EngineConfig> next;
  std::string hash;
  {
    const std::lock_guard lock(config_mutex_);
    next = std::exchange(next_config_, std::nullopt);
    hash = next_config_hash_;
  }
  if (!next) return;
  const Now now = parts_.clock.now();
  if (parts_.journal) parts_.journal->reload(std::move(hash), now);
  parts_.engine.configure(std::move(*next), now);
  next_deadline_ = now.steady;  // the step follows at once
}

void EngineLoop::step(std::vector<Input>& inputs, Duration waited) {
  const Now now = parts_.clock.now();
  // Woken only to publish: nothing to decide.
  if (inputs.empty() && now.steady < next_deadline_) return;
  effects_.clear();
  effects_.history.reserve(inputs.size());  // most reports leave one row: grown step by step it would be copied thrice
  // The one place where inputs enter the engine; it moves from them.
  if (parts_.journal) parts_.journal->step(inputs, waited, now);
  parts_.engine.step(inputs, waited, now, effects_);
  next_deadline_ = effects_.next_deadline.value_or(now.steady + 1s);
  publish_now_ = publish_now_ || effects_.publish_now;
  parts_.dispatcher.submit(std::move(effects_.ledger), std::move(effects_.acts));
  if (!effects_.history.empty()) parts_.store(std::move(effects_.history));
  if (!effects_.states.empty()) parts_.store_states(std::move(effects_.states));
  last_step_ns_ = now.steady.time_since_epoch().count();
}

SteadyTime EngineLoop::next_publish() const {
  const SteadyTime full = last_full_publish_ + kPublishEvery;
  return publish_now_ ? std::min(full, last_publish_ + kPublishGap) : full;
}

void EngineLoop::publish_if_due(const Now& now) {
  if (!parts_.engine.view_dirty() || now.steady < next_publish()) return;
  const bool full = now.steady >= last_full_publish_ + kPublishEvery;
  parts_.hub.publish(parts_.engine.publish(now, full ? PublishScope::all : PublishScope::transitions));
  last_publish_ = now.steady;
  if (full) last_full_publish_ = now.steady;
  publish_now_ = false;
}

}  // namespace paramedic::daemon
