#include "io/wire/json_writer.h"

#include <cstring>

#include "io/wire/json_number.h"

namespace paramedic::wire {

namespace {

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

// Eight bytes at once: none is a control character, a quote, a backslash, DEL or beyond ASCII.
bool is_plain(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x80 * kOnes;
  const auto holds = [&](char c) {
    const std::uint64_t x = eight ^ (kOnes * std::uint64_t(c));
    return (x - kOnes) & ~x;
  };
  const std::uint64_t control = (eight - 0x20 * kOnes) & ~eight;
  return ((control | holds('"') | holds('\\') | holds(0x7F) | eight) & kHigh) == 0;
}

// A length up to which nothing needs a change: nearly always the whole text.
std::size_t plain_prefix(std::string_view text) {
  std::size_t i = 0;
  std::uint64_t eight = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::memcpy(&eight, text.data() + i, 8);
    if (!is_plain(eight)) return i;
  }
  if (i == text.size()) return i;
  eight = 0x6161616161616161;
  std::memcpy(&eight, text.data() + i, text.size() - i);
  return is_plain(eight) ? text.size() : i;
}

}  // namespace

void append_json_number(std::string& out, double value) {
  char buffer[kMaxNumber];
  out.append(buffer, put_number(buffer, value));
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // start of the run that needs no change
  for (std::size_t i = plain_prefix(text); i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const std::size_t wide = c >= 0x80 ? utf8_length(text, i) : 0;
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
  char text[kTimeBytes];
  TimeText().put(text, std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count());
  out.append(text, sizeof text);
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
  char buffer[kMaxNumber];
  out_->append(buffer, put_signed(buffer, number));
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::unsigned_value(std::uint64_t number) {
  comma();
  char buffer[kMaxNumber];
  out_->append(buffer, put_unsigned(buffer, number));
  need_comma_ = true;
  return *this;
}

}  // namespace paramedic::wire
