#include "app/agent/cgroup.h"

#include <algorithm>

#include "app/agent/proc_parse.h"

namespace paramedic::agent {
namespace {

// v1 says "no limit" with a number near 2^63.
constexpr std::uint64_t kNoLimit = 1ull << 60;

std::optional<std::uint64_t> limit_of(std::string_view text) {
  const auto value = parse_count(text);
  return value && *value < kNoLimit ? value : std::nullopt;
}

std::optional<std::uint64_t> tighter(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  return a && b ? std::min(*a, *b) : (a ? a : b);
}

// Inside a cgroup namespace, or with a bind mount, the path of /proc/<pid>/cgroup may not exist below the root.
std::string existing_folder(const std::string& root, std::string path, const char* file) {
  while (!path.empty() && path != "/") {
    if (KernelFile(root + path + "/" + file).is_open()) return root + path;
    path.resize(std::min(path.rfind('/'), path.size()));
  }
  return root;
}

std::optional<std::uint64_t> limit_above(std::string folder, const std::string& root, const char* file) {
  std::optional<std::uint64_t> limit;
  while (folder.size() > root.size()) {
    folder.resize(folder.rfind('/'));
    limit = tighter(limit, limit_of(read_whole(folder + "/" + file, 64)));
  }
  return limit;
}

}  // namespace

Cgroup::Cgroup(const KernelRoots& roots, int pid) {
  const auto text = read_whole(roots.proc + "/" + std::to_string(pid) + "/cgroup");
  const auto unified = cgroup_path(text, "");
  if (unified && KernelFile(roots.cgroup + "/cgroup.controllers").is_open())
    open_v2(roots, *unified);
  else
    open_v1(roots, text);
}

void Cgroup::open_v2(const KernelRoots& roots, const std::string& path) {
  const auto folder = existing_folder(roots.cgroup, path, "cgroup.events");
  cpu_max_ = KernelFile(folder + "/cpu.max");
  memory_max_ = KernelFile(folder + "/memory.max");
  oom_ = KernelFile(folder + "/memory.events");
  parent_memory_limit_ = limit_above(folder, roots.cgroup, "memory.max");
}

void Cgroup::open_v1(const KernelRoots& roots, std::string_view cgroup_file) {
  if (const auto path = cgroup_path(cgroup_file, "cpu")) {
    const auto folder = existing_folder(roots.cgroup + "/cpu", *path, "cpu.cfs_quota_us");
    cpu_quota_ = KernelFile(folder + "/cpu.cfs_quota_us");
    cpu_period_ = KernelFile(folder + "/cpu.cfs_period_us");
  }
  if (const auto path = cgroup_path(cgroup_file, "memory")) {
    const auto root = roots.cgroup + "/memory";
    const auto folder = existing_folder(root, *path, "memory.limit_in_bytes");
    memory_max_ = KernelFile(folder + "/memory.limit_in_bytes");
    oom_ = KernelFile(folder + "/memory.oom_control");
    parent_memory_limit_ = limit_above(folder, root, "memory.limit_in_bytes");
  }
}

std::optional<double> Cgroup::cpu_cores() const {
  char buffer[64];
  if (cpu_max_.is_open()) return parse_cpu_max(cpu_max_.read(buffer, sizeof buffer));
  const auto quota = parse_count(cpu_quota_.read(buffer, sizeof buffer));  // "-1" = none: not a count
  const auto period = parse_count(cpu_period_.read(buffer, sizeof buffer));
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::uint64_t> Cgroup::memory_limit() const {
  char buffer[64];
  return tighter(limit_of(memory_max_.read(buffer, sizeof buffer)), parent_memory_limit_);
}

std::optional<std::uint64_t> Cgroup::oom_kills() const {
  char buffer[512];
  return find_count(oom_.read(buffer, sizeof buffer), "oom_kill");
}

}  // namespace paramedic::agent
