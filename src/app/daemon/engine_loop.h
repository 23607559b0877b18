// EngineLoop: the engine's thread. Takes what waits in the inbox, steps the engine, hands the effects on: ledger and
// acts to the dispatcher, rows to the history writer, views to the hub. Nobody else touches the engine after start().
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "app/daemon/dispatcher.h"
#include "app/daemon/inbox.h"
#include "app/daemon/view_hub.h"
#include "core/engine/engine.h"
#include "io/journal/input_journal.h"

namespace paramedic::daemon {

class EngineLoop {
 public:
  // A transition is published at once, but never more often than this …
  static constexpr Duration kPublishGap = 10ms;
  // … everything else this often.
  static constexpr Duration kPublishEvery = 250ms;

  struct Parts {
    Engine& engine;
    Inbox& inbox;
    Dispatcher& dispatcher;
    ViewHub& hub;
    std::function<void(std::vector<HistoryRow>)> store;         // never blocks
    std::function<void(std::vector<SavedState>)> store_states;  // never blocks
    journal::InputJournal* journal;                      // told of every step; null = inputs are not recorded
    const Clock& clock;
    Logger& log;
  };

  explicit EngineLoop(Parts parts) : parts_(parts) {}
  ~EngineLoop() { stop(); }

  // Publishes the restored fleet, then runs.
  void start();
  // From the next step on. Any thread; of several at once the last counts.
  void configure(EngineConfig config, std::string config_hash);
  // Last batch, a step without new acts, last publication. Idempotent. REQUIRES: nobody pushes any more.
  void stop();
  // Steady time of the latest step, for readiness: an engine that has not stepped for seconds is stuck.
  SteadyTime last_step() const { return SteadyTime{Duration{last_step_ns_.load()}}; }

 private:
  void run();
  void take_config();
  void step(std::vector<Input>& inputs, Duration waited);
  SteadyTime next_publish() const;  // REQUIRES: the view is dirty
  void publish_if_due(const Now& now);

  Parts parts_;
  Effects effects_;
  SteadyTime next_deadline_{};
  SteadyTime last_publish_{};       // of any scope
  SteadyTime last_full_publish_{};  // of everything
  bool publish_now_ = false;
  std::atomic<std::int64_t> last_step_ns_{0};
  std::atomic<bool> stopping_{false};
  std::mutex config_mutex_;  // guards next_config_ and its hash
  std::optional<EngineConfig> next_config_;
  std::string next_config_hash_;
  std::thread thread_;
};

}  // namespace paramedic::daemon
