// Bodies of POST /silences. Pure; any thread. Untrusted input of at most 16 KiB: unknown members are refused by name.
#pragma once
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "model/notification.h"

namespace paramedic::api {

inline constexpr std::size_t kMaxMatchers = 16;

// {"matchers":["pool=thumbs", {"label":"host","op":"=~","value":"h[12]"}], "duration":"2h" or "ends_at":T,
//  "starts_at":T (default: now), "comment":"…", "author":"…" (default: the caller)}. Errors: invalid_argument, naming
//  the
// member. Whether a regular expression is one is for the engine to say.
Result<Silence> parse_silence_body(std::string_view json, WallTime now);

}  // namespace paramedic::api
