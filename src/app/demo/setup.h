// Lays out a demo: folders, "models", and the configuration of its monitor and its agent. Called once by `paramedic
// demo` before it starts anything. Blocking; any thread.
//
// DIR/monitor.yaml, DIR/agent.yaml   written anew by each start
// DIR/monitor/, DIR/agent/           data of the two; kept, so that a second start in the same DIR goes on
// and what control.h lists.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace paramedic::demo {

inline constexpr int kMaxDemoWorkers = 200;

struct DemoSetupOptions {
  std::filesystem::path root;                         // data directory; created
  std::filesystem::path program;                      // the paramedic executable, for the workers' command lines
  std::string listen = "127.0.0.1:8420";              // of the monitor; port 0 = any
  std::string monitor_url = "http://127.0.0.1:8420";  // for the agent: known once the monitor listens
  int workers = 6;                                    // in two pools, thumbs and hashes
};

struct DemoSetup {
  std::vector<std::string> worker_ids;   // thumbs-1, hashes-1, thumbs-2, …
  double broker_tasks_per_second = 0;    // per queue: a little more than its workers can take
  std::vector<std::string> shortenings;  // one line each: what is shorter or smaller than in production
  std::filesystem::path monitor_yaml, agent_yaml;
};

// Errors: invalid_argument (number of workers), io.
Result<DemoSetup> prepare_demo(const DemoSetupOptions& options);
// The agent's file alone, again: when the monitor was given port 0 its URL is known only later.
Result<void> write_agent_yaml(const DemoSetupOptions& options);

// The texts of the two files.
std::string monitor_yaml(const DemoSetupOptions& options);
std::string agent_yaml(const DemoSetupOptions& options);

}  // namespace paramedic::demo
