#include "io/net/response_head.h"

#include <fmt/format.h>

namespace paramedic {

namespace {

void append_clean(std::string& out, std::string_view text) {
  const size_t at = out.size();
  out += text;
  for (size_t i = at; i < out.size(); ++i)
    if ((static_cast<unsigned char>(out[i]) < 0x20 && out[i] != '\t') || out[i] == 0x7f) out[i] = ' ';
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_clean(out, name);
  out += ": ";
  append_clean(out, value);
  out += "\r\n";
}

void append_number(std::string& out, std::size_t value) {
  char digits[24];
  out.append(digits, fmt::format_to(digits, "{}", value));
}

}  // namespace

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

void append_response_head(std::string& out, const ResponseHead& head) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(head.status));
  out += ' ';
  out += status_reason(head.status);
  out += "\r\nServer: paramedic\r\nDate: ";
  out += head.date;
  out += "\r\n";
  if (!head.content_type.empty()) append_field(out, "Content-Type", head.content_type);
  if (head.headers)
    for (const auto& [name, value] : *head.headers) append_field(out, name, value);
  if (head.chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (head.content_length && status_has_body(head.status)) {
    out += "Content-Length: ";
    append_number(out, *head.content_length);
    out += "\r\n";
  }
  if (!head.keep_alive)
    out += "Connection: close\r\n";
  else if (head.version < 11)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

std::string format_http_date(std::int64_t unix_seconds) {
  static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{days};
  const std::chrono::hh_mm_ss clock{time - days};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday{days}.c_encoding()],
                     unsigned(date.day()), kMonths[unsigned(date.month()) - 1], int(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string chunk_size_line(std::size_t size) { return fmt::format("{:x}\r\n", size); }

}  // namespace paramedic
