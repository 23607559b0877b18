#include "io/api/silence_body.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"

namespace paramedic::api {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxTextBytes = 500, kMaxLabelBytes = 64, kMaxValueBytes = 1000;
constexpr Duration kMaxSilence = 24h * 366;

Error bad(std::string_view member, std::string_view wanted) {
  return make_error(Errc::invalid_argument, "member '" + std::string(member) + "' must be " + std::string(wanted));
}

std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

Result<Matcher> read_matcher(const json::value& value) {
  Matcher m;
  if (const json::string* text = value.if_string()) {
    auto parsed = parse_matcher(view(*text));
    if (!parsed) return with_context(parsed.error(), "member 'matchers'");
    m = std::move(*parsed);
  } else {
    const json::object* object = value.if_object();
    const json::string* label = object && object->contains("label") ? object->at("label").if_string() : nullptr;
    const json::string* wanted = object && object->contains("value") ? object->at("value").if_string() : nullptr;
    const json::string* op = object && object->contains("op") ? object->at("op").if_string() : nullptr;
    if (!label || !wanted || object->size() != 2 + (object->contains("op") ? 1u : 0u))
      return bad("matchers", "a list of texts as \"pool=thumbs\" or of {label, op, value}");
    m.label = view(*label);
    m.value = view(*wanted);
    const auto parsed = op ? parse_enum<MatchOp>(view(*op)) : std::optional(MatchOp::equal);
    if (!parsed) return bad("op", "one of =, !=, =~, !~");
    m.op = *parsed;
  }
  if (m.label.empty() || m.label.size() > kMaxLabelBytes) return bad("label", "a name of 1 to 64 bytes");
  if (m.value.size() > kMaxValueBytes) return bad("value", "at most 1000 bytes");
  return m;
}

Result<void> read_matchers(const json::value& value, std::vector<Matcher>& out) {
  const json::array* list = value.if_array();
  if (!list || list->empty() || list->size() > kMaxMatchers) return bad("matchers", "a list of 1 to 16 matchers");
  for (const json::value& item : *list) {
    auto m = read_matcher(item);
    if (!m) return m.error();
    out.push_back(std::move(*m));
  }
  return {};
}

Result<WallTime> read_time(std::string_view name, const json::value& value) {
  const json::string* text = value.if_string();
  auto time = parse_time(text ? view(*text) : std::string_view());
  if (!time) return bad(name, "a time as 2026-11-25T04:00:00Z");
  return *time;
}

Result<std::string> read_text(std::string_view name, const json::value& value) {
  const json::string* text = value.if_string();
  if (!text || text->size() > kMaxTextBytes) return bad(name, "a text of at most 500 bytes");
  return std::string(view(*text));
}

struct Reading {
  Silence silence;
  std::optional<WallTime> starts_at, ends_at;
  std::optional<Duration> duration;
};

Result<void> read_member(Reading& r, std::string_view name, const json::value& value) {
  if (name == "matchers") return read_matchers(value, r.silence.matchers);
  if (name == "starts_at" || name == "ends_at") {
    auto time = read_time(name, value);
    if (!time) return time.error();
    (name == "starts_at" ? r.starts_at : r.ends_at) = *time;
    return {};
  }
  if (name == "duration") {
    const json::string* text = value.if_string();
    const auto duration = parse_duration(text ? view(*text) : std::string_view());
    if (!duration || *duration <= 0s) return bad(name, "a duration as 30m or 2h");
    r.duration = *duration;
    return {};
  }
  if (name == "comment" || name == "author") {
    auto text = read_text(name, value);
    if (!text) return text.error();
    (name == "comment" ? r.silence.comment : r.silence.author) = std::move(*text);
    return {};
  }
  return make_error(Errc::invalid_argument, "unknown member '" + std::string(name.substr(0, 60)) +
                                                "'; known are matchers, starts_at, ends_at, duration, comment, author");
}

}  // namespace

Result<Silence> parse_silence_body(std::string_view text, WallTime now) {
  boost::system::error_code failed;
  const json::value value = json::parse(text, failed, {}, {.max_depth = 4});
  if (failed) return make_error(Errc::invalid_argument, "the body is not valid JSON: " + failed.message());
  const json::object* object = value.if_object();
  if (!object) return make_error(Errc::invalid_argument, "the body must be a JSON object");
  Reading r;
  for (const auto& member : *object)
    if (auto read = read_member(r, {member.key().data(), member.key().size()}, member.value()); !read)
      return read.error();
  if (r.silence.matchers.empty()) return bad("matchers", "given: a silence of everything is never meant");
  if (r.duration.has_value() == r.ends_at.has_value())
    return make_error(Errc::invalid_argument, "give either 'duration' or 'ends_at'");
  r.silence.starts_at = r.starts_at.value_or(now);
  r.silence.ends_at = r.ends_at ? *r.ends_at : r.silence.starts_at + *r.duration;
  if (r.silence.ends_at <= std::max(r.silence.starts_at, now)) return bad("ends_at", "after the start and after now");
  if (r.silence.ends_at - now > kMaxSilence) return bad("ends_at", "within 366 days");
  return std::move(r.silence);
}

}  // namespace paramedic::api
