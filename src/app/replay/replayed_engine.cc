#include "app/replay/replayed_engine.h"

#include <fmt/format.h>

namespace paramedic::replay {

void ReplayedEngine::begin_run(const LedgerState& state, const std::string& recorded_hash, const Now& now) {
  if (engine_) end_run();
  exact_ = recorded_hash == config_.hash;
  tally_.begin_run(state, last_.wall);
  restarts_.begin_run(state);
  engine_ = std::make_unique<Engine>(config_.engine, now);
  engine_->restore(state, now);
  due_.reset();
  messages_.clear();
  settled_.clear();
  last_ = now;
  publish_at_ = now.steady + kPublishEvery;
}

// One that is refused was refused then too, or the analysis is off now.
void ReplayedEngine::restore_analysis(const std::string& name, const std::string& bytes, const Now& now) {
  if (engine_) (void)engine_->restore_analysis(name, bytes, now);
}

void ReplayedEngine::reload(const std::string& recorded_hash, const Now& now) {
  exact_ = exact_ && recorded_hash == config_.hash;
  if (exact_) engine_->configure(config_.engine, now);
}

void ReplayedEngine::step(std::vector<Input>& inputs, Duration oldest_wait, const Now& now) {
  if (!engine_) return;
  if (!exact_) {
    catch_up(now);
    for (Input& input : inputs) {
      if (auto* progress = std::get_if<ProgressInput>(&input)) {
        if (restarts_.wants_order(*progress)) bring_in(*progress, now);
        restarts_.translate(*progress);
      } else if (const auto* told = std::get_if<DeliveryInput>(&input)) {
        settled_.insert(told->outcome.notification_id);
      }
    }
    deliver(inputs, now);
  }
  step_once(inputs, oldest_wait, now);
}

void ReplayedEngine::run_until(const Now& now) {
  std::vector<Input> none;
  while (due_) {
    const SteadyTime at = std::max(*due_, last_.steady + kOwnStep);
    if (at >= now.steady) return;
    const Now then{at, now.wall - (now.steady - at)};
    deliver(none, then);
    step_once(none, Duration{}, then);
    none.clear();
  }
}

// Its own deadlines between the step before and the one at hand.
void ReplayedEngine::catch_up(const Now& now) {
  if (now.steady - last_.steady > kStill) return;
  run_until({now.steady - kWake, now.wall - kWake});
}

void ReplayedEngine::step_once(std::vector<Input>& inputs, Duration oldest_wait, const Now& now) {
  effects_.clear();
  engine_->step(inputs, oldest_wait, now, effects_);
  ++steps_;
  last_ = now;
  due_ = effects_.next_deadline;
  for (const LedgerEntry& entry : effects_.ledger) tally_.take(entry);
  if (!exact_) {
    restarts_.take(effects_);
    for (const std::string& id : restarts_.take_unheard()) tally_.outcome_unknown(id);
    for (const Act& act : effects_.acts)
      if (const auto* sent = std::get_if<SendNotification>(&act))
        messages_.emplace_back(now.steady + kDelivery, sent->notification.id);
  }
  if (now.steady < publish_at_) return;
  publish_at_ = now.steady + kPublishEvery;
  (void)engine_->publish(now);
}

// The old monitor restarted this worker.
void ReplayedEngine::bring_in(const ProgressInput& progress, const Now& now) {
  CommandInput order{.command_id = fmt::format("recorded-{}", ++brought_in_),
                     .verb = Verb::restart,
                     .worker_id = progress.worker_id,
                     .actor = std::string(kRecordingActor),
                     .reason = "it really was restarted at this time",
                     .force = true,
                     .received = now.steady};
  std::vector<Input> inputs;
  inputs.emplace_back(std::move(order));
  step_once(inputs, Duration{}, now);
}

void ReplayedEngine::deliver(std::vector<Input>& inputs, const Now& now) {
  while (!messages_.empty() && messages_.front().first <= now.steady) {
    std::string id = std::move(messages_.front().second);
    messages_.pop_front();
    if (settled_.erase(id) > 0) continue;
    DeliveryOutcome outcome{.notification_id = std::move(id), .state = DeliveryState::delivered, .attempts = 1};
    outcome.at = now.wall;
    inputs.emplace_back(DeliveryInput{std::move(outcome), now.steady});
  }
  if (messages_.empty()) settled_.clear();
}

void ReplayedEngine::end_run() {
  if (!engine_) return;
  for (const std::string& id : restarts_.open_unheard()) tally_.outcome_unknown(id);
  const EngineStats stats = engine_->publish(last_).view->stats;
  wishes_.starts_wanted += stats.starts_wanted;
  wishes_.stops_wanted += stats.stops_wanted;
  wishes_.starts_done += stats.starts_done;
  wishes_.stops_ordered += stats.stops_ordered;
  for (const auto& [what, count] : stats.held) wishes_.held[what] += count;
  engine_.reset();
}

}  // namespace paramedic::replay
