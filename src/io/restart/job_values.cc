#include "io/restart/job_values.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/readable.h"

namespace paramedic::restart {

namespace {

constexpr auto kValues = std::to_array<JobValue>({
    {"{worker_id}", "PARAMEDIC_WORKER_ID", [](const Job& j) { return j.ladder.worker_id; }},
    {"{pool}", "PARAMEDIC_POOL", [](const Job& j) { return j.pool; }},
    {"{host}", "PARAMEDIC_HOST", [](const Job& j) { return j.host; }},
    {"{incarnation}", "PARAMEDIC_INCARNATION", [](const Job& j) { return j.ladder.expected_incarnation; }},
    {"{action_id}", "PARAMEDIC_ACTION_ID", [](const Job& j) { return j.ladder.action_id; }},
    {"{kind}", "PARAMEDIC_KIND", [](const Job& j) { return std::string(to_string(j.ladder.kind)); }},
});

// Calls `text` for each stretch of plain text and `found` for each placeholder.
template <class Text, class Found>
void walk(std::string_view in, Text text, Found found) {
  while (!in.empty()) {
    const auto at = in.find('{');
    const auto end = at == in.npos ? at : in.find('}', at);
    if (end == in.npos) return text(in);
    text(in.substr(0, at));
    found(in.substr(at, end + 1 - at));
    in.remove_prefix(end + 1);
  }
}

const JobValue* find_value(std::string_view placeholder) {
  const auto it =
      std::find_if(kValues.begin(), kValues.end(), [&](const JobValue& v) { return v.placeholder == placeholder; });
  return it == kValues.end() ? nullptr : &*it;
}

std::string placeholders() {
  std::string out;
  for (const JobValue& value : kValues) (out += out.empty() ? "" : " ") += value.placeholder;
  return out;
}

bool fits(const NameRule& rule, unsigned char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (!rule.lower && c >= 'A' && c <= 'Z');
  return letter || rule.characters.find(char(c)) != rule.characters.npos;
}

}  // namespace

std::span<const JobValue> job_values() { return kValues; }

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void check_template(ParamsReader& r, std::string_view key, std::string_view text) {
  const auto check = [&](std::string_view name) {
    if (!find_value(name)) r.problem(key, fmt::format("'{}' is no placeholder; known are: {}", name, placeholders()));
  };
  walk(
      text, [](std::string_view) {}, check);
}

std::string fill_template(std::string_view text, const Job& job) {
  std::string out;
  walk(
      text, [&](std::string_view plain) { out += plain; },
      [&](std::string_view name) {
        const JobValue* const value = find_value(name);
        out += value ? value->of(job) : std::string(name);
      });
  return out;
}

Result<std::string> target_name(const NameRule& rule, std::string_view text, const Job& job) {
  std::string name = fill_template(text, job);
  const bool good = !name.empty() && name.size() <= rule.max && name.front() != '-' && name.front() != '.' &&
                    name.find("..") == name.npos &&
                    std::all_of(name.begin(), name.end(), [&](unsigned char c) { return fits(rule, c); });
  if (good) return name;
  std::string shown = readable_trimmed(name.substr(0, 80));
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return Error{Errc::invalid_argument,
               fmt::format("not performed: '{}' (from '{}') is no name of a {}: 1 to {} {}, no '..', no '.' or '-' at "
                           "its beginning",
                           shown, text, rule.what, rule.max, rule.letters)};
}

bool is_allowed(const std::vector<std::string>& allow, std::string_view name) {
  return std::any_of(allow.begin(), allow.end(), [&](const std::string& entry) {
    if (entry.ends_with('*')) return name.starts_with(std::string_view(entry).substr(0, entry.size() - 1));
    return name == entry;
  });
}

void check_allow(ParamsReader& r, std::string_view key, std::string_view kind, const std::vector<std::string>& allow) {
  if (allow.empty())
    r.problem(key, fmt::format("nothing is allowed: name what may be restarted in executors.{}.allow", kind));
  for (const std::string& entry : allow)
    if (entry.empty() || entry.find('*') < entry.size() - 1)
      r.problem(key,
                fmt::format("executors.{}.allow: '{}' must be a name, or the beginning of one and '*'", kind, entry));
}

}  // namespace paramedic::restart
