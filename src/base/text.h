// Times, durations, sizes and numbers as text, both ways.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic {

// RFC 3339 in UTC with milliseconds: 2026-11-23T17:40:00.200Z
std::string format_time(WallTime t);
// RFC 3339 with any offset and 0–9 decimals; a time without offset is read as UTC. Years 1970–2261.
Result<WallTime> parse_time(std::string_view text);

// "250ms", "30s", "5m", "1h30m", "7d"; a bare number is refused, since its unit would be a guess.
Result<Duration> parse_duration(std::string_view text);
// The shortest form that parse_duration reads back: "90s" -> "1m30s".
std::string format_duration(Duration d);

// "512", "64KiB", "10MiB", "2GiB" -> bytes.
Result<std::uint64_t> parse_bytes(std::string_view text);

// Shortest decimal that reads back as the same double; integers without ".0"; NaN as "NaN".
std::string format_number(double value);
// At most `decimals` digits after the point, without trailing zeros: for messages that people read.
std::string format_short(double value, int decimals = 1);

// At most `max_bytes` of it; what was cut shows as "…" and no UTF-8 sequence is split.
std::string cut_text(std::string_view text, std::size_t max_bytes);

}  // namespace paramedic
