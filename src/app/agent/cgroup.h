// What the control group of a process allows: CPU quota, memory limit, and how often the kernel killed in it for lack
// of memory. Reads v2, v1 and hybrid trees (shared/interop.md 6.3). The agent's thread only.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/agent/kernel_file.h"

namespace paramedic::agent {

// Where the kernel's files are; other places only in tests.
struct KernelRoots {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

class Cgroup {
 public:
  Cgroup() = default;
  // The group that `pid` is in now. Files that do not exist leave their answers unknown.
  Cgroup(const KernelRoots& roots, int pid);

  std::optional<double> cpu_cores() const;            // quota / period; nullopt = no limit
  std::optional<std::uint64_t> memory_limit() const;  // bytes; the tightest on the way to the root; nullopt = none
  std::optional<std::uint64_t> oom_kills() const;     // since the group exists

 private:
  void open_v2(const KernelRoots& roots, const std::string& path);
  void open_v1(const KernelRoots& roots, std::string_view cgroup_file);

  KernelFile cpu_max_;                 // v2
  KernelFile cpu_quota_, cpu_period_;  // v1
  KernelFile memory_max_;
  KernelFile oom_;
  std::optional<std::uint64_t> parent_memory_limit_;  // read once: limits above the own group rarely change
};

}  // namespace paramedic::agent
