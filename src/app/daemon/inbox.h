// Inbox: the bounded queue between whoever brings inputs (I/O threads, writers) and the engine thread.
// push() from any thread, never blocks. take() from the engine thread only.
// Three lanes: urgent inputs wake the engine at once; live ones are taken together every kBatch, a large batch in
// portions, so that an urgent input never waits behind a frame of thousands; backlog reports (measured during an
// outage) are taken in small portions behind both, so that yesterday never delays today.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/input.h"

namespace paramedic::daemon {

struct InboxLimits {
  std::size_t live = 32'768;    // reports and frames
  std::size_t urgent = 65'536;  // an operator's command must still fit when reports fill the live lane
  std::size_t backlog = 8'192;
  std::size_t live_per_take = 256;  // about 4 ms of rounds: what an urgent input may have to wait for
  std::size_t backlog_per_take = 512;
};

struct InboxStats {
  std::size_t live = 0, urgent = 0, backlog = 0;  // waiting now
  std::uint64_t accepted = 0, refused = 0;        // since start
};

class Inbox {
 public:
  static constexpr Duration kBatch = 10ms;

  explicit Inbox(InboxLimits limits = {}) : limits_(limits) {}

  // All or none: Errc::unavailable when the lane of one of them is full; `inputs` is emptied only on success, so that a
  // producer that can wait tries again with the same.
  Result<void> push(std::vector<Input>& inputs, SteadyTime now);
  Result<void> push(Input input, SteadyTime now);
  // Whether a producer that can wait (a WebSocket) should stop reading for a while.
  bool nearly_full() const;

  // Waits until something is due (an urgent input, a full batch time, `deadline`, or stop()) and moves it into `out`.
  // Returns how long the oldest of the live and urgent ones had waited.
  Duration take(std::vector<Input>& out, SteadyTime deadline, const Clock& clock);
  // How long the oldest live or urgent input waits by now; zero when none does.
  Duration oldest_wait(SteadyTime now) const;
  InboxStats stats() const;
  // The next take() returns at once, though nothing may wait.
  void wake();
  // From now on take() returns at once, and with everything that waits: what was accepted is not lost.
  void stop();

 private:
  struct Waiting {
    Input input;
    SteadyTime since;
  };
  enum class Lane { urgent, live, backlog };
  static Lane lane_of(const Input& input);
  static void move_front(std::deque<Waiting>& queue, std::size_t count, std::vector<Input>& out);
  Duration oldest_locked(SteadyTime now) const;
  bool fits(std::size_t urgent, std::size_t live, std::size_t backlog) const;

  const InboxLimits limits_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<Waiting> urgent_, live_, backlog_;
  std::uint64_t accepted_ = 0, refused_ = 0;
  bool stopped_ = false, woken_ = false;
};

}  // namespace paramedic::daemon
