// Three-valued evaluation.
#include "core/alerting/rules_condition.h"

#include <algorithm>

namespace paramedic {

namespace {

bool one_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Truth negate(Truth t) { return t == Truth::no_data ? t : t == Truth::yes ? Truth::no : Truth::yes; }

bool compares_words(ConditionKind kind) {
  return kind == ConditionKind::status || kind == ConditionKind::state || kind == ConditionKind::check ||
         kind == ConditionKind::pool_finding || kind == ConditionKind::source;
}

// Of a status or finding: "unknown" and "error" are no data unless they are what is asked for.
bool lacks_data(const Condition& c, std::uint32_t bit) {
  if (c.words & bit) return false;
  if (c.kind == ConditionKind::status) return bit == 1u << unsigned(Status::unknown);
  if (c.kind == ConditionKind::check)
    return bit == 1u << unsigned(FindingStatus::unknown) || bit == 1u << unsigned(FindingStatus::error);
  return false;
}

Truth compare(const Condition& c, const RuleValue& v, bool was) {
  if (compares_words(c.kind)) {
    const std::uint32_t bit = 1u << unsigned(v.number);
    if (lacks_data(c, bit)) return Truth::no_data;
    return c.words & bit ? Truth::yes : Truth::no;
  }
  if (c.kind == ConditionKind::labels || c.kind == ConditionKind::monitor)
    return v.number != 0 ? Truth::yes : Truth::no;
  const double limit = was ? c.clear : c.limit;
  return (c.below ? v.number < limit : v.number > limit) ? Truth::yes : Truth::no;
}

void take_detail(const Condition& c, const RuleValue& v, RuleDetail& detail) {
  if (detail.any && detail.condition->kind != ConditionKind::labels && detail.condition->kind != ConditionKind::state)
    return;  // the first comparison that tells a value or a finding speaks for the rule
  detail.any = true;
  detail.condition = &c;
  const bool number = !compares_words(c.kind);
  detail.value = number ? v.number : v.shown;
  detail.limit = number ? c.limit : v.limit;
  detail.unit = v.unit;
  detail.count = v.count;
  detail.of = v.of;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  for (;;) {
    const auto bar = pattern.find('|');
    if (one_pattern(pattern.substr(0, bar), text)) return true;
    if (bar == std::string_view::npos) return false;
    pattern.remove_prefix(bar + 1);
  }
}

Truth evaluate(const Condition& c, const RuleLookup& lookup, std::uint64_t& memory, RuleDetail& detail) {
  switch (c.kind) {
    case ConditionKind::all: {
      Truth out = Truth::yes;  // every part is looked at, so that each keeps its memory
      for (const Condition& part : c.parts) out = std::min(out, evaluate(part, lookup, memory, detail));
      return out;
    }
    case ConditionKind::any: {
      Truth out = Truth::no;
      for (const Condition& part : c.parts) out = std::max(out, evaluate(part, lookup, memory, detail));
      return out;
    }
    case ConditionKind::negation: {
      RuleDetail ignored;
      return negate(evaluate(c.parts.front(), lookup, memory, ignored));
    }
    default:
      break;
  }
  const RuleValue* value = lookup(c);
  if (!value || !value->known) return Truth::no_data;
  const std::uint64_t bit = std::uint64_t{1} << unsigned(c.memory);
  const Truth truth = compare(c, *value, memory & bit);
  if (truth == Truth::no_data) return truth;
  if (truth == Truth::yes) take_detail(c, *value, detail);
  // Only a comparison with a clear threshold of its own needs to remember.
  memory = truth == Truth::yes && c.clear != c.limit ? memory | bit : memory & ~bit;
  return truth;
}

std::uint64_t positive_memory(const Condition& c) {
  if (c.kind == ConditionKind::negation) {
    // Twice negated counts again.
    const Condition& inner = c.parts.front();
    return inner.kind == ConditionKind::negation ? positive_memory(inner.parts.front()) : 0;
  }
  if (c.kind != ConditionKind::all && c.kind != ConditionKind::any) return std::uint64_t{1} << unsigned(c.memory);
  std::uint64_t out = 0;
  for (const Condition& part : c.parts) out |= positive_memory(part);
  return out;
}

}  // namespace paramedic
