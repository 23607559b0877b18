// Messenger: delivery of notifications and the dead-man ping as the daemon wires them: configuration in, outcomes to
// the engine, numbers and readiness out. perform(), committed() and set_degraded() from the dispatcher's thread;
// reload() and stop() from main; the rest from any.
#pragma once
#include <memory>
#include <mutex>

#include "io/api/ports.h"
#include "io/config/monitor_config.h"
#include "io/ledger/ledger.h"
#include "io/notify/delivery/dead_man.h"
#include "io/notify/delivery/delivery.h"
#include "io/notify/delivery/delivery_config.h"
#include "io/telemetry/monitor_stats.h"

namespace paramedic::daemon {

class Messenger {
 public:
  struct Ports {
    std::function<Result<void>(Input)> tell_engine;  // may refuse: tried again
    std::function<std::string()> problem;            // why this monitor does not work; empty = it does
    const Clock& clock;
    Logger& log;
  };

  // Error: invalid_argument with all problems of `channels:`.
  static Result<std::unique_ptr<Messenger>> make(const config::MonitorConfig& config, notify::ChannelFactory factory,
                                                 Ports ports);
  ~Messenger();  // stop(0s)

  // What the last life said, and to whom: before start().
  void restore(Ledger& ledger, const LedgerState& state, const Now& now);
  void start();
  bool perform(const Act& act);  // false: no message
  void committed(std::span<const LedgerEntry> entries) { delivery_->recorded(entries); }
  void set_degraded(bool degraded) { delivery_->set_degraded(degraded); }
  // Channels and dead man of a new configuration; all or nothing.
  Result<void> reload(const config::MonitorConfig& config);
  void stop(Duration drain);

  void add_stats(telemetry::MonitorStats& stats) const;
  std::vector<api::ReadinessPart> parts() const;

 private:
  Messenger(notify::ChannelFactory factory, Ports ports) : factory_(std::move(factory)), ports_(std::move(ports)) {}
  void set_dead_man(const config::DeadManConfig& config);

  const notify::ChannelFactory factory_;
  const Ports ports_;
  std::unique_ptr<notify::Delivery> delivery_;
  config::DeadManConfig dead_man_config_;
  mutable std::mutex mutex_;                   // guards dead_man_ between main and readers
  std::unique_ptr<notify::DeadMan> dead_man_;  // null when none is configured
};

}  // namespace paramedic::daemon
