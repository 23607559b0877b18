// Reload of the configuration file while the monitor runs: all or nothing. A file with any problem is refused as a
// whole, its problems are logged, and the configuration in force stays. What cannot change without a restart (listen,
// stores, sources, …) is named in the answer and stays as it was.
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "core/engine/engine_config.h"
#include "io/api/ports.h"
#include "io/config/monitor_config.h"

namespace paramedic::daemon {

// The typed engine configuration of a monitor's file; problems are added for every key of every pool.
EngineConfig make_engine_config(const config::MonitorConfig& config, Problems& problems);

class ConfigReload final : public api::Reload {
 public:
  // Hands the parts that may change to whoever uses them, with the lock held. An error: nobody took anything.
  using Apply = std::function<Result<void>(const config::MonitorConfig& config, EngineConfig engine)>;

  // `file` is what the monitor was started with; empty = no file, and reload() says so. Keeps its present text as that
  // in force.
  ConfigReload(std::string file, const Clock& clock, Logger& log, Apply apply);

  // Any thread, several at once: one after the other. Reads a file: not on an I/O thread. The value says what is in
  // force now; the error holds all problems, a line each.
  Result<std::string> reload(std::string_view actor) override;

  // The monitor stops: nothing is taken any more.
  void close();

  struct State {
    std::optional<WallTime> success_at;  // when the configuration in force was read; unset without a file
    bool ok = true;                      // the latest try
  };
  State state() const;

 private:
  Result<std::string> load();

  const std::string file_;
  const Clock& clock_;
  Logger& log_;
  const Apply apply_;
  mutable std::mutex mutex_;  // guards what follows
  Params in_force_;
  State state_;
  bool closed_ = false;
};

}  // namespace paramedic::daemon
