// Unit tests of rules, written in YAML (docs/rules.md, "Tests"): values of workers, pools, sources and the monitor over
// time, and the alerts that must fire at given times. Runs the rules alone, on a clock of its own. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/params.h"
#include "core/alerting/rules.h"

namespace paramedic {

inline constexpr std::size_t kMaxRuleTestSteps = 20'000;  // of one test
inline constexpr std::size_t kMaxRuleTests = 1000;        // of one file

struct RuleTestReport {
  int tests = 0, failed = 0, expectations = 0;
  std::vector<std::string> failures;  // a paragraph each: file, line, test, time, and how it differs
};

// `file` is the whole tree: interval, tests (and rules or rule_files, which the caller has read into `rules`).
// Problems: what the file says wrongly; the tests are run only when there are none.
RuleTestReport run_rule_tests(const RuleSet& rules, const Params& file, Problems& problems);

// One value per step: "90 95x3 _ 70", "0+10x6"; nullopt = missing. What follows the end is the last one again.
using RuleSeries = std::vector<std::optional<std::string>>;
Result<RuleSeries> parse_rule_series(std::string_view text);

}  // namespace paramedic
