// paramedic serve: the monitor.
#include <csignal>
#include <iostream>

#include <boost/asio/io_context.hpp>

#include "app/cli/commands.h"
#include "app/cli/monitor.h"
#include "io/config/yaml.h"

namespace paramedic::cli {

int fail(const Error& error) {
  std::cerr << "paramedic: " << error.message << '\n';
  return exit_code(error.code);
}

int serve(const ServeOptions& options) {
  auto settings = load_monitor(options.config_file, options.data_dir, options.listen);
  if (!settings) return fail(settings.error());
  const SystemClock clock;
  const auto log = make_stderr_logger(parse_log_level(settings->config.log_level));
  const EmbeddedFiles files;
  // Before any thread exists, so that every thread inherits the blocked signals and only the waiter sees them.
  boost::asio::io_context signals;
  // A limit on file sizes (LimitFSIZE=) then fails a write, which is told and survived, instead of killing the monitor.
  std::signal(SIGXFSZ, SIG_IGN);
  StopSignal stop(signals);
  std::unique_ptr<daemon::Daemon> monitor;
  ReloadSignal reload(signals, [&] {
    if (monitor) (void)monitor->reload("SIGHUP");  // it logs what came of it
  });
  daemon::DaemonOptions parts{.config = std::move(settings->config),
                              .engine = std::move(settings->engine),
                              .version = kVersion,
                              .files = &files.files(),
                              .config_file = options.config_file,
                              .make_channel = channel_factory()};
  auto started = daemon::Daemon::start(std::move(parts), clock, *log);
  if (!started) return fail(started.error());
  monitor = std::move(*started);
  const int signal = stop.wait();
  log->info("stopping", {{"signal", signal}});
  monitor->stop();
  return 0;
}

}  // namespace paramedic::cli
