// paramedic check-config FILE…: every problem of every file, then 0 or 2.
#include "io/config/check_config.h"

#include <iostream>

#include "app/cli/commands.h"
#include "app/cli/monitor.h"
#include "app/cli/rules_now.h"
#include "app/daemon/reload.h"
#include "io/config/yaml.h"

namespace paramedic::cli {

namespace {

// What its rules mean, and with --monitor what they would match now. Returns the exit code.
int explain_rules(const RuleSet& rules, const CheckConfigOptions& options) {
  if (rules.rules.empty()) return 0;
  if (options.monitor.empty()) {
    for (const Rule& rule : rules.rules) std::cout << "  " << explain(rule) << '\n';
    return 0;
  }
  ClientOptions client;
  client.monitor = options.monitor;
  client.token_file = options.token_file;
  const auto text = explain_matches(rules, client);
  if (!text) return fail(text.error());
  std::cout << *text;
  return 0;
}

}  // namespace

int check_config(const CheckConfigOptions& options) {
  int result = 0;
  for (const std::string& file : options.files) {
    RuleSet rules;
    const auto checked =
        config::check_config_file(file, [&rules](const config::MonitorConfig& config, Problems& problems) {
          rules = check_all(config, problems).rules;
        });
    if (!checked.problems.empty()) {
      std::cerr << config::format_problems(checked.problems);
      result = exit_code(Errc::invalid_argument);
      continue;
    }
    std::cout << file << ": good (" << (checked.kind == config::ConfigKind::agent ? "agent" : "monitor") << ")\n";
    if (const int failed = explain_rules(rules, options); failed != 0) result = failed;
    if (options.print) std::cout << checked.effective;
  }
  return result;
}

}  // namespace paramedic::cli
