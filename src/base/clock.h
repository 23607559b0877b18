// Time. Core code never asks a clock: it is handed Now. Only daemon, agent, cli and net own a Clock; tests use
// ManualClock. Steady time measures intervals and ages. Wall time is for people and for whatever is persisted.
#pragma once
#include <chrono>

namespace paramedic {

using Duration = std::chrono::nanoseconds;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;
using namespace std::chrono_literals;

// One instant on both clocks, taken together.
struct Now {
  SteadyTime steady{};
  WallTime wall{};
};

inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline Duration from_seconds(double s) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}
// The wall time that belongs to `t`, seen from `now`.
inline WallTime wall_at(SteadyTime t, const Now& now) { return now.wall + (t - now.steady); }
inline SteadyTime steady_at(WallTime t, const Now& now) { return now.steady + (t - now.wall); }

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() const = 0;  // any thread
};

class SystemClock final : public Clock {
 public:
  Now now() const override { return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()}; }
};

// For tests: stands still until told. Not for several threads.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{Duration{1'795'000'000'000'000'000}}) : now_{SteadyTime{1h}, start} {}
  Now now() const override { return now_; }
  Now advance(Duration d) {
    now_.steady += d;
    now_.wall += d;
    return now_;
  }
  // A step of the wall clock alone, as an operator or NTP makes it.
  void jump_wall(Duration d) { now_.wall += d; }

 private:
  Now now_;
};

}  // namespace paramedic
