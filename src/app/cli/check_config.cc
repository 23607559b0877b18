// paramedic check-config FILE…: every problem of every file, then 0 or 2.
#include "io/config/check_config.h"

#include <iostream>

#include "app/cli/commands.h"
#include "app/cli/monitor.h"
#include "core/engine/engine_config.h"
#include "io/config/yaml.h"

namespace paramedic::cli {

int check_config(const CheckConfigOptions& options) {
  int result = 0;
  for (const std::string& file : options.files) {
    const config::CheckedConfig checked = config::check_config_file(
        file,
        [](const Params& pool, const std::string& path, Problems& problems) {
          (void)parse_pool_settings(pool, path, problems);
        },
        [](const Params& part, const std::string& path, Problems& problems) {
          (void)parse_alerting_config(&part, path, problems);
        },
        [](const Params& part, const std::string&, Problems& problems) {
          (void)notify::read_channels(part, channel_factory(), problems);
        });
    if (!checked.problems.empty()) {
      std::cerr << config::format_problems(checked.problems);
      result = exit_code(Errc::invalid_argument);
      continue;
    }
    std::cout << file << ": good (" << (checked.kind == config::ConfigKind::agent ? "agent" : "monitor") << ")\n";
    if (options.print) std::cout << checked.effective;
  }
  return result;
}

}  // namespace paramedic::cli
