#include "io/api/command_body.h"

#include <algorithm>

#include <boost/json/memory_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/ids.h"
#include "base/text.h"

namespace paramedic::api {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxReasonBytes = 500;
constexpr Duration kMaxDuration = 24h * 365;

Error bad(std::string_view member, std::string_view wanted) {
  return make_error(Errc::invalid_argument, "member '" + std::string(member) + "' must be " + std::string(wanted));
}

Result<std::string> read_text(std::string_view name, const json::value& value) {
  const json::string* text = value.if_string();
  if (!text || text->empty() || text->size() > kMaxReasonBytes) return bad(name, "a text of 1 to 500 bytes");
  return std::string(text->data(), text->size());
}

Result<void> read_member(CommandBody& body, std::string_view name, const json::value& value) {
  if (name == "force" || name == "fleet" || name == "on" || name == "dry_run") {
    if (!value.is_bool()) return bad(name, "true or false");
    (name == "force"     ? body.force
     : name == "fleet"   ? body.fleet
     : name == "dry_run" ? body.dry_run
                         : body.on) = value.get_bool();
    return {};
  }
  auto text = read_text(name, value);
  if (!text) return text.error();
  if (name == "duration") {
    const auto duration = parse_duration(*text);
    if (!duration || *duration <= 0s || *duration > kMaxDuration)
      return bad(name, "a duration up to 365d, as 30m or 2h");
    body.duration = *duration;
    return {};
  }
  if (name == "worker_id" && !valid_id(*text)) return bad(name, "a worker id: " + explain_bad_id(*text));
  (name == "reason"      ? body.reason
   : name == "worker_id" ? body.worker_id
   : name == "pool"      ? body.pool
   : name == "comment"   ? body.comment
   : name == "author"    ? body.author
                         : body.mode) = std::move(*text);
  return {};
}

}  // namespace

Result<CommandBody> parse_command_body(std::string_view text, std::initializer_list<std::string_view> members) {
  CommandBody body;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return body;
  boost::system::error_code failed;
  const json::value value = json::parse(text, failed, {}, {.max_depth = 4});
  if (failed) return make_error(Errc::invalid_argument, "the body is not valid JSON: " + failed.message());
  const json::object* object = value.if_object();
  if (!object) return make_error(Errc::invalid_argument, "the body must be a JSON object");
  for (const auto& member : *object) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(members.begin(), members.end(), name) == members.end()) {
      std::string known;
      for (const auto m : members) known += (known.empty() ? "" : ", ") + std::string(m);
      return make_error(Errc::invalid_argument,
                        "unknown member '" + std::string(name.substr(0, 60)) + "'; known are " + known);
    }
    if (auto read = read_member(body, name, member.value()); !read) return read.error();
  }
  return body;
}

}  // namespace paramedic::api
