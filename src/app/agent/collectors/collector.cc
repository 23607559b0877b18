#include "app/agent/collectors/collector.h"

#include <unistd.h>

#include "app/agent/proc_parse.h"

namespace paramedic::agent {

HostFacts read_host_facts(const KernelRoots& roots) {
  HostFacts facts;
  facts.memory_bytes = find_count(read_whole(roots.proc + "/meminfo", 8192), "MemTotal").value_or(0) * 1024;
  if (const long page = ::sysconf(_SC_PAGESIZE); page > 0) facts.page_bytes = static_cast<std::uint64_t>(page);
  if (const long ticks = ::sysconf(_SC_CLK_TCK); ticks > 0) facts.ticks_per_second = static_cast<double>(ticks);
  return facts;
}

std::vector<std::unique_ptr<Collector>> make_collectors(const CollectorSetup& setup) {
  std::vector<std::unique_ptr<Collector>> all;
#define PARAMEDIC_COLLECTOR(name) all.push_back(make_##name##_collector(setup));
#include "app/agent/collectors/collectors.def"
#undef PARAMEDIC_COLLECTOR
  return all;
}

std::vector<std::string_view> collector_names() {
  return {
#define PARAMEDIC_COLLECTOR(name) #name,
#include "app/agent/collectors/collectors.def"
#undef PARAMEDIC_COLLECTOR
  };
}

}  // namespace paramedic::agent
