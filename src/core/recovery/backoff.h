// When a dead worker may be started again: 0, 10, 20, 40, 80, 160, 300, 300 … s, each + 0–25 %, from the beginning
// after 10 min healthy; 6 crashes in 30 min are a crash loop: a try every 300 s. (Kubernetes' curve; design section 8.)
// Pure value type, used by the monitor and by the agent: the same (worker, incarnation, attempt) gives the same delay
// on both sides. Owned by one thread. Example: deaths of w at 0 s, 5 s, 30 s wait 0 s, 10–12.5 s, 20–25 s.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace paramedic {

struct BackoffPolicy {
  Duration first = 10s;                // the wait before the second start; the first one is immediate
  Duration cap = 300s;                 // no wait is longer than this (+ jitter)
  double jitter = 0.25;                // share of the wait added at most, from a hash
  Duration healthy_reset = 10min;      // healthy for so long: the next crash is the first again
  int crash_loop_crashes = 6;          // so many crashes …
  Duration crash_loop_window = 30min;  // … within this …
  Duration crash_loop_every = 300s;    // … and the worker is tried only so often
  bool operator==(const BackoffPolicy&) const = default;
};

class Backoff {
 public:
  Backoff() = default;
  explicit Backoff(BackoffPolicy policy) : policy_(policy) {}

  // A new incarnation lives since `at`.
  void on_start(SteadyTime at);
  // It lives and is healthy, or is not: the healthy time begins with the first `on_healthy` after it was not. May be
  // said again and again. The agent, which judges nobody, never calls these: to it all that lives is healthy.
  void on_healthy(SteadyTime at);
  void on_unhealthy();
  // It died unwanted. Begins a new streak when it had been healthy for `healthy_reset`.
  void on_death(SteadyTime at);
  // Ends the streak when the worker has now been healthy long enough; true when something was forgotten.
  bool reset_if_healthy(SteadyTime now);
  // Operator, new version, recovered broker: as if it had never crashed.
  void clear();
  // Sets the streak to what the monitor counted (lease): deaths up to now, the latest one included if it is dead.
  void adopt(int crashes, SteadyTime now);

  int crashes() const { return crashes_; }  // in the present streak
  bool crash_loop(SteadyTime now) const;
  std::optional<SteadyTime> last_death() const { return last_death_; }
  // The wait after the latest death; 0 when there was none.
  Duration delay(std::string_view worker, std::string_view incarnation) const;
  // last death + delay; nullopt when nothing ever died.
  std::optional<SteadyTime> next_start(std::string_view worker, std::string_view incarnation) const;
  // When reset_if_healthy will answer true; nullopt while dead, not healthy or without a streak.
  std::optional<SteadyTime> resets_at() const;
  const BackoffPolicy& policy() const { return policy_; }
  void set_policy(BackoffPolicy policy) { policy_ = policy; }

 private:
  void keep_latest(int count);

  BackoffPolicy policy_;
  int crashes_ = 0;
  std::vector<SteadyTime> deaths_;           // of the present streak, ascending, the latest crash_loop_crashes at most
  std::optional<SteadyTime> healthy_since_;  // set while it lives and is healthy
  std::optional<SteadyTime> last_death_;
};

// The wait before start number `crashes` (1 = the first, immediate), without and with jitter.
Duration backoff_base(const BackoffPolicy& policy, int crashes, bool crash_loop);
Duration backoff_delay(const BackoffPolicy& policy, int crashes, bool crash_loop, std::string_view worker,
                       std::string_view incarnation);

// Idempotency key of one start or restart: "act-" + worker (24 bytes at most) + "-" + 16 hex digits of the hash of
// (worker, incarnation, attempt). Monitor and agent name the start after one death alike, so it is counted once.
std::string make_action_id(std::string_view worker, std::string_view incarnation, std::int64_t attempt);

}  // namespace paramedic
