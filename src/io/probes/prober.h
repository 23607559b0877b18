// Prober: asks each probe again and again and tells the engine. One thread per probe (at most kMaxProbes), so that a
// slow one delays nobody. Every miss is told, every change, and of a probe that stays well a sign of life each 10 s.
// Threads: the constructor starts nothing; start(), stop() from the owner's thread, stats() from any. `tell` is called
// on the threads of the probes and must not block.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/probes/probe.h"
#include "model/input.h"

namespace paramedic::probes {

struct ProbeStats {
  std::string name;
  bool up = false;      // the latest try
  double duration = 0;  // of it, in seconds
  std::uint64_t tries = 0, failures = 0;
};

class Prober {
 public:
  static constexpr Duration kKeepAlive = 10s;
  using Tell = std::function<void(ProbeInput)>;

  Prober(std::vector<ProbeEntry> entries, Tell tell, const Clock& clock, Logger& log);
  ~Prober() { stop(); }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  void start();
  // Ends running tries and joins; nothing is told afterwards. Repeatable.
  void stop();
  std::vector<ProbeStats> stats() const;  // in the order of the configuration; tries 0 = not ended yet

 private:
  struct Watch {
    ProbeEntry entry;
    ProbeStats stats;                // under mutex_
    std::optional<SteadyTime> told;  // the rest: its thread only
    std::optional<bool> last;
    std::thread thread;
  };
  void run(Watch& watch);
  void try_once(Watch& watch);
  void note(const Watch& watch, const ProbeInput& input);

  const Tell tell_;
  const Clock& clock_;
  Logger& log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Watch>> watches_;
};

// Of untrusted words: at most 300 printable characters.
std::string printable(std::string_view text);
// From one try's begin to the next: the interval ±10 %, by name and number, so that probes spread and a replay agrees.
Duration jittered(Duration interval, std::string_view name, std::uint64_t attempt);

}  // namespace paramedic::probes
