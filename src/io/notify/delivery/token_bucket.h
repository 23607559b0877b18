// TokenBucket: how fast messages may leave for one destination. Pure: the time is a parameter. One thread at a time.
// Example: {per_second 1, burst 3} lets three go at once, then one a second.
#pragma once
#include "base/clock.h"

namespace paramedic::notify {

struct Pace {
  double per_second = 1;  // > 0
  int burst = 3;          // ≥ 1
  bool operator==(const Pace&) const = default;
};

class TokenBucket {
 public:
  TokenBucket(Pace pace, SteadyTime now) : pace_(pace), tokens_(pace.burst), at_(now) {}

  // Another pace from now on; what is in the bucket stays, up to the new burst.
  void set_pace(Pace pace, SteadyTime now);
  double tokens(SteadyTime now) const;
  // Takes one. False: there is none.
  bool take(SteadyTime now);
  // When `count` are in the bucket, if nobody takes one before. REQUIRES: count ≤ burst.
  SteadyTime ready_at(double count, SteadyTime now) const;

 private:
  Pace pace_;
  double tokens_;  // at at_
  SteadyTime at_;
};

}  // namespace paramedic::notify
