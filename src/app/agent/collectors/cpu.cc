// cpu: processor time of the tree since the reading before, in percent of all that the worker may use: the smaller of
// its affinity and its cgroup quota. No keys. Resolution is that of /proc: 10 ms.
#include <algorithm>

#include <sched.h>

#include "app/agent/collectors/collector.h"

namespace paramedic::agent {
namespace {

// Affinity and quota change rarely; a change shows within this.
constexpr Duration kCoresEvery = 30s;
// Shorter windows would measure the clock tick.
constexpr Duration kShortestWindow = 100ms;

std::optional<double> affinity_cores(int pid) {
  ::cpu_set_t set;
  if (::sched_getaffinity(pid, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::nullopt;
}

class CpuCollector final : public Collector {
 public:
  explicit CpuCollector(const CollectorSetup& setup)
      : cgroup_(setup.cgroup), ticks_per_second_(setup.host.ticks_per_second), pid_(setup.pid) {}

  void collect(const TreeSample& tree, SteadyTime now, Report& out) override {
    if (!tree.alive) return;
    refresh_cores(now);
    if (!out.resources) out.resources.emplace();
    out.resources->cpu_cores = cores_;
    if (!last_ || now - last_->at >= kShortestWindow) {
      if (last_ && cores_) percent_ = percent_since(*last_, tree, now);
      last_ = Reading{tree.cpu_ticks, now};
    }
    out.resources->cpu_percent = percent_;
  }

 private:
  struct Reading {
    std::uint64_t ticks = 0;
    SteadyTime at{};
  };

  double percent_since(const Reading& last, const TreeSample& tree, SteadyTime now) const {
    // A child that nobody waited for takes its time along: the sum may fall, and then nothing is known to have run.
    const auto ticks = tree.cpu_ticks > last.ticks ? tree.cpu_ticks - last.ticks : 0;
    const double used_seconds = static_cast<double>(ticks) / ticks_per_second_;
    return std::min(100.0, 100.0 * used_seconds / to_seconds(now - last.at) / *cores_);
  }
  void refresh_cores(SteadyTime now) {
    if (cores_ && now < refresh_at_) return;
    refresh_at_ = now + kCoresEvery;
    cores_ = affinity_cores(pid_);
    if (const auto quota = cgroup_.cpu_cores()) cores_ = cores_ ? std::min(*cores_, *quota) : *quota;
  }

  const Cgroup& cgroup_;
  double ticks_per_second_;
  int pid_;
  std::optional<double> cores_;
  SteadyTime refresh_at_{};
  std::optional<Reading> last_;
  std::optional<double> percent_;
};

}  // namespace

std::unique_ptr<Collector> make_cpu_collector(const CollectorSetup& setup) {
  return std::make_unique<CpuCollector>(setup);
}

}  // namespace paramedic::agent
