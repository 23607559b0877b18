// PoolExecutor: queue, threads, idempotency and progress of the executor of one pool, whatever its kind.
//
// submit() from the dispatcher's thread; it never blocks. Threads of its own, `parallel` at most, begun when there is
// something to do. Per job it tells: accepted and the step begun when it begins, then the end; a job that is not begun
// is refused in words. An action_id is performed once: while it waits or runs another submit changes nothing, later the
// end is told again (of the last kRemembered). One that was refused or held back is forgotten, so that it may be tried
// again.
//
// What waits when it stops is dropped without a word: the ledger still holds it as `sent`, and the next life of the
// monitor judges anew.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "io/restart/executor.h"
#include "model/histogram.h"
#include "model/input.h"

namespace paramedic::restart {

// What the monitor knows of a worker at this moment.
struct KnownWorker {
  std::string host, incarnation;
};

// Of one kind, since the first job. Each job ends in one of the four.
struct JobCounts {
  std::uint64_t succeeded = 0, failed = 0;
  std::uint64_t refused = 0;    // not begun
  std::uint64_t held_back = 0;  // "not now"
  DurationHistogram seconds;    // of those that were begun
};

class PoolExecutor {
 public:
  static constexpr std::size_t kRemembered = 1000;

  struct Ports {
    // Any of its threads, no lock held. False: full, tried again.
    std::function<bool(ProgressInput)> tell;
    // Any of its threads; nullopt = not known any more.
    std::function<std::optional<KnownWorker>(const std::string& worker_id)> find;
  };

  PoolExecutor(ExecutorSetup setup, Ports ports) : ports_(std::move(ports)), setup_(std::move(setup)) {}
  ~PoolExecutor();  // stop(0s)
  PoolExecutor(const PoolExecutor&) = delete;
  PoolExecutor& operator=(const PoolExecutor&) = delete;

  void submit(Job job);
  // A changed configuration: for jobs that begin from here on; what runs goes on as it began.
  void configure(ExecutorSetup setup);
  std::map<std::string, JobCounts> counts() const;  // by kind; any thread
  // Begins nothing any more, and drops what waits.
  void close();
  // close(), then lets what runs go on for `grace`, then cancels it; both ends are told. Idempotent.
  void stop(Duration grace);

 private:
  struct Waiting {
    Job job;
    SteadyTime since;
  };
  struct Running {
    std::string worker_id;
    std::shared_ptr<Attempt> attempt;
  };

  void run();
  void perform(std::unique_lock<std::mutex>& lock, Waiting next);
  std::string refusal(const Job& job) const;
  std::string too_late(const ExecutorSetup& setup, Waiting& next) const;
  std::shared_ptr<Attempt> begin(const Executor& executor, const Job& job);
  ProgressInput run_to_end(const Job& job, Attempt& attempt);
  void count(const std::string& kind, const ProgressInput& end, std::optional<Duration> took);
  void remember(const std::string& action_id, ProgressInput end);
  void tell(const ProgressInput& progress);

  const Ports ports_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_, ended_;
  ExecutorSetup setup_;
  std::deque<Waiting> waiting_;
  std::map<std::string, Running> running_;      // by action_id
  std::map<std::string, ProgressInput> known_;  // ends, by action_id
  std::deque<std::string> order_;               // of known_, oldest first
  std::vector<std::thread> threads_;
  std::map<std::string, JobCounts> counts_;  // by kind
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace paramedic::restart
