// Options that name a time: "2026-11-23T17:40:00Z", or "7d" = that long ago.
#pragma once
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::cli {

// Error: invalid_argument; names `option` and what it may hold.
Result<WallTime> parse_instant(const std::string& text, const char* option, WallTime now);

}  // namespace paramedic::cli
