// Small blocking HTTP client for the command line and for tests: one connection per call, http: only.
// Any thread; no shared state. Notifiers use libcurl instead.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "io/net/http.h"

namespace paramedic {

struct HttpCall {
  std::string method = "GET";
  std::string url;  // "http://127.0.0.1:8420/health/workers"
  std::string body;
  HttpHeaders headers;
  Duration timeout = 10s;  // the whole call; for follow_lines(): until the headers, then the longest silence
  std::size_t response_limit = 256u << 20;  // bytes; more: too_large
};

// Any status is a success here: the caller judges it. Errors: invalid_argument (URL), unavailable (no connection),
// timeout, too_large, corrupt (not HTTP).
Result<HttpResponse> http_request(HttpCall call);

// For server-sent events: calls on_line with each line of the body (without its end) as it arrives, until on_line
// returns false or the server ends the stream. Returns status and headers, body empty; a non-2xx answer is returned
// with its body and without calling on_line. Lines over 16 MiB: too_large.
Result<HttpResponse> follow_lines(HttpCall call, std::function<bool(std::string_view line)> on_line);

}  // namespace paramedic
