#include "app/agent/voice_socket.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/agent/unique_fd.h"
#include "app/agent/voice.h"

namespace paramedic::agent {
namespace {

// At most so many datagrams at once; then a pause, so that a flood costs a few percent of one core, not all of it.
constexpr int kDatagramsPerTurn = 64;
constexpr auto kPause = std::chrono::milliseconds(5);

// One buffer for all sockets: they are read one after the other, and the agent has to stay small.
std::vector<char>& shared_buffer() {
  thread_local std::vector<char> buffer(kMaxDatagramBytes);
  return buffer;
}

void give_to(const std::string& path, const std::string& user) {
  ::chmod(path.c_str(), 0600);
  if (user.empty()) return;
  if (const auto* entry = ::getpwnam(user.c_str())) {
    if (::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) ::chmod(path.c_str(), 0666);
  }
}

Result<UniqueFd> bind_path(const std::string& path, const std::string& user) {
  if (path.size() > kMaxSocketPath)
    return make_error(Errc::invalid_argument,
                      "socket path " + path + " is longer than 107 bytes; set a shorter socket_dir");
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("cannot make a socket", errno);
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0)
    return errno_error("cannot bind " + path, errno);
  give_to(path, user);
  return fd;
}

}  // namespace

class VoiceSocket::Impl : public std::enable_shared_from_this<VoiceSocket::Impl> {
 public:
  Impl(boost::asio::io_context& io, UniqueFd fd, Handler handler)
      : descriptor_(io, fd.release()), timer_(io), handler_(std::move(handler)) {}

  void wait() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [weak = weak_from_this()](const boost::system::error_code& failed) {
                             const auto self = weak.lock();
                             if (self && !failed) self->read();
                           });
  }

 private:
  void read() {
    auto& buffer = shared_buffer();
    for (int i = 0; i < kDatagramsPerTurn; ++i) {
      // MSG_TRUNC: the true length. File descriptors that came along (sd_notify barriers) are closed by the kernel.
      const auto got = ::recv(descriptor_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return wait();
        if (errno == EINTR) continue;
        return pause();
      }
      const auto size = std::min(static_cast<std::size_t>(got), buffer.size());
      handler_(std::string_view(buffer.data(), size), static_cast<std::size_t>(got) <= buffer.size());
    }
    pause();
  }
  void pause() {
    timer_.expires_after(kPause);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& failed) {
      const auto self = weak.lock();
      if (self && !failed) self->read();
    });
  }

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  Handler handler_;
};

VoiceSocket::VoiceSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
VoiceSocket::~VoiceSocket() = default;

Result<std::unique_ptr<VoiceSocket>> VoiceSocket::open(boost::asio::io_context& io, const std::string& path,
                                                       const std::string& user, Handler handler) {
  auto fd = bind_path(path, user);
  if (!fd) return fd.error();
  auto impl = std::make_shared<Impl>(io, std::move(*fd), std::move(handler));
  impl->wait();
  return std::unique_ptr<VoiceSocket>(new VoiceSocket(std::move(impl)));
}

}  // namespace paramedic::agent
