#include "io/time_zones/time_zones.h"

#include <algorithm>

#include <cctz/time_zone.h>

namespace paramedic {

namespace {

constexpr std::size_t kMaxName = 64;
constexpr int kFirstYear = 2000, kLastYear = 2100;

// Names are paths below the database's folder: nothing may lead out of it.
bool can_be_a_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '+';
  };
  return !name.empty() && name.size() <= kMaxName && name.front() != '/' && std::ranges::all_of(name, fits);
}

using Seconds = cctz::time_point<cctz::seconds>;

WallTime to_wall(Seconds t) { return WallTime(t.time_since_epoch()); }
Duration offset_at(const cctz::time_zone& zone, Seconds t) { return std::chrono::seconds(zone.lookup(t).offset); }

}  // namespace

Result<TimeZone> load_time_zone(const std::string& name) {
  if (!can_be_a_name(name))
    return make_error(Errc::invalid_argument,
                      "a time zone is named as in the IANA database, for example Europe/Berlin");
  cctz::time_zone zone;
  if (!cctz::load_time_zone(name, &zone))
    return make_error(Errc::not_found, "there is no time zone '" + name +
                                           "' in the system's database; check the name (timedatectl list-timezones) "
                                           "and that the package tzdata is installed");
  TimeZone out;
  out.name = name;
  const cctz::time_zone utc = cctz::utc_time_zone();
  const Seconds end = cctz::convert(cctz::civil_second(kLastYear + 1), utc);
  Seconds at = cctz::convert(cctz::civil_second(kFirstYear), utc);
  out.first_offset = offset_at(zone, at);
  cctz::time_zone::civil_transition change;
  while (zone.next_transition(at, &change)) {
    at = zone.lookup(change.to).trans;
    if (at >= end) break;
    out.transitions.push_back({to_wall(at), offset_at(zone, at)});
  }
  return out;
}

}  // namespace paramedic
