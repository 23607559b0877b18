// Text that fits: UTF-8, lengths, escapes.
#include "io/outgoing/text_fit.h"

namespace paramedic::outgoing {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD", kEllipsis = "\xE2\x80\xA6";

unsigned byte_at(std::string_view s, std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0; }

// Length of the valid UTF-8 sequence at `at`, 0 when there is none.
std::size_t sequence(std::string_view s, std::size_t at) {
  const unsigned a = byte_at(s, at), b = byte_at(s, at + 1);
  const auto tail = [&](std::size_t i) { return (byte_at(s, i) & 0xC0) == 0x80; };
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return tail(at + 1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    const bool strange = (a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F);  // overlong, surrogate
    return !strange && tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    const bool strange = (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F);
    return !strange && tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

// Calls `take` with each valid sequence; invalid bytes come as U+FFFD.
template <class Take>
void each_character(std::string_view text, Take take) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence(text, i);
    take(length ? text.substr(i, length) : kReplacement);
    i += length ? length : 1;
  }
}

std::size_t units_of(std::string_view character) { return character.size() == 4 ? 2 : 1; }
std::size_t bytes_of(std::string_view piece) { return piece.size(); }

// Keeps what fits, measured by `size`; pieces are characters or their escapes.
template <class Size>
std::string fit(std::string_view text, Escape escape, std::size_t max, Size size) {
  std::string out;
  std::size_t used = 0, kept = 0;  // kept: the longest prefix after which the ellipsis still fits
  bool cut = false;
  each_character(text, [&](std::string_view character) {
    if (cut) return;
    const std::string_view other = escape && character.size() == 1 ? escape(character[0]) : std::string_view();
    const std::string_view piece = other.empty() ? character : other;
    const std::size_t more = other.empty() ? size(character) : other.size();
    if (used + more > max) {
      cut = true;
      return;
    }
    out += piece;
    used += more;
    if (used + size(kEllipsis) <= max) kept = out.size();
  });
  if (!cut) return out;
  out.resize(kept);
  if (size(kEllipsis) <= max) out += kEllipsis;
  return out;
}

}  // namespace

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence(text, i);
    if (c == '\r') {
      if (byte_at(text, i + 1) != '\n') out += '\n';
    } else if (c == '\n') {
      out += '\n';
    } else if (c < 0x20 || c == 0x7F) {
      out += ' ';
    } else {
      out += length ? text.substr(i, length) : kReplacement;
    }
    i += length ? length : 1;
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : clean(text)) {
    const bool blank = c == ' ' || c == '\n';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string cut_bytes(std::string text, std::size_t max) { return fit(text, nullptr, max, bytes_of); }
std::string cut_units(std::string text, std::size_t max) { return fit(text, nullptr, max, units_of); }

std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  each_character(text, [&](std::string_view character) { units += units_of(character); });
  return units;
}

std::string_view escape_slack(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    default:
      return {};
  }
}

std::string_view escape_html(char c) {
  if (c == '"') return "&quot;";
  return c == '\'' ? std::string_view("&#39;") : escape_slack(c);
}

std::string_view escape_markdown(char c) {
  switch (c) {
#define PARAMEDIC_ESCAPED(letter, text) \
  case letter:                          \
    return text;
    PARAMEDIC_ESCAPED('\\', "\\\\")
    PARAMEDIC_ESCAPED('*', "\\*")
    PARAMEDIC_ESCAPED('_', "\\_")
    PARAMEDIC_ESCAPED('~', "\\~")
    PARAMEDIC_ESCAPED('`', "\\`")
    PARAMEDIC_ESCAPED('|', "\\|")
    PARAMEDIC_ESCAPED('>', "\\>")
    PARAMEDIC_ESCAPED('[', "\\[")
    PARAMEDIC_ESCAPED(']', "\\]")
    PARAMEDIC_ESCAPED('#', "\\#")
#undef PARAMEDIC_ESCAPED
    default:
      return {};
  }
}

std::string escaped(std::string_view text, Escape escape) { return escaped_cut(text, escape, std::string::npos / 2); }
std::string escaped_cut(std::string_view text, Escape escape, std::size_t max) {
  return fit(text, escape, max, units_of);
}

}  // namespace paramedic::outgoing
