// BrokerProcess: the demo's supervisor of its queue server. Starts `PROGRAM demo-broker`, ends it while the control
// file says "off", starts it again when it dies. Owned and called by one thread that lives as long as it (the demo's
// main thread): call tick() about every 200 ms. It never blocks longer than stop() may take (2 s).
#pragma once
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "app/demo/control.h"
#include "base/clock.h"
#include "base/result.h"

namespace paramedic::demo {

class BrokerProcess {
 public:
  // `program` = the paramedic executable (/proc/self/exe is fine); `tasks_per_second` per queue.
  BrokerProcess(std::filesystem::path program, std::filesystem::path root, double tasks_per_second);
  ~BrokerProcess();  // stop()
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // Brings the process into the wanted state. Errors: io (cannot start); tried again by the next call after a second.
  Result<void> tick(SteadyTime now);
  // TERM, after 1 s KILL; returns when it has ended.
  void stop();
  pid_t pid() const { return pid_; }  // 0 = not running

 private:
  Result<void> start();
  void reap();

  std::filesystem::path program_;
  DemoLayout layout_;
  double tasks_per_second_;
  pid_t pid_ = 0;
  bool asked_to_end_ = false;
  SteadyTime not_before_{};
};

}  // namespace paramedic::demo
