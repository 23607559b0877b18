// Status line and headers as bytes. Internal to net. Hand-made: one append into a reused string per reply.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "io/net/http.h"

namespace paramedic {

struct ResponseHead {
  int status = 200;
  std::string_view content_type;
  const HttpHeaders* headers = nullptr;
  std::optional<std::size_t> content_length;  // absent: chunked, or until the connection closes
  bool chunked = false;
  bool keep_alive = true;
  int version = 11;
  std::string_view date;  // IMF-fixdate
};
// Control bytes in names and values become blanks, so that no value can end its line.
void append_response_head(std::string& out, const ResponseHead& head);
// 1xx, 204 and 304 have neither body nor Content-Length.
bool status_has_body(int status);
// "Mon, 23 Nov 2026 17:40:00 GMT" (RFC 9110 section 5.6.7).
std::string format_http_date(std::int64_t unix_seconds);
// "1a\r\n": what precedes a chunk of `size` bytes.
std::string chunk_size_line(std::size_t size);

}  // namespace paramedic
