// The condition of a rule: a tree of all/any/not over comparisons with single values, in three truths. Plain values.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/params.h"
#include "model/report.h"
#include "model/status.h"

namespace paramedic {

enum class Truth { no, no_data, yes };  // all = the least, any = the greatest
PARAMEDIC_ENUM_NAMES(Truth, "false", "no_data", "true")

enum class ConditionKind {
  all,
  any,
  negation,
  status,
  state,
  labels,
  check,
  metric,
  rate,
  anomaly,
  forecast,
  pool_finding,
  source,
  monitor,
  share,
};
// As in the configuration.
PARAMEDIC_ENUM_NAMES(ConditionKind, "all", "any", "not", "status", "state", "labels", "check", "metric", "rate",
                     "anomaly", "forecast", "pool_finding", "source", "monitor", "share")

struct Condition {
  ConditionKind kind = ConditionKind::all;
  std::vector<Condition> parts;  // of all and any; one of not and share
  std::string name;              // of a check, metric or source
  std::optional<Reason> reason;  // of a check
  // Comparison with a set of words: bit n = enumerator n. Of pool_finding and monitor the reasons stand in `reasons`.
  std::uint32_t words = 0;
  std::vector<Reason> reasons;
  Labels labels;  // values are patterns, several separated by '|'
  // Comparison with a number: above (or below) `limit`, and once true until it is no longer above `clear`.
  bool below = false;
  double limit = 0, clear = 0;
  Duration window = 5min;  // of rate
  Duration per = 1min;     // of rate
  int min_workers = 1;     // of share

  int memory = -1;  // its bit in the memory of a subject
  int watch = -1;   // the value it compares; set by class Rules
};

// One value that a condition compares.
struct RuleValue {
  bool known = false;
  double number = 0;  // a number, or an enumerator
  // For the words of the alert only, never a reason to evaluate.
  double shown = 0, limit = 0;
  std::string_view unit;
  int count = 0, of = 0;  // of a share
};

// What made a condition true, for templates.
struct RuleDetail {
  bool any = false;
  const Condition* condition = nullptr;
  double value = 0, limit = 0;
  std::string unit;
  int count = 0, of = 0;
};

using RuleLookup = std::function<const RuleValue*(const Condition&)>;  // null = not known

// `memory`: which comparisons were true last time; changed by the call. A comparison without data keeps its bit.
Truth evaluate(const Condition& condition, const RuleLookup& lookup, std::uint64_t& memory, RuleDetail& detail);
// The bits of all comparisons that, being true, make the whole more true (not below an odd number of `not`).
std::uint64_t positive_memory(const Condition& condition);

// "*" stands for any text; several patterns are separated by '|'.
bool matches_pattern(std::string_view pattern, std::string_view text);

// Visits every comparison (and share) in order.
template <class C, class Visit>
void for_each_leaf(C& condition, const Visit& visit) {
  const bool inner = condition.kind == ConditionKind::all || condition.kind == ConditionKind::any ||
                     condition.kind == ConditionKind::negation;
  if (!inner) visit(condition);
  if (inner)
    for (auto& part : condition.parts) for_each_leaf(part, visit);
}

// `scope`: which comparisons make sense; "worker", "pool", "source" or "fleet". Numbers the comparisons' memory.
enum class RuleScope;
Condition parse_condition(const Params& node, const std::string& path, RuleScope scope, Problems& problems);
std::string explain(const Condition& condition);

}  // namespace paramedic
