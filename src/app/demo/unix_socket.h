// Unix sockets of the demo: owned descriptors, and paths of any length (sun_path holds 107 bytes only).
// Blocking helpers with deadlines; each object belongs to one thread.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::demo {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// A listening, non-blocking stream socket; an older socket file at `path` is replaced.
Result<UniqueFd> listen_unix(const std::filesystem::path& path);
// A connected, non-blocking stream socket.
Result<UniqueFd> connect_unix(const std::filesystem::path& path);
// A non-blocking datagram socket whose peer is `path`; a leading '@' names the abstract namespace.
Result<UniqueFd> connect_datagram(const std::string& path);

// Creates or replaces `path` by write and rename, so that a reader never sees half of it.
Result<void> write_file(const std::filesystem::path& path, std::string_view text);
// The first `limit` bytes of a file.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 64 * 1024);

}  // namespace paramedic::demo
