#include "app/agent/collectors/folder_size.h"

#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paramedic::agent {

FolderSize::FolderSize(std::string folder) : FolderSize(std::move(folder), Limits{}) {}

std::optional<std::uint64_t> FolderSize::bytes(SteadyTime now) {
  if (open_.empty()) {
    if (now < next_walk_) return result_;
    begin();
    if (open_.empty()) {
      result_.reset();  // the folder is not there: unknown
      next_walk_ = now + limits_.walk_every;
      return result_;
    }
  }
  step();
  if (open_.empty()) {
    result_ = sum_;
    next_walk_ = now + limits_.walk_every;
  }
  return result_;
}

void FolderSize::begin() {
  struct ::stat info {};
  if (::stat(folder_.c_str(), &info) != 0) return;
  sum_ = 0;
  device_ = info.st_dev;
  enter(AT_FDCWD, folder_.c_str());
}

void FolderSize::enter(int parent, const char* name) {
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (parent == AT_FDCWD ? 0 : O_NOFOLLOW));
  if (fd < 0) return;
  if (DIR* dir = ::fdopendir(fd))
    open_.emplace_back(dir);
  else
    ::close(fd);
}

void FolderSize::step() {
  for (int left = limits_.entries_per_step; left > 0 && !open_.empty(); --left) {
    auto* dir = open_.back().get();
    const auto* entry = ::readdir(dir);
    if (!entry) {
      open_.pop_back();
      continue;
    }
    const std::string_view name(entry->d_name);
    struct ::stat info {};
    if (name == "." || name == ".." || ::fstatat(::dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    sum_ += static_cast<std::uint64_t>(info.st_blocks) * 512;
    if (S_ISDIR(info.st_mode) && info.st_dev == device_ && open_.size() < limits_.max_depth)
      enter(::dirfd(dir), entry->d_name);
  }
}

}  // namespace paramedic::agent
