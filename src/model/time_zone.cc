#include "model/time_zone.h"

#include <algorithm>

namespace paramedic {

Duration TimeZone::offset_at(WallTime t) const {
  const auto next = std::upper_bound(transitions.begin(), transitions.end(), t,
                                     [](WallTime at, const Transition& x) { return at < x.at; });
  return next == transitions.begin() ? first_offset : std::prev(next)->offset;
}

WallTime TimeZone::instant(LocalTime t) const {
  // Piece by piece between the transitions: the first piece that ends after `t` holds it, or begins after a leap over
  // it.
  WallTime begin = WallTime::min();
  Duration offset = first_offset;
  for (const Transition& next : transitions) {
    const WallTime here(t.time_since_epoch() - offset);
    if (here < next.at) return std::max(here, begin);
    begin = next.at;
    offset = next.offset;
  }
  return std::max(WallTime(t.time_since_epoch() - offset), begin);
}

}  // namespace paramedic
