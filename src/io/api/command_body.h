// Bodies of changing requests. Pure; any thread. Untrusted input: at most 16 KiB (the server's limit for these paths),
// unknown members are refused by name, since a misspelt "force" must not pass as "no".
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::api {

// Each route takes some of these; the others are unknown to it.
struct CommandBody {
  std::optional<std::string> reason;  // at most 500 bytes
  std::optional<bool> force;
  std::optional<std::string> worker_id, pool;
  std::optional<bool> fleet, on, dry_run;
  std::optional<Duration> duration;  // text: "30m"
  std::optional<std::string> mode;   // demo
  std::optional<std::string> comment, author;
  std::optional<std::string> action_id;       // approve, reject: only this one
  std::optional<bool> all, pause_on_failure;  // rolling restart
  std::optional<std::string> version, host;
  std::optional<int> at_once;             // a number …
  std::optional<double> at_once_percent;  // … or a text: "10%"
};

// `members`: names that the route takes, for example {"reason", "force"}. An empty body is an empty object.
// Errors: invalid_argument, naming the member.
Result<CommandBody> parse_command_body(std::string_view json, std::initializer_list<std::string_view> members);

}  // namespace paramedic::api
