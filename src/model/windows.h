// Small sliding windows without heap: sums per 30 s slot (and per 5 min slot behind them). Plain values; written by
// core/fleet, read by core/checks. Times are the receiver's steady clock. A mean over L covers just L: of the slot in
// which it begins it takes the share that lies within. Counts of finished tasks over L cover L to L + one slot.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace paramedic {

inline constexpr Duration kWindowSlot = 30s;
inline constexpr Duration kWindow = 5min;    // what rates and means look at
inline constexpr Duration kWideWindow = 1h;  // how far a thin window may be widened

// Mean of a gauge over at most 5 min.
class MeanWindow {
 public:
  struct Mean {
    double value = 0;
    Duration covered{};  // from the first sample in the window to now; a mean over 20 s is not one over 5 min
  };
  void add(SteadyTime at, double value);
  // nullopt without a sample in the window. REQUIRES: window <= kWindow.
  std::optional<Mean> mean(SteadyTime now, Duration window = kWindow) const;
  void clear() { *this = MeanWindow{}; }

 private:
  struct Slot {
    std::uint32_t number = 0;  // steady time / 30 s, plus 1; 0 = empty
    std::uint32_t count = 0;
    float sum = 0;
    std::uint32_t first = 0;  // second of its first sample
  };
  std::array<Slot, 11> slots_{};
};

// Finished tasks over 5 min, widened to 1 h where they are few.
class FinishWindow {
 public:
  struct Sum {
    std::uint64_t finished = 0;  // completed + failed; retried, revoked and lost ones are neither
    std::uint64_t failed = 0;
    std::uint64_t measured = 0;  // those with a known duration
    double duration_seconds = 0;
    Duration span{};  // what the sum really covers: shorter than asked for a young worker
    std::uint64_t completed() const { return finished - failed; }
    std::optional<double> error_rate() const;    // 0…1; nullopt without a finished task
    std::optional<double> mean_seconds() const;  // nullopt without a measured task
    double per_minute() const;
  };
  // Counting begins at `at`; without it the first add() begins it.
  void begin(SteadyTime at);
  void add(SteadyTime at, const Sum& more);
  Sum over(SteadyTime now, Duration span = kWindow) const;
  // `span`, or longer until it holds `wanted` finished tasks, at most `limit`.
  Sum widened(SteadyTime now, std::uint64_t wanted, Duration span = kWindow, Duration limit = kWideWindow) const;
  void clear() { *this = FinishWindow{}; }

 private:
  struct Slot {
    std::uint32_t number = 0;  // as above, in units of its ring
    std::uint32_t finished = 0, failed = 0, measured = 0;
    float seconds = 0;
    void add(const Slot& more);
  };
  void fold(const Slot& old);
  std::array<Slot, 11> fine_{};    // 30 s each
  std::array<Slot, 13> coarse_{};  // 5 min each: what fell out of fine_
  std::uint32_t begun_ = 0;        // second + 1; 0 = not yet
};

}  // namespace paramedic
