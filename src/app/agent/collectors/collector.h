// Collectors fill a part of a worker's report with what the kernel knows of its process tree. One instance of each per
// incarnation: the first reading of a rate has nothing to compare with and leaves its field out. The agent's thread
// only; must not block (no unbounded walks, no network file systems by choice). What cannot be read stays absent. A new
// one: a file collectors/NAME.cc that defines make_NAME_collector, a line in collectors.def, a test, a docs row.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "app/agent/cgroup.h"
#include "app/agent/process_tree.h"
#include "base/clock.h"
#include "io/config/agent_config.h"
#include "model/report.h"

namespace paramedic::agent {

// What does not change while the agent runs.
struct HostFacts {
  std::uint64_t memory_bytes = 0;  // 0 = unknown
  std::uint64_t page_bytes = 4096;
  double ticks_per_second = 100;
};
HostFacts read_host_facts(const KernelRoots& roots);

// REQUIRES: all references outlive the collectors.
struct CollectorSetup {
  const config::WorkerSpec& spec;
  const KernelRoots& roots;
  const HostFacts& host;
  const Cgroup& cgroup;
  int pid;
};

class Collector {
 public:
  virtual ~Collector() = default;
  virtual void collect(const TreeSample& tree, SteadyTime now, Report& out) = 0;
};

std::vector<std::unique_ptr<Collector>> make_collectors(const CollectorSetup& setup);
// Their names, in order: for docs and the completeness test.
std::vector<std::string_view> collector_names();

#define PARAMEDIC_COLLECTOR(name) std::unique_ptr<Collector> make_##name##_collector(const CollectorSetup& setup);
#include "app/agent/collectors/collectors.def"
#undef PARAMEDIC_COLLECTOR

}  // namespace paramedic::agent
