// process: state, threads and open files of the worker process itself. No keys.
#include "app/agent/collectors/collector.h"

namespace paramedic::agent {
namespace {

class ProcessCollector final : public Collector {
 public:
  void collect(const TreeSample& tree, SteadyTime, Report& out) override {
    if (!tree.alive) return;
    if (!out.process) out.process.emplace();
    out.process->state = tree.state == 't' ? 'T' : tree.state == 'I' ? 'S' : tree.state;
    out.process->threads = tree.threads;
    out.process->open_files = tree.open_files;
  }
};

}  // namespace

std::unique_ptr<Collector> make_process_collector(const CollectorSetup&) {
  return std::make_unique<ProcessCollector>();
}

}  // namespace paramedic::agent
