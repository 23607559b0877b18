#include "io/wire/json_writer.h"

#include <charconv>
#include <cmath>

namespace paramedic::wire {

namespace {

constexpr double kScale = 10'000;  // four decimals: the most that intake keeps

void append_unsigned(std::string& out, std::uint64_t number) {
  char buffer[20];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

// `scaled` = value · 10^4, exact.
void append_scaled(std::string& out, std::uint64_t scaled) {
  append_unsigned(out, scaled / 10'000);
  unsigned rest = unsigned(scaled % 10'000);
  if (rest == 0) return;
  char digits[5] = {'.', char('0' + rest / 1000), char('0' + rest / 100 % 10), char('0' + rest / 10 % 10),
                    char('0' + rest % 10)};
  size_t length = 5;
  while (digits[length - 1] == '0') --length;
  out.append(digits, length);
}

// Length of the valid UTF-8 sequence at `at`, 0 when there is none.
size_t utf8_length(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) -> unsigned { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned a = byte(at), b = byte(at + 1);
  if (a >= 0xC2 && a <= 0xDF) return tail(at + 1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    if (!tail(at + 1) || !tail(at + 2)) return 0;
    if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F)) return 0;  // overlong, surrogate
    return 3;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    if (!tail(at + 1) || !tail(at + 2) || !tail(at + 3)) return 0;
    if ((a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

void append_control(std::string& out, unsigned char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

}  // namespace

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  const double magnitude = std::fabs(value);
  if (magnitude < 9.0e11) {
    const auto scaled = std::uint64_t(magnitude * kScale + 0.5);
    // A correctly rounded quotient is exactly what a reader makes of these digits, so equality means no loss.
    if (double(scaled) / kScale == magnitude) {
      if (value < 0 && scaled != 0) out += '-';
      return append_scaled(out, scaled);
    }
  }
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // start of the run that needs no change
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const size_t wide = c >= 0x80 ? utf8_length(text, i) : 0;
    if (wide) {
      i += wide;
      continue;
    }
    out.append(text, plain, i - plain);
    if (c == '"' || c == '\\')
      (out += '\\') += char(c);
    else if (c >= 0x80)
      out += "\xEF\xBF\xBD";
    else
      append_control(out, c);
    plain = ++i;
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_time(std::string& out, WallTime t) {
  using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch());
  const auto days = std::chrono::floor<Days>(ms);
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days.count()}}};
  const auto rest = unsigned((ms - days).count());
  const auto put = [](char* at, unsigned number, int width) {
    for (int i = width - 1; i >= 0; --i, number /= 10) at[i] = char('0' + number % 10);
  };
  char text[] = "0000-00-00T00:00:00.000Z";
  put(text, unsigned(int(date.year())), 4);
  put(text + 5, unsigned(date.month()), 2);
  put(text + 8, unsigned(date.day()), 2);
  put(text + 11, rest / 3'600'000, 2);
  put(text + 14, rest / 60'000 % 60, 2);
  put(text + 17, rest / 1000 % 60, 2);
  put(text + 20, rest % 1000, 3);
  out.append(text, sizeof text - 1);
}

JsonWriter& JsonWriter::open(char bracket) {
  comma();
  out_->push_back(bracket);
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_->push_back(bracket);
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  comma();
  append_json_string(*out_, name);
  out_->push_back(':');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  comma();
  append_json_string(*out_, text);
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(bool flag) { return raw(flag ? "true" : "false"); }
JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::value(double number) {
  comma();
  append_json_number(*out_, number);
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(WallTime t) {
  comma();
  out_->push_back('"');
  append_time(*out_, t);
  out_->push_back('"');
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  comma();
  out_->append(json);
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::signed_value(std::int64_t number) {
  comma();
  if (number < 0) out_->push_back('-');
  append_unsigned(*out_, number < 0 ? 0 - std::uint64_t(number) : std::uint64_t(number));
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::unsigned_value(std::uint64_t number) {
  comma();
  append_unsigned(*out_, number);
  need_comma_ = true;
  return *this;
}

}  // namespace paramedic::wire
