// memory: resident memory of the tree, and its share of the tightest limit: the worker's cgroup, the configured
// `memory_limit_mb`, or the host. Pages that processes of the tree share are counted once for each.
#include <algorithm>

#include "app/agent/collectors/collector.h"

namespace paramedic::agent {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr Duration kLimitEvery = 30s;

class MemoryCollector final : public Collector {
 public:
  explicit MemoryCollector(const CollectorSetup& setup)
      : cgroup_(setup.cgroup), page_bytes_(setup.host.page_bytes), host_bytes_(setup.host.memory_bytes) {
    if (setup.spec.memory_limit_mb) configured_ = *setup.spec.memory_limit_mb * 1024 * 1024;
  }

  void collect(const TreeSample& tree, SteadyTime now, Report& out) override {
    if (!tree.alive || tree.state == 'Z') return;
    if (!limit_known_ || now >= refresh_at_) refresh_limit(now);
    if (!out.resources) out.resources.emplace();
    auto& resources = *out.resources;
    const double bytes = static_cast<double>(tree.rss_pages * page_bytes_);
    resources.memory_mb = bytes / kMiB;
    if (kind_ == MemoryLimitKind::none) return;
    resources.memory_limit_kind = kind_;
    resources.memory_limit_mb = static_cast<double>(limit_) / kMiB;
    resources.memory_percent = std::min(100.0, 100.0 * bytes / static_cast<double>(limit_));
  }

 private:
  void refresh_limit(SteadyTime now) {
    limit_known_ = true;
    refresh_at_ = now + kLimitEvery;
    kind_ = MemoryLimitKind::none;
    // Of equal limits the more telling one wins: it is named first.
    take(cgroup_.memory_limit(), MemoryLimitKind::cgroup);
    take(configured_, MemoryLimitKind::configured);
    if (host_bytes_ > 0) take(host_bytes_, MemoryLimitKind::host);
  }
  void take(std::optional<std::uint64_t> limit, MemoryLimitKind kind) {
    if (!limit || *limit == 0 || (kind_ != MemoryLimitKind::none && *limit >= limit_)) return;
    limit_ = *limit;
    kind_ = kind;
  }

  const Cgroup& cgroup_;
  std::uint64_t page_bytes_, host_bytes_;
  std::optional<std::uint64_t> configured_;
  std::uint64_t limit_ = 0;
  MemoryLimitKind kind_ = MemoryLimitKind::none;
  bool limit_known_ = false;
  SteadyTime refresh_at_{};
};

}  // namespace

std::unique_ptr<Collector> make_memory_collector(const CollectorSetup& setup) {
  return std::make_unique<MemoryCollector>(setup);
}

}  // namespace paramedic::agent
