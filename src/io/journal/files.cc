#include "io/journal/files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_io.h"
#include "io/journal/segment.h"

namespace paramedic::journal {

namespace fs = std::filesystem;

namespace {

struct File {
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  int fd = -1;
};

}  // namespace

Result<std::vector<SegmentFile>> list_segments(const std::string& dir) {
  std::vector<SegmentFile> out;
  std::error_code failed;
  fs::directory_iterator files(dir, failed);
  if (failed == std::errc::no_such_file_or_directory) return out;
  for (; !failed && files != fs::directory_iterator(); files.increment(failed)) {
    const auto sequence = segment_sequence(files->path().filename().string());
    struct stat info {};
    // One that is removed at this very moment is none.
    if (!sequence || ::stat(files->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const Duration changed = std::chrono::seconds(info.st_mtim.tv_sec) + Duration(info.st_mtim.tv_nsec);
    out.push_back({*sequence, files->path().string(), std::uint64_t(info.st_size), WallTime(changed)});
  }
  if (failed) return errno_error("cannot list " + dir, failed.value());
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  return out;
}

Result<std::string> read_front(const std::string& path, std::size_t limit) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return errno_error("cannot read " + path, errno);
  std::string out(std::min<std::size_t>(limit, std::size_t(std::max<off_t>(0, info.st_size))), '\0');
  if (const int failed = read_at(file.fd, 0, out)) return errno_error("cannot read " + path, failed);
  return out;
}

void sync_folder(const std::string& dir) {
  const File file{::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (file.fd >= 0) ::fsync(file.fd);
}

}  // namespace paramedic::journal
