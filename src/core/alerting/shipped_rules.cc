#include "core/alerting/shipped_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace paramedic {

namespace {

constexpr std::array kRules = {
#define PARAMEDIC_SHIPPED_RULE(name, reason, severity, when) \
  ShippedRule{#name, Reason::reason, Severity::severity, when},
#include "core/alerting/shipped_rules.def"
#undef PARAMEDIC_SHIPPED_RULE
};

}  // namespace

std::span<const ShippedRule> shipped_rules() { return kRules; }

const ShippedRule* find_shipped_rule(std::string_view name) {
  const auto found = std::find_if(kRules.begin(), kRules.end(), [&](const ShippedRule& r) { return r.name == name; });
  return found == kRules.end() ? nullptr : &*found;
}

const ShippedRule* shipped_rule_of(std::string_view key, Reason reason) {
  if (reason == Reason::rule) return nullptr;
  if (reason == Reason::source_blind)
    return find_shipped_rule(key.starts_with("host/") ? "host_silent" : "source_blind");
  const auto found =
      std::find_if(kRules.begin(), kRules.end(), [&](const ShippedRule& r) { return r.reason == reason; });
  return found == kRules.end() ? nullptr : &*found;
}

ShippedRuleTable parse_shipped_rules(const Params* node, const std::string& path, Problems& problems) {
  ShippedRuleTable out;
  if (!node || node->kind == Params::Kind::null) return out;
  if (!node->is_map()) {
    problems.push_back({node->file, node->line, path, "must be a map of rule names to settings"});
    return out;
  }
  for (const auto& [name, settings] : node->members) {
    const std::string at = path + "." + name;
    if (!find_shipped_rule(name)) {
      problems.push_back({settings.file, settings.line, at, "is no shipped rule; docs/alerts.md lists their names"});
      continue;
    }
    if (!settings.is_map()) {
      problems.push_back({settings.file, settings.line, at, "must be a map: enabled, severity, for"});
      continue;
    }
    ShippedRuleSettings one;
    ParamsReader r(&settings, at, problems);
    r.read("enabled", one.enabled);
    if (r.has("severity")) r.read_enum("severity", one.severity.emplace());
    r.read("for", one.hold, 0s, 24h);
    r.finish();
    out.emplace(name, one);
  }
  return out;
}

}  // namespace paramedic
