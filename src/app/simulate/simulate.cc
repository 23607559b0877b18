// The loop: the world moves to the next instant at which something happens or the engine is due, the engine takes a
// step, the world does what it wants done.
#include "app/simulate/simulate.h"

#include <algorithm>

#include "app/simulate/world.h"
#include "base/ids.h"
#include "core/engine/engine.h"

namespace paramedic::simulate {

namespace {

constexpr Duration kPublishEvery = 10min;  // nobody reads the views; they must not pile up

SteadyTime on_grid(SteadyTime t) { return t + (kStepGrid - t.time_since_epoch() % kStepGrid) % kStepGrid; }

// What is counted of effects.
class Ledger {
 public:
  void take(const Effects& effects) {
    for (const LedgerEntry& entry : effects.ledger) {
      if (const auto* incident = std::get_if<Incident>(&entry.body)) note(*incident);
      if (const auto* quarantine = std::get_if<QuarantineRecord>(&entry.body)) quarantines_ += quarantine->on;
      if (const auto* action = std::get_if<ActionRecord>(&entry.body))
        decisions_ = stable_hash(action->action_id, hash_mix(decisions_, std::uint64_t(action->state)));
    }
    for (const Act& act : effects.acts)
      if (const auto* sent = std::get_if<SendNotification>(&act)) {
        ++by_kind_[std::string(to_string(sent->notification.kind))];
        decisions_ = stable_hash(sent->notification.id, decisions_);
      }
  }
  void finish(SimulationResult& out) const {
    out.quarantines = quarantines_;
    out.incidents = int(incidents_.size());
    for (const auto& [id, severity] : incidents_) out.critical_incidents += severity == Severity::critical;
    out.notifications_by_kind = by_kind_;
    for (const auto& [kind, count] : by_kind_) out.notifications += count;
    out.decisions = decisions_;
  }

 private:
  void note(const Incident& incident) {
    Severity& worst = incidents_.try_emplace(incident.id, incident.severity).first->second;
    worst = std::max(worst, incident.severity);
  }

  std::map<std::string, Severity> incidents_;
  std::map<std::string, int> by_kind_;
  int quarantines_ = 0;
  std::uint64_t decisions_ = 0;
};

class Run {
 public:
  explicit Run(const Scenario& scenario)
      : scenario_(scenario),
        now_(ManualClock().now()),
        start_(now_),
        dice_(scenario.seed ^ 0x6c61),
        world_(scenario, now_),
        engine_(engine_config(scenario), now_) {}

  SimulationResult all() {
    const SteadyTime end = now_.steady + scenario_.length();
    SimulationResult result;
    for (step({}, false); now_.steady < end; ++result.steps) {
      SteadyTime next = std::min({on_grid(due_), world_.next_event().value_or(end), end});
      if (!world_.inputs().empty()) next = std::min(next, now_.steady + 1ms);  // an answer wakes the engine at once
      const bool lags = lagging(next);
      const SteadyTime planned = next;
      if (lags) next += dice_.between(3s, 10s);
      world_.run_until(next);
      now_.wall += next - now_.steady;
      now_.steady = next;
      step(lags ? next - planned : Duration{}, lags);
    }
    world_.finish(now_.steady, result);
    ledger_.finish(result);
    return result;
  }

 private:
  bool lagging(SteadyTime t) const {
    return std::any_of(scenario_.lags.begin(), scenario_.lags.end(), [&](const MonitorLag& lag) {
      const SteadyTime from = start_.steady + scenario_.share(lag.at);
      return t >= from && t < from + lag.lasts;
    });
  }

  void step(Duration waited, bool lags) {
    std::vector<Input> inputs = std::move(world_.inputs());
    world_.inputs().clear();
    for (DeliveryInput& delivered : delivered_) inputs.push_back(std::move(delivered));
    delivered_.clear();
    effects_.clear();
    engine_.step(inputs, waited, now_, effects_);
    due_ = *effects_.next_deadline;
    ledger_.take(effects_);
    for (const Act& act : effects_.acts)
      if (const auto* sent = std::get_if<SendNotification>(&act)) {
        DeliveryOutcome outcome{.notification_id = sent->notification.id, .state = DeliveryState::delivered};
        outcome.attempts = 1;
        outcome.at = now_.wall;
        delivered_.push_back({std::move(outcome), now_.steady});
      }
    world_.perform(effects_.acts, now_.steady, lags);
    if (now_.steady < publish_at_) return;
    publish_at_ = now_.steady + kPublishEvery;
    engine_.publish(now_);
  }

  Scenario scenario_;
  Now now_, start_;
  Dice dice_;
  World world_;
  Engine engine_;
  Ledger ledger_;
  Effects effects_;
  std::vector<DeliveryInput> delivered_;
  SteadyTime due_{}, publish_at_{};
};

}  // namespace

SimulationResult simulate(const Scenario& scenario) { return Run(scenario).all(); }

}  // namespace paramedic::simulate
