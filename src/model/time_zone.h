// A time zone as plain data, so that core can compute local times without asking the system. io/time_zones reads it
// from the system's database. A plain value; any thread may read a const one.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"

namespace paramedic {

// What a clock on the wall of that zone shows.
using LocalTime = std::chrono::local_time<Duration>;

struct TimeZone {
  struct Transition {
    WallTime at;      // from here on …
    Duration offset;  // … local = UTC + offset
  };
  std::string name = "UTC";             // "Europe/Berlin"
  Duration first_offset{};              // before the first transition
  std::vector<Transition> transitions;  // rising

  Duration offset_at(WallTime t) const;
  LocalTime local(WallTime t) const { return LocalTime(t.time_since_epoch() + offset_at(t)); }
  // The first instant at which the clock shows `t`; when the clock leaps over `t`, the instant of the leap.
  WallTime instant(LocalTime t) const;
};

}  // namespace paramedic
