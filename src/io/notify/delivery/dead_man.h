// DeadMan: tells somebody outside, each minute, that this monitor is well. Nobody else notices when the monitor itself
// dies: the receiver (healthchecks.io, Dead Man's Snitch, any URL) alarms when the pings stop. A ping goes out only
// while `problem` finds none, so that a monitor that runs but does not work falls silent too. One thread of its own.
#pragma once
#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/log.h"
#include "base/result.h"

namespace paramedic::notify {

struct DeadManOptions {
  std::string url;       // http or https; empty with url_file
  std::string url_file;  // holds the URL, read for each ping: it is often a secret
  Duration every = 60s;
  Duration timeout = 10s;
};

enum class PingResult { sent, failed, withheld };

struct DeadManStats {
  std::array<std::uint64_t, 3> pings{};  // by PingResult
  std::optional<WallTime> last_sent;
  std::string problem;  // of the latest ping; empty = it was taken
};

class DeadMan {
 public:
  struct Ports {
    std::function<std::string()> problem;  // why this monitor is not well; empty = it is
    // One GET; any 2xx is a success. Ended early by `cancel`.
    std::function<Result<void>(const std::string& url, Duration timeout)> ping;
    std::function<void()> cancel;
    const Clock& clock;
    Logger& log;
  };
  DeadMan(DeadManOptions options, Ports ports);
  ~DeadMan();  // stop()

  // One turn, at once: what the thread does each minute.
  PingResult turn();
  void start();
  void stop();  // within milliseconds; idempotent
  DeadManStats stats() const;

 private:
  Result<std::string> url() const;
  void run();

  const DeadManOptions options_;
  const Ports ports_;
  mutable std::mutex mutex_;  // guards the two below
  std::condition_variable wake_;
  DeadManStats stats_;
  bool stopping_ = false;
  std::thread thread_;
};

// Ping and cancel over libcurl, for use by one DeadMan.
DeadMan::Ports curl_ping(DeadMan::Ports ports);

}  // namespace paramedic::notify

namespace paramedic {
PARAMEDIC_ENUM_NAMES(notify::PingResult, "sent", "failed", "withheld")
}
