// KernelFile: a file of /proc, /sys or a cgroup that is read again and again. Opened once, re-read with pread, so that
// a reading costs one system call and no path walk. The agent's thread only.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "app/agent/unique_fd.h"

namespace paramedic::agent {

// More than any file read here needs, except big ones read by read_whole (/proc/vmstat, mountinfo).
inline constexpr std::size_t kKernelFileBytes = 4096;

class KernelFile {
 public:
  KernelFile() = default;
  explicit KernelFile(const std::string& path);  // a missing file leaves it closed: read() then answers nothing

  bool is_open() const { return static_cast<bool>(fd_); }
  // The first `size` bytes as they are now; empty when closed, or when the process behind it is gone (ESRCH).
  std::string_view read(char* buffer, std::size_t size) const;

 private:
  UniqueFd fd_;
};

// A whole file, at most `limit` bytes; empty when it cannot be read.
std::string read_whole(const std::string& path, std::size_t limit = 1 << 20);

}  // namespace paramedic::agent
