// What keeps other people's web pages and machines out: checks on Host, Origin, content type and listen address, and
// the headers of every answer. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/net/http.h"

namespace paramedic::api {

struct GuardOptions {
  std::string listen_address = "127.0.0.1";
  std::vector<std::string> allowed_hosts;    // further names of this monitor, without port: "paramedic.example.net"
  std::vector<std::string> allowed_origins;  // further pages that may ask: "https://dash.example.net"
};

// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(std::string_view address);
// Refuses (forbidden) to listen beyond this machine without tokens.
Result<void> check_listen(std::string_view address, bool has_tokens);

// Against DNS rebinding: Host must be a loopback name, the listen address or configured. Errors: forbidden;
// invalid_argument when it is missing.
Result<void> check_host(const HttpRequest& request, const GuardOptions& options);
// Against other web pages: Origin, when sent, must be this monitor's own (same host and port as Host) or configured.
Result<void> check_origin(const HttpRequest& request, const GuardOptions& options);
// A browser sends this type to another site only after asking permission, which it does not get. HTTP status 415.
bool has_json_type(const HttpRequest& request);
bool has_ndjson_type(const HttpRequest& request);

// Content-Security-Policy and its companions. A `media type` is compared without its parameters.
void add_security_headers(HttpHeaders& headers);

}  // namespace paramedic::api
