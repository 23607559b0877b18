// Daemon: the composition root of the monitor. Builds every part, in order, and takes them down in the reverse order.
// No globals: several daemons fit in one process (tests do it). start() and stop() from one thread (main); everything
// else happens on the daemon's own threads.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "app/daemon/reload.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/params.h"
#include "core/engine/engine_config.h"
#include "io/api/ports.h"
#include "io/config/monitor_config.h"
#include "io/notify/delivery/delivery_config.h"

namespace paramedic::daemon {

struct DaemonOptions {
  config::MonitorConfig config;
  EngineConfig engine;
  std::string version;
  const api::StaticFiles* files = nullptr;  // dashboard and /openapi.json; null = none
  std::string config_file;                  // for reloads; empty = none
  api::DemoControl* demo = nullptr;         // only in the demonstration
  notify::ChannelFactory make_channel;      // of `channels:`; empty = a configured channel is a problem
};

class Daemon {
 public:
  // Opens the stores, restores the engine, then listens. Errors name the thing and the remedy: port in use, unwritable
  // data directory, another monitor on it, bad token file, non-loopback address without tokens.
  static Result<std::unique_ptr<Daemon>> start(DaemonOptions options, const Clock& clock, Logger& log);
  virtual ~Daemon() = default;  // stop()

  virtual std::uint16_t port() const = 0;
  // Reads the configuration file again; see ConfigReload. Blocks on the file.
  virtual Result<std::string> reload(std::string_view actor) = 0;
  // Stops accepting, ends streams, takes the last batch, commits, flushes. Workers stay up. Idempotent.
  virtual void stop() = 0;
};

}  // namespace paramedic::daemon
