// What rules would match in a running monitor now, from the views that its API shows.
#pragma once
#include <string>

#include "app/cli/commands.h"
#include "core/alerting/rules.h"

namespace paramedic::cli {

// Per rule its sentence, its matches, and those of which nothing is known; waits (`for`) are not waited out.
// Errors: as the monitor's, or why it does not answer.
Result<std::string> explain_matches(const RuleSet& rules, const ClientOptions& client);

}  // namespace paramedic::cli
