#include "io/notify/delivery/token_bucket.h"

#include <algorithm>

namespace paramedic::notify {

namespace {
// Adding up doubles may leave a hair less than a whole token at the very instant for which it was announced.
constexpr double kHair = 1e-6;
}  // namespace

double TokenBucket::tokens(SteadyTime now) const {
  const double gained = now > at_ ? to_seconds(now - at_) * pace_.per_second : 0;
  return std::min<double>(pace_.burst, tokens_ + gained);
}

void TokenBucket::set_pace(Pace pace, SteadyTime now) {
  const double have = tokens(now);
  pace_ = pace;
  tokens_ = std::min<double>(pace.burst, have);
  at_ = std::max(at_, now);
}

bool TokenBucket::take(SteadyTime now) {
  const double have = tokens(now);
  if (have < 1 - kHair) return false;
  tokens_ = std::max(0.0, have - 1);
  at_ = std::max(at_, now);
  return true;
}

SteadyTime TokenBucket::ready_at(double count, SteadyTime now) const {
  const double missing = count - tokens(now);
  return missing <= kHair ? now : now + from_seconds(missing / pace_.per_second);
}

}  // namespace paramedic::notify
