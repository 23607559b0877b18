// Dispatcher: commits the ledger entries of all waiting steps in one transaction, then performs their acts, in order.
// submit() from the engine thread; it never blocks. One thread of its own commits and acts: performers must be quick or
// hand over themselves.
//
// When the ledger cannot commit (full disk, I/O error): notifications, leases, starts and answers go out anyway,
// ladders that would end a living process do not (they are answered as failed, so that their slot frees); the entries
// are kept and tried again each second; the engine is told by a LedgerStateInput, and told again when the ledger is
// well.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "model/effects.h"

namespace paramedic::daemon {

struct DispatcherStats {
  std::uint64_t commits = 0, commit_errors = 0, entries = 0, entries_dropped = 0, acts = 0, acts_held = 0;
  std::size_t waiting = 0;
  bool degraded = false;
  Duration commit_running{};  // how long the commit under way takes by now; 0 = none is
  std::string problem;        // why, while degraded
};

class Dispatcher {
 public:
  // Entries kept while the ledger is down; beyond it the oldest are dropped and counted.
  static constexpr std::size_t kMaxKept = 20'000;
  static constexpr Duration kRetry = 1s;

  struct Ports {
    std::function<Result<void>(std::span<const LedgerEntry>)> commit;  // blocking
    std::function<void(const Act&)> perform;
    std::function<void(Input)> tell_engine;
    std::function<void()> care;  // of the ledger: at the start, then every `care_every`; may be empty
    Duration care_every = 30s;
  };

  Dispatcher(Ports ports, Logger& log);
  ~Dispatcher();  // stop()

  void submit(std::vector<LedgerEntry> entries, std::vector<Act> acts);
  // Commits and performs what waits, then ends the thread. Idempotent.
  void stop();
  DispatcherStats stats() const;

 private:
  void run();
  void care_if_due();
  void tell_lost();
  void commit_and_act(std::vector<Act> acts);
  void enter_degraded(const Error& error);
  void leave_degraded();
  void hold(const SendLadder& act);

  Ports ports_;
  Logger& log_;
  mutable std::mutex mutex_;  // guards queue_, acts_, stopping_, stats_
  std::condition_variable wake_;
  std::vector<LedgerEntry> queue_;
  std::vector<Act> acts_;
  bool stopping_ = false;
  DispatcherStats stats_;
  std::atomic<std::int64_t> commit_began_ns_{0};  // steady; 0 = no commit is under way
  std::vector<LedgerEntry> kept_;                 // dispatcher thread only: not committed yet
  bool degraded_ = false;                         // dispatcher thread only
  std::chrono::steady_clock::time_point next_care_{};
  std::thread thread_;
};

}  // namespace paramedic::daemon
