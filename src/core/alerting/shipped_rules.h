// The built-in alerts by name, and what the configuration may say of each (docs/alerts.md). Static tables and plain
// values; any thread.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/params.h"
#include "model/status.h"

namespace paramedic {

struct ShippedRule {
  std::string_view name;
  Reason reason = Reason::none;
  Severity severity = Severity::warning;  // the worst it takes by itself
  std::string_view when;                  // one sentence
};
std::span<const ShippedRule> shipped_rules();                 // in the order of the list
const ShippedRule* find_shipped_rule(std::string_view name);  // null = none of this name
// The rule of an alert by its key and reason; null for rules that people wrote.
const ShippedRule* shipped_rule_of(std::string_view key, Reason reason);

struct ShippedRuleSettings {
  bool enabled = true;               // false: no alert; the findings, remedies and incidents' causes stay as they are
  std::optional<Severity> severity;  // fixed, instead of what the finding says
  Duration hold{};                   // `for`: the condition must hold for so long before it is told
};
using ShippedRuleTable = std::map<std::string, ShippedRuleSettings, std::less<>>;  // by name; only what was set
// `alerting.shipped_rules`: a map of names to {enabled, severity, for}.
ShippedRuleTable parse_shipped_rules(const Params* node, const std::string& path, Problems& problems);

}  // namespace paramedic
