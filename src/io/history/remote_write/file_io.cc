#include "io/history/remote_write/file_io.h"

#include <cerrno>

#include <unistd.h>

namespace paramedic::remote_write {

Error file_error(std::string what, int error_number) {
  Error error = errno_error(std::move(what), error_number);
  if (error_number == ENOSPC || error_number == EDQUOT)
    error.message += "; free space or lower remote_write queue_size";
  else
    error.message += "; see to it that this user may read and write there";
  if (error.code == Errc::not_found) error.code = Errc::io;
  return error;
}

// All bytes or an errno.
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

// Up to `size` bytes; fewer at the end of the file.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size, const std::string& path) {
  std::string out(size, 0);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t count = ::pread(fd, out.data() + got, size - got, off_t(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("cannot read " + path, errno);
    if (count == 0) break;
    got += std::size_t(count);
  }
  out.resize(got);
  return out;
}

}  // namespace paramedic::remote_write
