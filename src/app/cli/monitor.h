// What serve and demo share: the monitor's configuration from a file, the embedded files, waiting for the end.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "app/cli/version.h"
#include "app/daemon/daemon.h"

namespace paramedic::cli {

struct MonitorSettings {
  config::MonitorConfig config;
  EngineConfig engine;
};
// File (empty = defaults), then the command line's data_dir and listen over it. The error holds all problems, a line
// each.
Result<MonitorSettings> load_monitor(const std::string& file, const std::string& data_dir, const std::string& listen);

// All that the parsed file means, so that everything that is wrong is said at once; channels are built to be judged.
EngineConfig check_all(const config::MonitorConfig& config, Problems& problems);

// The kinds of channel that this program has.
notify::ChannelFactory channel_factory();

LogLevel parse_log_level(const std::string& name);

// Dashboard and API description.
class EmbeddedFiles {
 public:
  EmbeddedFiles();
  ~EmbeddedFiles();
  const api::StaticFiles& files() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// SIGINT or SIGTERM. Construct it before any thread starts; wait() runs the given loop.
class StopSignal {
 public:
  explicit StopSignal(boost::asio::io_context& loop) : loop_(loop), set_(loop, SIGINT, SIGTERM) {
    set_.async_wait([this](const boost::system::error_code&, int signal) { got_ = signal; });
  }
  int wait();
  int got() const { return got_; }

 private:
  boost::asio::io_context& loop_;
  boost::asio::signal_set set_;
  int got_ = 0;
};

// SIGHUP, again and again. Runs on the loop of a StopSignal. Without one SIGHUP would end the program.
class ReloadSignal {
 public:
  ReloadSignal(boost::asio::io_context& loop, std::function<void()> act) : set_(loop, SIGHUP), act_(std::move(act)) {
    arm();
  }

 private:
  void arm() {
    set_.async_wait([this](const boost::system::error_code& failed, int) {
      if (failed) return;
      act_();
      arm();
    });
  }
  boost::asio::signal_set set_;
  std::function<void()> act_;
};

}  // namespace paramedic::cli
