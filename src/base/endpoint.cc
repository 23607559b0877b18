#include "base/endpoint.h"

#include <charconv>

#include <fmt/format.h>

namespace paramedic {

Result<Endpoint> Endpoint::parse(std::string_view text, std::string_view default_port) {
  const auto bad = [&] {
    return make_error(Errc::invalid_argument,
                      fmt::format("'{}' must be HOST:PORT, [IPV6]:PORT or unix:/PATH", text.substr(0, 300)));
  };
  if (text.starts_with("unix:")) {
    const auto path = text.substr(5);
    // sockaddr_un holds 108 bytes with the closing zero.
    if (!path.starts_with('/') || path.size() > 107 || path.find('\0') != path.npos) return bad();
    return Endpoint{std::string(path), "", true};
  }
  const auto colon = text.rfind(':');
  const bool bracket_last = text.ends_with(']');
  std::string_view host = colon == text.npos || bracket_last ? text : text.substr(0, colon);
  const std::string_view port = colon == text.npos || bracket_last ? default_port : text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[]/ ") != host.npos)
    return bad();
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || failed != std::errc{} || end != port.data() + port.size() || number < 1 || number > 65535)
    return bad();
  return Endpoint{std::string(host), std::string(port), false};
}

std::string Endpoint::text() const {
  if (unix_socket) return "unix:" + host;
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace paramedic
