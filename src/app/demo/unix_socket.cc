#include "app/demo/unix_socket.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace paramedic::demo {

namespace {

// A path that fits into sun_path: the folder is opened and named through /proc/self/fd when the plain path is too long.
struct ShortPath {
  UniqueFd folder;  // must outlive the use of `text`
  std::string text;
};

Result<ShortPath> shorten(const std::filesystem::path& path) {
  ShortPath out;
  out.text = path.string();
  if (out.text.size() < sizeof(sockaddr_un::sun_path)) return out;
  out.folder.reset(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.folder) return errno_error("cannot open " + path.parent_path().string(), errno);
  out.text = fmt::format("/proc/self/fd/{}/{}", out.folder.get(), path.filename().string());
  if (out.text.size() >= sizeof(sockaddr_un::sun_path))
    return make_error(Errc::invalid_argument,
                      "the socket name " + path.filename().string() + " is too long; use at most 60 bytes");
  return out;
}

struct Address {
  sockaddr_un raw{};
  socklen_t size = 0;
};

Address make_address(std::string_view text) {
  Address address;
  address.raw.sun_family = AF_UNIX;
  const std::size_t count = std::min(text.size(), sizeof(address.raw.sun_path) - 1);
  std::memcpy(address.raw.sun_path, text.data(), count);
  address.size = socklen_t(offsetof(sockaddr_un, sun_path) + count + 1);
  if (!text.empty() && text.front() == '@') {
    address.raw.sun_path[0] = '\0';
    address.size = socklen_t(offsetof(sockaddr_un, sun_path) + count);
  }
  return address;
}

Result<UniqueFd> connected(int type, const std::string& name, std::string_view text) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("cannot create a unix socket", errno);
  const Address address = make_address(text);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.raw), address.size) != 0)
    return errno_error("cannot connect to " + name, errno);
  return fd;
}

}  // namespace

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> listen_unix(const std::filesystem::path& path) {
  auto place = shorten(path);
  if (!place) return place.error();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("cannot create a unix socket", errno);
  ::unlink(path.c_str());
  const Address address = make_address(place->text);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.raw), address.size) != 0)
    return errno_error("cannot bind " + path.string(), errno);
  if (::listen(fd.get(), 256) != 0) return errno_error("cannot listen on " + path.string(), errno);
  return fd;
}

Result<UniqueFd> connect_unix(const std::filesystem::path& path) {
  auto place = shorten(path);
  if (!place) return place.error();
  return connected(SOCK_STREAM, path.string(), place->text);
}

Result<UniqueFd> connect_datagram(const std::string& path) {
  if (!path.empty() && path.front() == '@') return connected(SOCK_DGRAM, path, path);
  auto place = shorten(path);
  if (!place) return place.error();
  return connected(SOCK_DGRAM, path, place->text);
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text) {
  const std::string temporary = path.string() + ".new";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return errno_error("cannot create " + temporary, errno);
  while (!text.empty()) {
    const ssize_t count = ::write(fd.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return errno_error("cannot write " + temporary, errno);
    text.remove_prefix(std::size_t(count));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("cannot replace " + path.string(), errno);
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("cannot open " + path.string(), errno);
  std::string out;
  char buffer[4096];
  while (out.size() < limit) {
    const ssize_t count = ::read(fd.get(), buffer, std::min(sizeof buffer, limit - out.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("cannot read " + path.string(), errno);
    if (count == 0) break;
    out.append(buffer, std::size_t(count));
  }
  return out;
}

}  // namespace paramedic::demo
