#include "io/api/guard.h"

#include <algorithm>
#include <cctype>

namespace paramedic::api {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return out;
}

// "[::1]:8420" → "::1"; "localhost:8420" → "localhost"; a bare IPv6 address stays.
std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(1, host.find(']') - 1));
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(':') == colon) host = host.substr(0, colon);
  return lower(host);
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return lower(item) == text; });
}

std::string media_type(const HttpRequest& request) {
  std::string_view type = request.header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return lower(type);
}

}  // namespace

bool is_loopback(std::string_view address) {
  const std::string host = without_port(address);
  const bool dotted = !host.empty() && host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (dotted && host.starts_with("127."));
}

Result<void> check_listen(std::string_view address, bool has_tokens) {
  if (has_tokens || is_loopback(address)) return {};
  return make_error(Errc::forbidden, "refusing to listen on " + std::string(address) +
                                         " without a token file: anybody who reaches it could restart workers; set "
                                         "token_file or listen on 127.0.0.1");
}

Result<void> check_host(const HttpRequest& request, const GuardOptions& options) {
  const std::string* host = request.find("Host");
  if (!host || host->empty())
    return make_error(Errc::invalid_argument, "the Host header is missing: send the name that the monitor is known by");
  const std::string name = without_port(*host);
  if (is_loopback(name) || name == without_port(options.listen_address) || contains(options.allowed_hosts, name))
    return {};
  return make_error(Errc::forbidden, "host '" + name + "' is not a name of this monitor: add it to allowed_hosts");
}

Result<void> check_origin(const HttpRequest& request, const GuardOptions& options) {
  for (const auto& [name, value] : request.headers) {
    if (!same_header_name(name, "Origin")) continue;
    const std::string origin = lower(value);
    const std::string host = lower(request.header("Host"));
    const bool own = origin == "http://" + host || origin == "https://" + host;
    if (!own && !contains(options.allowed_origins, origin))
      return make_error(Errc::forbidden,
                        "requests from web pages of '" + value + "' are refused: open the page of this monitor itself");
  }
  return {};
}

bool has_json_type(const HttpRequest& request) { return media_type(request) == "application/json"; }

bool has_ndjson_type(const HttpRequest& request) { return media_type(request) == "application/x-ndjson"; }

void add_security_headers(HttpHeaders& headers) {
  headers.emplace_back("Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
                       "'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'");
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  headers.emplace_back("Referrer-Policy", "no-referrer");
  headers.emplace_back("X-Frame-Options", "DENY");
  headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace paramedic::api
