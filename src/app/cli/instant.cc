#include "app/cli/instant.h"

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic::cli {

Result<WallTime> parse_instant(const std::string& text, const char* option, WallTime now) {
  if (const auto at = parse_time(text)) return *at;
  const auto ago = parse_duration(text);
  if (ago && *ago <= now.time_since_epoch()) return now - *ago;
  return Error{Errc::invalid_argument,
               fmt::format("{} '{}' must be an instant as 2026-11-23T17:40:00Z or how long ago, as 7d", option, text)};
}

}  // namespace paramedic::cli
