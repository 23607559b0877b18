// VoiceSocket: the unix datagram socket of one worker, at a path that stays the same over restarts of worker and agent:
// it is both $PARAMEDIC_SOCKET and $NOTIFY_SOCKET. The agent's thread only. A flood is read at a bounded rate; the
// kernel's buffer then makes the sender wait.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "base/result.h"

namespace paramedic::agent {

// sockaddr_un holds 108 bytes, the last is zero.
inline constexpr std::size_t kMaxSocketPath = 107;

class VoiceSocket {
 public:
  // Called once per datagram; `whole` is false when it was longer than kMaxDatagramBytes.
  using Handler = std::function<void(std::string_view datagram, bool whole)>;

  // Binds `path` (an old socket there is replaced) for `user` (empty = ours alone). Errors: invalid_argument (path too
  // long), io.
  static Result<std::unique_ptr<VoiceSocket>> open(boost::asio::io_context& io, const std::string& path,
                                                   const std::string& user, Handler handler);
  ~VoiceSocket();  // the path stays: a worker that outlives us finds it served again by the next agent
  VoiceSocket(const VoiceSocket&) = delete;
  VoiceSocket& operator=(const VoiceSocket&) = delete;

 private:
  class Impl;
  explicit VoiceSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace paramedic::agent
