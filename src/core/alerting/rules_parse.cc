// `rules:` of the configuration.
#include <set>

#include <fmt/format.h>

#include "core/alerting/rules.h"
#include "core/alerting/shipped_rules.h"

namespace paramedic {

namespace {

// All of a node but where it stands, for telling whether a rule changed.
void canonical(const Params& node, std::string& out) {
  switch (node.kind) {
    case Params::Kind::null:
      out += "~";
      break;
    case Params::Kind::scalar:
      out += fmt::format("{}:{}", node.scalar.size(), node.scalar);
      break;
    case Params::Kind::list:
      out += '[';
      for (const Params& item : node.items) canonical(item, out);
      out += ']';
      break;
    case Params::Kind::map:
      out += '{';
      for (const auto& [key, value] : node.members) {
        out += fmt::format("{}:{}=", key.size(), key);
        canonical(value, out);
      }
      out += '}';
      break;
  }
}

bool good_name(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool good_label(std::string_view name) {
  return good_name(name) && name.find('-') == std::string_view::npos && !(name[0] >= '0' && name[0] <= '9');
}

void read_labels(ParamsReader& r, Labels& out) {
  std::map<std::string, std::string> labels;
  r.read("labels", labels);
  if (labels.size() > kMaxLabels) r.problem("labels", fmt::format("more than {} labels", kMaxLabels));
  for (const auto& [name, value] : labels) {
    if (!good_label(name)) r.problem("labels", fmt::format("'{}' must be made of letters, digits and _", name));
    if (value.size() > 200) r.problem("labels", fmt::format("the value of '{}' is longer than 200 bytes", name));
    out.emplace_back(name, value);
  }
}

void read_annotations(ParamsReader& r, Rule& rule) {
  const Params* node = r.take("annotations");
  if (!node) return;
  if (!node->is_map() || node->members.size() > kMaxLabels)
    return r.problem("annotations", fmt::format("must be a map of at most {} texts", kMaxLabels));
  for (const auto& member : node->members) {  // clang 14 captures no structured bindings
    const std::string& name = member.first;
    const Params& value = member.second;
    const auto bad = [&](std::string why) {
      r.problems().push_back(
          {value.file, value.line, fmt::format("{}.annotations.{}", r.path(), name), std::move(why)});
    };
    if (value.kind != Params::Kind::scalar) {
      bad("must be a text");
      continue;
    }
    if (!good_label(name)) bad("the name must be made of letters, digits and _");
    auto parsed = Template::parse(value.scalar);
    if (!parsed)
      bad(parsed.error().message);
    else
      rule.annotations.emplace_back(name, std::move(*parsed));
  }
}

Rule parse_rule(const Params& node, const std::string& path, Problems& problems) {
  Rule rule;
  ParamsReader r(&node, path, problems);
  r.read("name", rule.name);
  if (!good_name(rule.name)) r.problem("name", "must be 1 to 64 letters, digits, _ or -");
  if (find_shipped_rule(rule.name)) r.problem("name", fmt::format("'{}' is the name of a shipped rule", rule.name));
  r.read_enum("for_each", rule.scope);
  r.read("pools", rule.pools);
  if (!rule.pools.empty() && rule.scope == RuleScope::source)
    r.problem("pools", "a source serves several pools; leave it out");
  if (const Params* when = r.take("when"))
    rule.when = parse_condition(*when, path + ".when", rule.scope, problems);
  else
    r.problem("when", "is missing: the condition of the rule");
  r.read("for", rule.hold, 0s, 24h * 7);
  r.read("keep_firing_for", rule.keep_firing, 0s, 24h * 7);
  r.read_enum("severity", rule.severity);
  read_labels(r, rule.labels);
  read_annotations(r, rule);
  r.read("runbook", rule.runbook);
  if (rule.runbook.size() > 500) r.problem("runbook", "is longer than 500 bytes");
  r.finish();
  canonical(node, rule.text);
  return rule;
}

}  // namespace

RuleSet parse_rules(const Params* node, const std::string& path, Problems& problems) {
  RuleSet out;
  if (!node || node->kind == Params::Kind::null) return out;
  const auto bad = [&](const Params& at, std::string why) {
    problems.push_back({at.file, at.line, path, std::move(why)});
  };
  if (node->kind != Params::Kind::list) {
    bad(*node, "must be a list of rules");
    return out;
  }
  if (node->items.size() > kMaxRules) {
    bad(*node, fmt::format("more than {} rules", kMaxRules));
    return out;
  }
  std::set<std::string> names, rates;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const Params& item = node->items[i];
    const std::string at = fmt::format("{}[{}]", path, i);
    if (!item.is_map()) {
      problems.push_back({item.file, item.line, at, "must be a map: name, when, severity …"});
      continue;
    }
    Rule rule = parse_rule(item, at, problems);
    if (!names.insert(rule.name).second)
      problems.push_back(
          {item.file, item.line, at + ".name", fmt::format("'{}' is the name of another rule", rule.name)});
    const auto count = [&](const auto& self, const Condition& c) -> void {
      if (c.kind == ConditionKind::rate) rates.insert(fmt::format("{}/{}", c.name, c.window.count()));
      for (const Condition& part : c.parts) self(self, part);
    };
    count(count, rule.when);
    out.rules.push_back(std::move(rule));
  }
  if (rates.size() > kMaxRateWatches)
    bad(*node, fmt::format("more than {} different rates of change", kMaxRateWatches));
  return out;
}

}  // namespace paramedic
