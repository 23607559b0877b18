// `paramedic check-config FILE`: is this file good, and if not, all that is wrong with it. Any thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/params.h"

namespace paramedic::config {

enum class ConfigKind { monitor, agent };

// An agent's file has `monitor` or `workers` at the top; all others are the monitor's.
ConfigKind detect_kind(const Params& tree);

// Reads a part of the monitor's file with the code in core that owns it; the caller (daemon, cli) provides it, since
// config may not include core. `path` is "pools.NAME" (settings already over the defaults) or "alerting".
// Channels are read by io/notify: `path` is "channels".
using PartCheck = std::function<void(const Params& part, const std::string& path, Problems& problems)>;

struct CheckedConfig {
  ConfigKind kind = ConfigKind::monitor;
  Problems problems;      // each named once, in the order of the file; empty = good
  std::string effective;  // the tree as YAML, secrets as stars; empty when it could not be read
};
CheckedConfig check_config(std::string_view text, const std::string& name, const PartCheck& check_pool = {},
                           const PartCheck& check_alerting = {}, const PartCheck& check_channels = {});
CheckedConfig check_config_file(const std::string& path, const PartCheck& check_pool = {},
                                const PartCheck& check_alerting = {}, const PartCheck& check_channels = {});

// Removes problems that several pools inherited from the same line, and sorts by file and line.
void tidy(Problems& problems);

}  // namespace paramedic::config
