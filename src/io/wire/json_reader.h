// Inside io/wire only (it shows Boost.JSON): bounded parsing, and Fields, the checks on single members that reports,
// frames and ledger records share. Boost.JSON checks UTF-8 and keeps the last of duplicate members.
#pragma once
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "base/enum_names.h"
#include "base/result.h"
#include "base/text.h"

namespace paramedic::wire {

namespace json = boost::json;

inline constexpr std::size_t kMaxJsonDepth = 16;
// The largest integer that every JSON reader keeps exactly (2^53).
inline constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 53;

inline std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

// One JSON text parsed into memory that dies with this object: a stack buffer first, the heap only for large texts.
class Document {
 public:
  Document() : memory_(buffer_, sizeof buffer_) {}
  Document(const Document&) = delete;
  // Error: invalid_argument with the position.
  Result<const json::value*> parse(std::string_view text);
  // Forgets the value and its memory.
  void clear();

 private:
  unsigned char buffer_[16 * 1024];
  json::monotonic_resource memory_;
  std::optional<json::value> value_;  // built in place: assigning would copy it out of memory_
};

// Reads members of objects into plain values. Every function returns false after the first wrong member; error() then
// names it from the outside in. null is the same as absent.
class Fields {
 public:
  const std::string& error() const { return error_; }
  std::uint64_t unknown() const { return unknown_; }

  // Calls `member(key, value)` for each member that is not null; false stops.
  template <class Member>
  bool object(const json::value& v, Member member) {
    if (!v.is_object()) return wrong("must be an object");
    for (const auto& m : v.get_object())
      if (!m.value().is_null() && !member(std::string_view(m.key().data(), m.key().size()), m.value())) return false;
    return true;
  }
  // Calls `item(value, out)` for each item with a new element of `out`.
  template <class T, class Item>
  bool list(std::string_view key, const json::value& v, std::vector<T>& out, std::size_t max, Item item) {
    if (!v.is_array()) return fail(key, "must be a list");
    const auto& items = v.get_array();
    if (items.size() > max)
      return fail(key, "has " + std::to_string(items.size()) + " items; at most " + std::to_string(max));
    out.clear();
    out.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i)
      if (!item(items[i], out.emplace_back())) return nest(key, i);
    return true;
  }

  bool text(std::string_view key, const json::value& v, std::string& out, std::size_t max_bytes);
  // For people, of many lines: control characters other than newline and tab, which would command a terminal, become
  // blanks.
  bool lines(std::string_view key, const json::value& v, std::string& out, std::size_t max_bytes);
  // Control characters are refused too: names travel into logs, metrics and terminals.
  bool name(std::string_view key, const json::value& v, std::string& out, std::size_t max_bytes);
  bool id(std::string_view key, const json::value& v, std::string& out);
  bool boolean(std::string_view key, const json::value& v, bool& out);
  bool number(std::string_view key, const json::value& v, double& out, double min, double max);
  bool count(std::string_view key, const json::value& v, std::uint64_t& out, std::uint64_t max = kMaxCount);
  bool integer(std::string_view key, const json::value& v, int& out, int min, int max);
  bool time(std::string_view key, const json::value& v, WallTime& out);
  // A number of seconds, or of milliseconds with `unit` = 1ms.
  bool duration(std::string_view key, const json::value& v, Duration& out, Duration max, Duration unit = 1s);
  template <NamedEnum E>
  bool word(std::string_view key, const json::value& v, E& out) {
    if (v.is_string()) {
      if (const auto found = parse_enum<E>(view(v.get_string()))) {
        out = *found;
        return true;
      }
    }
    return bad_word(key, EnumNames<E>::kNames.data(), EnumNames<E>::kNames.size());
  }
  bool boolean(std::string_view key, const json::value& v, std::optional<bool>& out) {
    return boolean(key, v, out.emplace());
  }
  bool number(std::string_view key, const json::value& v, std::optional<double>& out, double min, double max) {
    return number(key, v, out.emplace(), min, max);
  }
  bool count(std::string_view key, const json::value& v, std::optional<std::uint64_t>& out) {
    return count(key, v, out.emplace());
  }
  bool integer(std::string_view key, const json::value& v, std::optional<int>& out, int min, int max) {
    return integer(key, v, out.emplace(), min, max);
  }
  bool time(std::string_view key, const json::value& v, std::optional<WallTime>& out) {
    return time(key, v, out.emplace());
  }
  bool duration(std::string_view key, const json::value& v, std::optional<Duration>& out, Duration max) {
    return duration(key, v, out.emplace(), max);
  }

  // A member that this version does not know.
  bool skip() {
    ++unknown_;
    return true;
  }
  bool fail(std::string_view key, std::string_view message);
  // Puts "key." or "key[index]." before the member named so far.
  bool nest(std::string_view key);
  bool nest(std::string_view key, std::size_t index);
  bool required(std::string_view key, bool present) { return present || fail(key, "is missing"); }

 private:
  bool wrong(std::string_view message);  // the value itself, named by the callers
  bool bad_word(std::string_view key, const std::string_view* names, std::size_t count);

  std::string error_;
  bool whole_ = false;  // error_ speaks of the value itself: ": message"
  std::uint64_t unknown_ = 0;
};

}  // namespace paramedic::wire
