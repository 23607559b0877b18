#include "base/data_dir.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paramedic {

namespace {

// Whoever holds the lock wrote its pid there.
std::string holder(int fd) {
  char text[24] = {};
  const auto got = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, got > 0 ? size_t(got) : 0);
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

Error unusable(const std::string& what, int error_number) {
  Error error = errno_error(what, error_number);
  error.message += "; give this user the right to write there or set another data_dir";
  if (error.code == Errc::not_found) error.code = Errc::io;
  return error;
}

}  // namespace

Result<DataDir> DataDir::open(const std::string& path) {
  if (path.empty()) return make_error(Errc::invalid_argument, "data_dir is empty; name a directory");
  std::error_code failed;
  const std::filesystem::path dir(path);
  if (!std::filesystem::is_directory(dir, failed)) {
    if (dir.has_parent_path()) std::filesystem::create_directories(dir.parent_path(), failed);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return unusable(fmt::format("cannot create data directory {}", path), errno);
  }
  const std::string lock = path + "/lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return unusable(fmt::format("cannot write in data directory {}", path), errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    const std::string who = holder(fd);
    ::close(fd);
    if (why != EWOULDBLOCK) return unusable(fmt::format("cannot lock {}", lock), why);
    return make_error(Errc::conflict,
                      fmt::format("data directory {} is in use by {}; stop it or set another data_dir", path, who));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    // Only a hint for people: a full disk must not keep the lock from being taken.
  }
  return DataDir(path, fd);
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

DataDir::~DataDir() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

}  // namespace paramedic
