#include "io/api/query.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace paramedic::api {

QueryReader::QueryReader(std::string_view query) {
  auto pairs = parse_query(query);
  if (pairs)
    pairs_ = std::move(*pairs);
  else
    error_ = with_context(pairs.error(), "query");
}

void QueryReader::problem(std::string_view name, const std::string& message) {
  if (!error_) error_ = make_error(Errc::invalid_argument, "parameter '" + std::string(name) + "': " + message);
}

std::optional<std::string> QueryReader::text(std::string_view name) {
  known_.emplace_back(name);
  const auto is_name = [&](const auto& pair) { return pair.first == name; };
  const auto found = std::find_if(pairs_.begin(), pairs_.end(), is_name);
  if (found == pairs_.end()) return std::nullopt;
  if (std::any_of(found + 1, pairs_.end(), is_name)) problem(name, "given twice");
  return found->second;
}

std::vector<std::string> QueryReader::values(std::string_view name) {
  known_.emplace_back(name);
  std::vector<std::string> out;
  for (const auto& [key, value] : pairs_)
    if (key == name) out.push_back(value);
  return out;
}

std::vector<std::string> QueryReader::texts(std::string_view name) {
  std::vector<std::string> out;
  for (const std::string& value : values(name)) {
    for (std::size_t at = 0; at <= value.size();) {
      const auto comma = std::min(value.find(',', at), value.size());
      if (comma > at) out.push_back(value.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return out;
}

std::optional<std::int64_t> QueryReader::number(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  std::int64_t out = 0;
  const auto [end, failed] = std::from_chars(value->data(), value->data() + value->size(), out);
  if (failed == std::errc{} && end == value->data() + value->size() && out >= min && out <= max) return out;
  problem(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<WallTime> QueryReader::time(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto parsed = parse_time(*value);
  if (parsed) return *parsed;
  problem(name, parsed.error().message);
  return std::nullopt;
}

std::optional<Duration> QueryReader::duration(std::string_view name, Duration min, Duration max) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto parsed = parse_duration(*value);
  if (parsed && *parsed >= min && *parsed <= max) return *parsed;
  problem(name, "must be a duration from " + format_duration(min) + " to " + format_duration(max) + ", as 30s or 5m");
  return std::nullopt;
}

void QueryReader::bad_word(std::string_view name, const std::string& word, const std::string_view* names,
                           std::size_t count) {
  std::string known;
  for (std::size_t i = 0; i < count; ++i) known += (i ? ", " : "") + std::string(names[i]);
  problem(name, "'" + word + "' is none of " + known);
}

Result<void> QueryReader::finish() const {
  if (error_) return *error_;
  for (const auto& pair : pairs_) {
    if (std::find(known_.begin(), known_.end(), pair.first) != known_.end()) continue;
    std::string names;
    for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
    return make_error(Errc::invalid_argument, "unknown parameter '" + pair.first + "'; " +
                                                  (names.empty() ? "none is known here" : "known are " + names));
  }
  return {};
}

}  // namespace paramedic::api
