// Reads IANA time zones from the system's database (package tzdata) into plain data.
#pragma once
#include <string>

#include "base/result.h"
#include "model/time_zone.h"

namespace paramedic {

// "Europe/Berlin", "UTC": its transitions from 2000 to 2100; after them the last offset goes on. Looks in $TZDIR, else
// /usr/share/zoneinfo. Blocks (reads a file); any thread. Errors: invalid_argument for what cannot be a name, not_found
// with the remedy for a name that the database does not have.
Result<TimeZone> load_time_zone(const std::string& name);

}  // namespace paramedic
