// Bytes → HttpRequest. A Beast parser that writes straight into our plain value; Beast stays in the .cc.
// Internal to net. One thread. Untrusted input: every growth is bounded by the two limits.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/net/http.h"

namespace paramedic {

inline constexpr std::size_t kMaxHeaderFields = 128;

class RequestParser {
 public:
  enum class Step { need_more, complete, failed };
  using BodyLimit = std::function<std::size_t(std::string_view method, std::string_view path)>;

  // `body_limit` outlives the parser.
  RequestParser(std::size_t header_limit, const BodyLimit& body_limit);
  ~RequestParser();

  // Takes bytes from the front of `data` (contiguous, untaken bytes must be offered again) and tells in `step` what is
  // next. Returns how many were taken.
  std::size_t feed(std::string_view data, Step& step);
  // Ready for the next message; strings keep their memory.
  void reset();

  bool started() const;  // some bytes of the message were fed
  bool header_done() const;
  bool keep_alive() const;        // REQUIRES: header_done()
  bool expects_continue() const;  // the client waits for "100 Continue" before it sends the body
  bool wants_upgrade() const;     // WebSocket handshake
  HttpRequest& request();
  // After Step::failed: the status to answer with, and a sentence.
  int problem_status() const;
  const std::string& problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
