#include "io/api/command_body.h"

#include <algorithm>
#include <charconv>

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

std::optional<bool>* flag_of(CommandBody& body, std::string_view name) {
  if (name == "force") return &body.force;
  if (name == "fleet") return &body.fleet;
  if (name == "on") return &body.on;
  if (name == "dry_run") return &body.dry_run;
  if (name == "all") return &body.all;
  return name == "pause_on_failure" ? &body.pause_on_failure : nullptr;
}

// 3, or "10%".
Result<void> read_at_once(CommandBody& body, const json::value& value) {
  const Error wrong = bad("at_once", "a number from 1 to 1000, or a share as \"10%\" from 1% to 100%");
  if (const std::int64_t* number = value.if_int64()) {
    if (*number < 1 || *number > 1000) return wrong;
    body.at_once = int(*number);
    return {};
  }
  const json::string* text = value.if_string();
  if (!text || text->size() < 2 || text->size() > 8 || text->back() != '%') return wrong;
  double percent = 0;
  const char* end = text->data() + text->size() - 1;
  const auto read = std::from_chars(text->data(), end, percent);
  if (read.ec != std::errc{} || read.ptr != end || !(percent >= 1 && percent <= 100)) return wrong;
  body.at_once_percent = percent;
  return {};
}

Result<void> read_member(CommandBody& body, std::string_view name, const json::value& value) {
  if (auto* flag = flag_of(body, name)) {
    if (!value.is_bool()) return bad(name, "true or false");
    *flag = value.get_bool();
    return {};
  }
  if (name == "at_once") return read_at_once(body, value);
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
   : name == "version"   ? body.version
   : name == "action_id" ? body.action_id
   : name == "host"      ? body.host
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
