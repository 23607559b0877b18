#include "base/file_io.h"

#include <cerrno>

#include <unistd.h>

namespace paramedic {

int write_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), off_t(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : ENOSPC;
    bytes.remove_prefix(std::size_t(count));
    offset += std::uint64_t(count);
  }
  return 0;
}

int read_at(int fd, std::uint64_t offset, std::string& out) {
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t count = ::pread(fd, out.data() + got, out.size() - got, off_t(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    got += std::size_t(count);
  }
  out.resize(got);
  return 0;
}

}  // namespace paramedic
