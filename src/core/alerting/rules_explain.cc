// Rules in words, for check-config.
#include <fmt/format.h>

#include "base/text.h"
#include "core/alerting/rules.h"

namespace paramedic {

namespace {

template <NamedEnum E>
std::string words(std::uint32_t set) {
  std::string out;
  for (std::size_t i = 0; i < kEnumCount<E>; ++i)
    if (set >> i & 1) out += fmt::format("{}{}", out.empty() ? "" : " or ", EnumNames<E>::kNames[i]);
  return out;
}

std::string words(const std::vector<Reason>& reasons) {
  std::string out;
  for (const Reason reason : reasons) out += fmt::format("{}{}", out.empty() ? "" : " or ", to_string(reason));
  return out;
}

std::string threshold(const Condition& c, std::string_view unit) {
  std::string out = fmt::format("is {} {}{}", c.below ? "below" : "above", format_short(c.limit, 3), unit);
  if (c.clear != c.limit)
    out += fmt::format(" (until {}{} or {})", format_short(c.clear, 3), unit, c.below ? "more" : "less");
  return out;
}

std::string labels(const Labels& all) {
  std::string out;
  for (const auto& [name, value] : all) out += fmt::format("{}{} is {}", out.empty() ? "" : " and ", name, value);
  return out;
}

std::string joined(const Condition& c, std::string_view word) {
  std::string out;
  for (const Condition& part : c.parts) out += (out.empty() ? "" : std::string(word)) + explain(part);
  return c.parts.size() > 1 ? "(" + out + ")" : out;
}

}  // namespace

std::string explain(const Condition& c) {
  switch (c.kind) {
    case ConditionKind::all:
      return joined(c, " and ");
    case ConditionKind::any:
      return joined(c, " or ");
    case ConditionKind::negation:
      return "not " + (c.parts.empty() ? std::string() : explain(c.parts.front()));
    case ConditionKind::status:
      return "status is " + words<Status>(c.words);
    case ConditionKind::state:
      return "state is " + words<WorkerState>(c.words);
    case ConditionKind::labels:
      return labels(c.labels);
    case ConditionKind::check:
      return fmt::format("check {}{} is {}", c.name, c.reason ? fmt::format(" ({})", to_string(*c.reason)) : "",
                         words<FindingStatus>(c.words));
    case ConditionKind::metric:
      return fmt::format("{} {}", c.name, threshold(c, ""));
    case ConditionKind::rate:
      return fmt::format("change of {} over {} {} per {}", c.name, format_duration(c.window), threshold(c, ""),
                         format_duration(c.per));
    case ConditionKind::anomaly:
      return fmt::format("anomaly of {} {}", c.name, threshold(c, ""));
    case ConditionKind::forecast:
      return fmt::format("{} is forecast to cross its limit within {}", c.name, format_duration(from_seconds(c.limit)));
    case ConditionKind::pool_finding:
      return fmt::format("pool finding {} is {}", words(c.reasons), words<FindingStatus>(c.words));
    case ConditionKind::source:
      return fmt::format("{} is {}", c.name.empty() ? "its source" : "source " + c.name, words<SourceState>(c.words));
    case ConditionKind::monitor:
      return "the monitor has " + words(c.reasons);
    case ConditionKind::share:
      return fmt::format("the share of its workers of which {} {}", c.parts.empty() ? "" : explain(c.parts.front()),
                         threshold(c, " %"));
  }
  return {};
}

std::string explain(const Rule& rule) {
  std::string out = rule.scope == RuleScope::fleet ? fmt::format("{}: for the fleet", rule.name)
                                                   : fmt::format("{}: for each {}", rule.name, to_string(rule.scope));
  if (!rule.pools.empty())
    out += fmt::format(" {} {}", rule.scope == RuleScope::pool ? "named" : "of pool", fmt::join(rule.pools, " or "));
  out += ", when " + explain(rule.when);
  if (rule.hold > Duration{0}) out += ", for " + format_duration(rule.hold);
  if (rule.keep_firing > Duration{0}) out += ", kept for " + format_duration(rule.keep_firing);
  return fmt::format("{}: {}", out, to_string(rule.severity));
}

}  // namespace paramedic
