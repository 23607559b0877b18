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

// Up to `size` bytes; fewer at the end of the file.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size, const std::string& path) {
  std::string out(size, 0);
  if (const int failed = paramedic::read_at(fd, offset, out)) return file_error("cannot read " + path, failed);
  return out;
}

}  // namespace paramedic::remote_write
