// How the subcommands talk to a running monitor, and read its JSON. From main's thread. Only for .cc files of app/cli:
// commands.h stays free of JSON.
#pragma once
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "app/cli/commands.h"

namespace paramedic::cli {

// Any status is an answer; error: unavailable and the like, when none came. `body` is JSON.
Result<HttpResponse> ask(const ClientOptions& client, std::string method, const std::string& path,
                         std::string body = {});
// GET. Errors: the monitor's own words; corrupt when the answer is no JSON object.
Result<boost::json::object> ask_json(const ClientOptions& client, const std::string& path);
// A command: prints what the monitor did, as a sentence or with --json as it came. The exit code.
int command(const ClientOptions& client, std::string method, const std::string& path, std::string body = {});

// A member as text for people; "-" when it is absent or null.
std::string text_of(const boost::json::object& object, std::string_view key);
// An array that is a member; empty when it is none.
const boost::json::array& items_of(const boost::json::object& object, std::string_view key);

}  // namespace paramedic::cli
