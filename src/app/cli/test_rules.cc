// paramedic test-rules FILE…: unit tests of rules (docs/rules.md). 0 = all passed, 1 = a test failed, 2 = a file is
// wrong.
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "core/alerting/rule_tests.h"
#include "io/config/yaml.h"

namespace paramedic::cli {

namespace {

namespace fs = std::filesystem;

// The rules of a monitor's configuration (alerting.rules) or of a file with only `rules`.
const Params* rules_of(const Params& tree) {
  const Params* alerting = tree.find("alerting");
  return alerting ? alerting->find("rules") : tree.find("rules");
}

// `rules` of the test file itself, then those of its rule_files (relative to it), as one list.
Params gather_rules(const Params& tree, const std::string& file, Problems& problems) {
  Params out{.kind = Params::Kind::list, .file = file};
  if (const Params* own = tree.find("rules")) out.items = own->items;
  std::vector<std::string> files;
  ParamsReader r(&tree, "", problems);
  r.read("rule_files", files);
  if (files.size() > 100) return r.problem("rule_files", "more than 100 files"), out;
  for (const std::string& name : files) {
    const fs::path path = fs::path(name).is_absolute() ? fs::path(name) : fs::path(file).parent_path() / name;
    const auto other = config::load_yaml_file(path.string(), problems);
    if (!other) continue;
    const Params* rules = rules_of(*other);
    if (!rules || rules->kind != Params::Kind::list)
      problems.push_back({path.string(), 1, "rules", "has no list of rules, neither alerting.rules nor rules"});
    else
      out.items.insert(out.items.end(), rules->items.begin(), rules->items.end());
  }
  if (out.items.empty() && problems.empty()) r.problem("rules", "no rule to test: give rules or rule_files");
  return out;
}

}  // namespace

int test_rules(const TestRulesOptions& options) {
  int result = 0;
  for (const std::string& file : options.files) {
    Problems problems;
    RuleTestReport report;
    if (const auto tree = config::load_yaml_file(file, problems)) {
      const Params list = gather_rules(*tree, file, problems);
      const RuleSet rules = parse_rules(&list, "rules", problems);
      if (problems.empty()) report = run_rule_tests(rules, *tree, problems);
    }
    if (!problems.empty()) {
      std::cerr << config::format_problems(problems);
      result = exit_code(Errc::invalid_argument);
      continue;
    }
    for (const std::string& failure : report.failures) std::cout << failure;
    std::cout << fmt::format("{}: {} of {} tests passed, {} expectations\n", file, report.tests - report.failed,
                             report.tests, report.expectations);
    if (report.failed > 0 && result == 0) result = 1;
  }
  return result;
}

}  // namespace paramedic::cli
