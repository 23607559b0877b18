// HTTP as plain values: request, response, and the pure text helpers around them. No I/O, any thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace paramedic {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // in the order received or to be sent

// Header names compare without regard to case (RFC 9110 section 5.1). Null when absent; the first one when repeated.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);
bool same_header_name(std::string_view a, std::string_view b);

// A complete request. All strings are bytes from outside: untrusted, size-limited by the server's options.
struct HttpRequest {
  std::string method;          // as sent: "GET"
  std::string target;          // as sent: "/health/workers/a%2Fb?limit=5"
  std::string path;            // raw, before '?'; split_path() decodes it
  std::string query;           // raw, after '?'; parse_query() decodes it
  HttpHeaders headers;         // a repeated header stands here repeatedly
  std::string body;            // chunked encoding already removed
  std::string remote_address;  // address without port: "127.0.0.1"
  int version = 11;            // 10 or 11

  const std::string* find(std::string_view name) const { return find_header(headers, name); }
  // The header's value; empty when absent.
  std::string_view header(std::string_view name) const;
};

// A complete answer. Server, Date, Content-Length and Connection are the server's: do not set them here.
struct HttpResponse {
  int status = 200;
  std::string content_type;                        // empty: no Content-Type header
  HttpHeaders headers;                             // further ones; control bytes in values are sent as blanks
  std::string body;                                // ignored when shared_body is set
  std::shared_ptr<const std::string> shared_body;  // one text for many clients, never copied per client

  std::string_view body_view() const { return shared_body ? std::string_view(*shared_body) : std::string_view(body); }
};

// "Not Found"; "Unknown" for a status without a registered phrase.
std::string_view status_reason(int status);

// RFC 9457 problem details (application/problem+json): {"type":"about:blank","title":…,"status":…,"detail":…}.
HttpResponse problem_response(int status, std::string_view detail);
// Status from Errc (base/result.cc's table), the message as detail.
HttpResponse problem_response(const Error& error);

// "%2F" → "/". Errors: a stray or truncated '%', an encoded zero byte. `plus_is_space` for query strings.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// All but RFC 3986's unreserved characters are encoded, so the result fits in one path segment or query value.
std::string percent_encode(std::string_view text);

inline constexpr size_t kMaxQueryPairs = 256;
using QueryPairs = std::vector<std::pair<std::string, std::string>>;
// "a=1&b=x%20y&c" → {a,1} {b,"x y"} {c,""}. Errors: bad encoding, more than kMaxQueryPairs.
Result<QueryPairs> parse_query(std::string_view query);

inline constexpr size_t kMaxPathSegments = 64;
// "/health/workers/a%2Fb" → {"health","workers","a/b"}; "/" → {}; "//" and a trailing slash give empty segments.
// Errors: no leading slash, bad encoding, more than kMaxPathSegments.
Result<std::vector<std::string>> split_path(std::string_view path);

// "http://host:8420/x?y" in parts. Only http:, with a host; port 80 when none is given. "[::1]" loses its brackets.
struct HttpUrl {
  std::string host;
  unsigned short port = 80;
  std::string target = "/";
};
Result<HttpUrl> parse_http_url(std::string_view url);

}  // namespace paramedic
