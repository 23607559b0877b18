// `paramedic check-config FILE`: is this file good, and if not, all that is wrong with it. Any thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/params.h"
#include "io/config/monitor_config.h"

namespace paramedic::config {

enum class ConfigKind { monitor, agent };

// An agent's file has `monitor` or `workers` at the top; all others are the monitor's.
ConfigKind detect_kind(const Params& tree);

// Reads what is kept as written with the code that owns it (pools, alerting, channels …); the caller (cli) provides it,
// since config may not include core.
using PartCheck = std::function<void(const MonitorConfig& config, Problems& problems)>;

struct CheckedConfig {
  ConfigKind kind = ConfigKind::monitor;
  Problems problems;      // each named once, in the order of the file; empty = good
  std::string effective;  // the tree as YAML, secrets as stars; empty when it could not be read
};
CheckedConfig check_config(std::string_view text, const std::string& name, const PartCheck& check_parts = {});
CheckedConfig check_config_file(const std::string& path, const PartCheck& check_parts = {});

// Removes problems that several pools inherited from the same line, and sorts by file and line.
void tidy(Problems& problems);

}  // namespace paramedic::config
