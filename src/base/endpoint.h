// Where a server listens, as people write it: "host:port", "[::1]:6379", "host" (with a default port) or "unix:/path".
// A plain value; names are not looked up here.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace paramedic {

struct Endpoint {
  std::string host;  // or the path; an IPv6 address without brackets
  std::string port;  // 1…65535
  bool unix_socket = false;

  // Error: invalid_argument.
  static Result<Endpoint> parse(std::string_view text, std::string_view default_port);
  // Reads back as the same.
  std::string text() const;
};

}  // namespace paramedic
