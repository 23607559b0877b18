// disk: space and inodes of the file system that holds the worker's working directory, and, with `disk_quota_mb`, how
// full `disk_quota_dir` (or the working directory) is of that quota, told as a disk of its own named by the directory.
#include <algorithm>
#include <climits>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/agent/collectors/collector.h"
#include "app/agent/collectors/folder_size.h"

namespace paramedic::agent {
namespace {

constexpr Duration kReadEvery = 5s;

std::string worker_cwd(const CollectorSetup& setup) {
  if (!setup.spec.cwd.empty()) return setup.spec.cwd;
  char target[PATH_MAX];
  const auto link = setup.roots.proc + "/" + std::to_string(setup.pid) + "/cwd";
  const auto size = ::readlink(link.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string("/");
}

// The highest folder above `path` that is on the same file system.
std::string mount_of(std::string path) {
  struct ::stat here {};
  if (::stat(path.c_str(), &here) != 0) return path;
  while (path.size() > 1) {
    const auto parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    struct ::stat above {};
    if (::stat(parent.c_str(), &above) != 0 || above.st_dev != here.st_dev) break;
    path = parent;
  }
  return path;
}

class DiskCollector final : public Collector {
 public:
  explicit DiskCollector(const CollectorSetup& setup) : mount_(mount_of(worker_cwd(setup))) {
    if (!setup.spec.disk_quota_mb) return;
    quota_bytes_ = *setup.spec.disk_quota_mb * 1024 * 1024;
    quota_folder_ = setup.spec.disk_quota_dir.empty() ? worker_cwd(setup) : setup.spec.disk_quota_dir;
    folder_.emplace(quota_folder_);
  }

  void collect(const TreeSample& tree, SteadyTime now, Report& out) override {
    if (!tree.alive) return;
    if (disks_.empty() || now >= read_at_) {
      read_at_ = now + kReadEvery;
      disks_.clear();
      read_file_system();
      read_quota(now);
    }
    out.disks = disks_;
  }

 private:
  void read_file_system() {
    struct ::statvfs info {};
    if (::statvfs(mount_.c_str(), &info) != 0 || info.f_blocks == 0) return;
    DiskPart disk;
    disk.mount = mount_;
    // As df(1): what root alone may still use counts as neither used nor free.
    const double used = static_cast<double>(info.f_blocks - info.f_bfree);
    const double usable = used + static_cast<double>(info.f_bavail);
    if (usable > 0) disk.used_percent = 100.0 * used / usable;
    disk.free_bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    if (info.f_files > 0)
      disk.inodes_used_percent =
          100.0 * static_cast<double>(info.f_files - info.f_ffree) / static_cast<double>(info.f_files);
    disks_.push_back(std::move(disk));
  }
  void read_quota(SteadyTime now) {
    if (!folder_) return;
    const auto bytes = folder_->bytes(now);
    if (!bytes) return;
    DiskPart disk;
    disk.mount = quota_folder_;
    disk.used_percent = std::min(100.0, 100.0 * static_cast<double>(*bytes) / static_cast<double>(quota_bytes_));
    disk.free_bytes = quota_bytes_ - std::min(*bytes, quota_bytes_);
    disks_.push_back(std::move(disk));
  }

  std::string mount_;
  std::uint64_t quota_bytes_ = 0;
  std::string quota_folder_;
  std::optional<FolderSize> folder_;
  std::vector<DiskPart> disks_;
  SteadyTime read_at_{};
};

}  // namespace

std::unique_ptr<Collector> make_disk_collector(const CollectorSetup& setup) {
  return std::make_unique<DiskCollector>(setup);
}

}  // namespace paramedic::agent
