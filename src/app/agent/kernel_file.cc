#include "app/agent/kernel_file.h"

#include <algorithm>

#include <fcntl.h>

namespace paramedic::agent {

KernelFile::KernelFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

std::string_view KernelFile::read(char* buffer, std::size_t size) const {
  if (!fd_) return {};
  const auto got = ::pread(fd_.get(), buffer, size, 0);
  return got > 0 ? std::string_view(buffer, static_cast<std::size_t>(got)) : std::string_view{};
}

std::string read_whole(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char chunk[kKernelFileBytes];
  while (fd && text.size() < limit) {
    const auto got = ::read(fd.get(), chunk, std::min(sizeof chunk, limit - text.size()));
    if (got <= 0) break;
    text.append(chunk, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace paramedic::agent
