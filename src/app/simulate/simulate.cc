// The loop: the world moves to the next instant at which something happens or the engine is due, the engine takes a
// step, the world does what it wants done.
#include "app/simulate/simulate.h"

#include <algorithm>

#include "app/simulate/world.h"
#include "base/ids.h"
#include "core/engine/engine.h"
#include "model/ledger_memory.h"

namespace paramedic::simulate {

namespace {

constexpr Duration kPublishEvery = 10min;  // nobody reads the views; they must not pile up
constexpr Duration kPruneEvery = 1h;
constexpr Duration kStoryOver = 15min;
constexpr std::size_t kNamed = 20;

SteadyTime on_grid(SteadyTime t) { return t + (kStepGrid - t.time_since_epoch() % kStepGrid) % kStepGrid; }

// What is counted of effects.
class Count {
 public:
  void take(const Effects& effects) {
    for (const LedgerEntry& entry : effects.ledger) {
      if (const auto* incident = std::get_if<Incident>(&entry.body)) note(*incident, entry.at);
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
  void finish(const World& world, WallTime now, SimulationResult& out) const {
    for (const auto& [id, last] : open_) {
      const auto& workers = last.incident.workers;
      const bool over = std::all_of(workers.begin(), workers.end(), [&](const auto& w) { return world.well(w); });
      if (!over || now - last.touched < kStoryOver) continue;
      ++out.left_open;
      if (out.open_at_end.size() < kNamed) out.open_at_end.push_back(id + ": " + last.incident.title);
    }
    out.quarantines = quarantines_;
    out.incidents = int(incidents_.size());
    for (const auto& [id, severity] : incidents_) out.critical_incidents += severity == Severity::critical;
    out.notifications_by_kind = by_kind_;
    for (const auto& [kind, count] : by_kind_) out.notifications += count;
    out.decisions = decisions_;
  }

 private:
  struct Open {
    Incident incident;
    WallTime touched{};
  };
  void note(const Incident& incident, WallTime at) {
    if (incident.open())
      open_[incident.id] = {incident, at};
    else
      open_.erase(incident.id);
    Severity& worst = incidents_.try_emplace(incident.id, incident.severity).first->second;
    worst = std::max(worst, incident.severity);
  }

  std::map<std::string, Severity> incidents_;
  std::map<std::string, Open> open_;
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
        engine_(std::make_unique<Engine>(engine_config(scenario), now_)) {}

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
      if (const MonitorRestart* due = restart_due(); due && (!due->with_order || dying_)) restart(*due);
    }
    world_.finish(now_.steady, result);
    count_.finish(world_, now_.wall, result);
    result.monitor_restarts = done_;
    return result;
  }

 private:
  bool lagging(SteadyTime t) const {
    return std::any_of(scenario_.lags.begin(), scenario_.lags.end(), [&](const MonitorLag& lag) {
      const SteadyTime from = start_.steady + scenario_.share(lag.at);
      return t >= from && t < from + lag.lasts;
    });
  }

  const MonitorRestart* restart_due() const {
    if (restarts_ >= scenario_.restarts.size()) return nullptr;
    const MonitorRestart& next = scenario_.restarts[restarts_];
    return now_.steady >= start_.steady + scenario_.share(next.at) ? &next : nullptr;
  }

  // The next life knows what the ledger kept and what the analysis had saved.
  void restart(const MonitorRestart& how) {
    ++done_;
    dying_ = false;
    delivered_.clear();
    engine_.reset();
    world_.monitor_goes();
    world_.run_until(now_.steady + how.away);
    now_.wall += how.away;
    now_.steady += how.away;
    engine_ = std::make_unique<Engine>(engine_config(scenario_), now_);
    const LedgerState state = ledger_.load(now_.wall);
    engine_->restore(state, now_);
    for (const auto& [name, bytes] : learned_) (void)engine_->restore_analysis(name, bytes, now_);
    for (const NotificationRecord& record : state.notifications)
      if (!is_final(record.state)) deliver(record.notification);
    world_.monitor_comes(now_.steady);
    while (restart_due()) ++restarts_;  // what waited for an order is over with the others of this time
    step({}, false);
  }

  void deliver(const Notification& notification) {
    DeliveryOutcome outcome{.notification_id = notification.id, .state = DeliveryState::delivered};
    outcome.attempts = 1;
    outcome.at = now_.wall;
    delivered_.push_back({std::move(outcome), now_.steady});
  }

  // What the next life will know; only where there is one. True: the monitor dies before it acts.
  bool write_down() {
    if (restarts_ >= scenario_.restarts.size()) return false;
    ledger_.commit(effects_.ledger);
    for (SavedState& state : effects_.states) learned_[state.name] = std::move(state.bytes);
    if (now_.steady >= prune_at_) {
      prune_at_ = now_.steady + kPruneEvery;
      ledger_.prune(now_.wall);
    }
    const MonitorRestart* due = restart_due();
    return due && due->with_order && std::any_of(effects_.acts.begin(), effects_.acts.end(), [](const Act& act) {
             return std::holds_alternative<SendLadder>(act);
           });
  }

  void step(Duration waited, bool lags) {
    std::vector<Input> inputs = std::move(world_.inputs());
    world_.inputs().clear();
    for (DeliveryInput& delivered : delivered_) inputs.push_back(std::move(delivered));
    delivered_.clear();
    effects_.clear();
    engine_->step(inputs, waited, now_, effects_);
    due_ = *effects_.next_deadline;
    count_.take(effects_);
    if ((dying_ = write_down())) return;
    for (const Act& act : effects_.acts)
      if (const auto* sent = std::get_if<SendNotification>(&act)) deliver(sent->notification);
    world_.perform(effects_.acts, now_.steady, lags);
    if (now_.steady < publish_at_) return;
    publish_at_ = now_.steady + kPublishEvery;
    engine_->publish(now_);
  }

  Scenario scenario_;
  Now now_, start_;
  Dice dice_;
  World world_;
  std::unique_ptr<Engine> engine_;
  Count count_;
  LedgerMemory ledger_;
  std::map<std::string, std::string> learned_;  // of the analysis, by name
  std::size_t restarts_ = 0;                    // of the scenario, that are over
  int done_ = 0;
  bool dying_ = false;
  Effects effects_;
  std::vector<DeliveryInput> delivered_;
  SteadyTime due_{}, publish_at_{}, prune_at_{};
};

}  // namespace

SimulationResult simulate(const Scenario& scenario) { return Run(scenario).all(); }

}  // namespace paramedic::simulate
