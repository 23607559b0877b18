#include "base/data_check.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paramedic {

namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(std::size_t(put));
  }
  return true;
}

// A file or a name in a folder that a power cut took back would be damage lost silently.
bool sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  return done;
}

}  // namespace

Result<void> AsideFolder::keep(const std::string& name, std::string_view bytes) {
  if (!used_) {
    if (::mkdir(path_.c_str(), 0700) != 0) return errno_error("cannot create " + path_, errno);
    if (!sync_folder(path_.substr(0, path_.rfind('/')))) return errno_error("cannot write " + path_, errno);
    used_ = true;
  }
  const std::string file = path_ + "/" + name;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error("cannot create " + file, errno);
  const bool written = write_all(fd, bytes) && ::fsync(fd) == 0;
  const int failed = errno;
  ::close(fd);
  if (!written) {
    ::unlink(file.c_str());
    return errno_error("cannot write " + file, failed);
  }
  if (!sync_folder(path_)) return errno_error("cannot write " + path_, errno);
  return {};
}

}  // namespace paramedic
