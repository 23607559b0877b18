#include "io/wire/json_reader.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/readable.h"

namespace paramedic::wire {

namespace {

json::parse_options options() {
  json::parse_options o;
  o.max_depth = kMaxJsonDepth;
  return o;
}

}  // namespace

Result<const json::value*> Document::parse(std::string_view text) {
  clear();
  unsigned char work[4096];
  json::parser parser(json::storage_ptr(), options(), work);
  parser.reset(&memory_);
  boost::system::error_code failed;
  const std::size_t used = parser.write_some(text.data(), text.size(), failed);
  if (!failed && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) failed = json::error::extra_data;
  if (failed) return make_error(Errc::invalid_argument, fmt::format("not JSON: {} at byte {}", failed.message(), used));
  value_.emplace(parser.release());
  return static_cast<const json::value*>(&*value_);
}

void Document::clear() {
  // Memory of the old value is dropped as a whole: its destructor has nothing to free.
  value_.reset();
  memory_.release();
}

bool Fields::fail(std::string_view key, std::string_view message) {
  error_ = fmt::format("{}: {}", key.substr(0, kMaxIdBytes), message);
  whole_ = false;
  return false;
}

bool Fields::wrong(std::string_view message) {
  error_ = fmt::format(": {}", message);
  whole_ = true;
  return false;
}

bool Fields::nest(std::string_view key) {
  error_ = fmt::format("{}{}{}", key, whole_ ? "" : ".", error_);
  whole_ = false;
  return false;
}

bool Fields::nest(std::string_view key, std::size_t index) { return nest(fmt::format("{}[{}]", key, index)); }

bool Fields::text(std::string_view key, const json::value& v, std::string& out, std::size_t max_bytes) {
  if (!v.is_string()) return fail(key, "must be text");
  const auto text = view(v.get_string());
  if (text.size() > max_bytes) return fail(key, fmt::format("has {} bytes; at most {}", text.size(), max_bytes));
  out.assign(text);
  return true;
}

bool Fields::lines(std::string_view key, const json::value& v, std::string& out, std::size_t max_bytes) {
  if (!text(key, v, out, max_bytes)) return false;
  out = readable(std::move(out));
  return true;
}

bool Fields::name(std::string_view key, const json::value& v, std::string& out, std::size_t max_bytes) {
  if (!text(key, v, out, max_bytes)) return false;
  for (const char c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return fail(key, "must not hold control characters");
  return true;
}

bool Fields::id(std::string_view key, const json::value& v, std::string& out) {
  if (!v.is_string()) return fail(key, "must be text");
  const auto text = view(v.get_string());
  if (!valid_id(text)) return fail(key, explain_bad_id(text));
  out.assign(text);
  return true;
}

bool Fields::boolean(std::string_view key, const json::value& v, bool& out) {
  if (!v.is_bool()) return fail(key, "must be true or false");
  out = v.get_bool();
  return true;
}

bool Fields::number(std::string_view key, const json::value& v, double& out, double min, double max) {
  double n = 0;
  if (v.is_double())
    n = v.get_double();
  else if (v.is_int64())
    n = double(v.get_int64());
  else if (v.is_uint64())
    n = double(v.get_uint64());
  else
    n = std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(n) || n < min || n > max)
    return fail(key, max < std::numeric_limits<double>::max()
                         ? fmt::format("must be a number from {} to {}", format_number(min), format_number(max))
                         : std::string("must be a finite number"));
  out = n;
  return true;
}

bool Fields::count(std::string_view key, const json::value& v, std::uint64_t& out, std::uint64_t max) {
  if (v.is_int64() && v.get_int64() >= 0 && std::uint64_t(v.get_int64()) <= max) {
    out = std::uint64_t(v.get_int64());
    return true;
  }
  // Some clients write every number as a double: 12.0 is 12.
  if (v.is_double()) {
    const double n = v.get_double();
    if (n >= 0 && n <= double(max) && n == std::floor(n)) {
      out = std::uint64_t(n);
      return true;
    }
  }
  return fail(key, fmt::format("must be a whole number from 0 to {}", max));
}

bool Fields::integer(std::string_view key, const json::value& v, int& out, int min, int max) {
  if (v.is_int64() && v.get_int64() >= min && v.get_int64() <= max) {
    out = int(v.get_int64());
    return true;
  }
  return fail(key, fmt::format("must be a whole number from {} to {}", min, max));
}

bool Fields::time(std::string_view key, const json::value& v, WallTime& out) {
  if (!v.is_string()) return fail(key, "must be a time as RFC 3339 text");
  const auto parsed = parse_time(view(v.get_string()));
  if (!parsed) return fail(key, parsed.error().message);
  out = *parsed;
  return true;
}

bool Fields::duration(std::string_view key, const json::value& v, Duration& out, Duration max, Duration unit) {
  double n = 0;
  const double scale = double(unit.count());
  if (!number(key, v, n, 0, double(max.count()) / scale)) return false;
  out = Duration{std::int64_t(std::llround(n * scale))};
  return true;
}

bool Fields::bad_word(std::string_view key, const std::string_view* names, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) (all += i ? ", " : "") += names[i];
  return fail(key, "must be one of: " + all);
}

}  // namespace paramedic::wire
