#include "io/net/http.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace paramedic {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool unreserved(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

Error bad_encoding(std::string_view text, std::string_view why) {
  return Error{Errc::invalid_argument, fmt::format("'{}' is not percent-encoded text: {}", text.substr(0, 64), why)};
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  out += '"';
}

struct Reason {
  int status;
  std::string_view phrase;
};
constexpr Reason kReasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

}  // namespace

bool same_header_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (same_header_name(key, name)) return &value;
  return nullptr;
}

std::string_view HttpRequest::header(std::string_view name) const {
  const std::string* value = find(name);
  return value ? std::string_view(*value) : std::string_view();
}

std::string_view status_reason(int status) {
  const auto* found = std::lower_bound(std::begin(kReasons), std::end(kReasons), status,
                                       [](const Reason& reason, int wanted) { return reason.status < wanted; });
  return found != std::end(kReasons) && found->status == status ? found->phrase : std::string_view("Unknown");
}

HttpResponse problem_response(int status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = R"({"type":"about:blank","title":)";
  append_json_text(response.body, status_reason(status));
  response.body += fmt::format(R"(,"status":{},"detail":)", status);
  append_json_text(response.body, detail);
  response.body += '}';
  return response;
}

HttpResponse problem_response(const Error& error) { return problem_response(http_status(error.code), error.message); }

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return bad_encoding(text, "write two hex digits after '%', and '%25' for '%' itself");
      if (high + low == 0) return bad_encoding(text, "a zero byte is not allowed");
      out += char(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<QueryPairs> parse_query(std::string_view query) {
  QueryPairs pairs;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (item.empty()) continue;
    if (pairs.size() == kMaxQueryPairs)
      return Error{Errc::invalid_argument, fmt::format("the query string has more than {} parameters", kMaxQueryPairs)};
    const size_t equals = std::min(item.find('='), item.size());
    auto key = percent_decode(item.substr(0, equals), true);
    if (!key) return key.error();
    auto value = percent_decode(item.substr(std::min(equals + 1, item.size())), true);
    if (!value) return value.error();
    pairs.emplace_back(std::move(*key), std::move(*value));
  }
  return pairs;
}

Result<std::vector<std::string>> split_path(std::string_view path) {
  if (path.empty() || path[0] != '/') return Error{Errc::invalid_argument, "a path begins with '/'"};
  std::vector<std::string> segments;
  if (path == "/") return segments;
  for (size_t at = 1; at <= path.size();) {
    if (segments.size() == kMaxPathSegments)
      return Error{Errc::invalid_argument, fmt::format("the path has more than {} segments", kMaxPathSegments)};
    const size_t end = std::min(path.find('/', at), path.size());
    auto segment = percent_decode(path.substr(at, end - at));
    if (!segment) return segment.error();
    segments.push_back(std::move(*segment));
    at = end + 1;
  }
  return segments;
}

Result<HttpUrl> parse_http_url(std::string_view url) {
  const auto wrong = [&](std::string_view why) {
    return Error{Errc::invalid_argument, fmt::format("'{}' is not usable as URL: {}", url.substr(0, 200), why)};
  };
  if (!url.starts_with("http://")) return wrong("it must begin with http://");
  std::string_view rest = url.substr(7);
  HttpUrl out;
  const size_t path_at = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, path_at);
  rest = rest.substr(path_at, rest.find('#') == rest.npos ? rest.npos : rest.find('#') - path_at);
  if (rest.starts_with('/'))
    out.target = rest;
  else
    out.target = "/" + std::string(rest);
  if (authority.find('@') != authority.npos) return wrong("a user name in it is not supported");
  size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == authority.npos) return wrong("the ']' is missing");
    out.host = authority.substr(1, close - 1);
    colon = close + 1 < authority.size() ? close + 1 : authority.npos;
    if (colon != authority.npos && authority[colon] != ':') return wrong("a ':' and a port may follow ']'");
  } else {
    out.host = authority.substr(0, colon);
  }
  if (out.host.empty()) return wrong("the host is missing");
  if (colon != authority.npos) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (failed != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
      return wrong("the port is no number from 1 to 65535");
  }
  for (const char c : url)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return wrong("blanks and control characters must be percent-encoded");
  return out;
}

}  // namespace paramedic
