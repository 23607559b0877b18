#include "base/text.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace paramedic {

namespace {

using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

Error bad(std::string_view what, std::string_view text, std::string_view remedy) {
  return Error{Errc::invalid_argument, fmt::format("'{}' is not {}; write {}", text.substr(0, 64), what, remedy)};
}

bool digits(std::string_view text, size_t at, size_t count, int& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

// Reads ".123456789" at `at`, moving it; returns nanoseconds, or -1 when the fraction is malformed.
std::int64_t fraction(std::string_view text, size_t& at) {
  if (at >= text.size() || (text[at] != '.' && text[at] != ',')) return 0;
  std::int64_t nanos = 0;
  int count = 0;
  for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    if (count < 9) nanos = nanos * 10 + (text[at] - '0'), ++count;
  }
  if (count == 0) return -1;
  for (; count < 9; ++count) nanos *= 10;
  return nanos;
}

// Reads "Z", "+hh:mm", "+hhmm" or nothing; false when malformed.
bool offset(std::string_view text, size_t at, std::int64_t& seconds) {
  seconds = 0;
  if (at == text.size()) return true;
  if (text[at] == 'Z' || text[at] == 'z') return at + 1 == text.size();
  if (text[at] != '+' && text[at] != '-') return false;
  const int sign = text[at] == '-' ? -1 : 1;
  int hours = 0, minutes = 0;
  if (!digits(text, at + 1, 2, hours)) return false;
  const size_t minute_at = at + 3 < text.size() && text[at + 3] == ':' ? at + 4 : at + 3;
  if (!digits(text, minute_at, 2, minutes) || minute_at + 2 != text.size()) return false;
  seconds = sign * (hours * 3600 + minutes * 60);
  return hours < 24 && minutes < 60;
}

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"d", 86'400'000'000'000}};

}  // namespace

std::string format_time(WallTime t) {
  const std::int64_t total_ms = std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
  const auto days = std::chrono::floor<Days>(std::chrono::milliseconds(total_ms));
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days.count()}}};
  const std::int64_t ms = total_ms - days.count() * 86'400'000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

Result<WallTime> parse_time(std::string_view text) {
  const auto wrong = [&] { return bad("a time", text, "RFC 3339, as 2026-11-23T17:40:00Z"); };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() < 19 || !digits(text, 0, 4, year) || text[4] != '-' || !digits(text, 5, 2, month) || text[7] != '-' ||
      !digits(text, 8, 2, day) || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
      !digits(text, 11, 2, hour) || text[13] != ':' || !digits(text, 14, 2, minute) || text[16] != ':' ||
      !digits(text, 17, 2, second))
    return wrong();
  size_t at = 19;
  const std::int64_t nanos = fraction(text, at);
  std::int64_t shift = 0;
  if (nanos < 0 || !offset(text, at, shift)) return wrong();
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{unsigned(month)},
                                         std::chrono::day{unsigned(day)}};
  if (!date.ok() || year < 1970 || year > 2261 || hour > 23 || minute > 59 || second > 60) return wrong();
  const auto base = std::chrono::sys_days{date}.time_since_epoch();
  const std::int64_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(base).count() + hour * 3600 + minute * 60 + second - shift;
  return WallTime{std::chrono::seconds(seconds) + Duration{nanos}};
}

Result<Duration> parse_duration(std::string_view text) {
  const auto wrong = [&] { return bad("a duration", text, "a number with a unit, as 250ms, 30s, 5m, 1h30m or 7d"); };
  if (text == "0") return Duration{0};
  double total = 0;
  size_t at = 0;
  while (at < text.size()) {
    double number = 0;
    const auto [end, failed] =
        std::from_chars(text.data() + at, text.data() + text.size(), number, std::chars_format::fixed);
    if (failed != std::errc{} || number < 0) return wrong();
    at = size_t(end - text.data());
    size_t unit_end = at;
    while (unit_end < text.size() && text[unit_end] >= 'a' && text[unit_end] <= 'z') ++unit_end;
    const std::string_view name = text.substr(at, unit_end - at);
    const auto* unit =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == name; });
    if (unit == std::end(kUnits)) return wrong();
    total += number * double(unit->nanos);
    at = unit_end;
  }
  if (text.empty() || total > 9.0e18) return wrong();
  return Duration{std::int64_t(std::llround(total))};
}

std::string format_duration(Duration d) {
  if (d.count() == 0) return "0s";
  std::string out = d.count() < 0 ? "-" : "";
  std::int64_t rest = d.count() < 0 ? -d.count() : d.count();
  for (size_t i = std::size(kUnits); i-- > 0;) {
    const std::int64_t count = rest / kUnits[i].nanos;
    if (count == 0) continue;
    out += fmt::format("{}{}", count, kUnits[i].name);
    rest -= count * kUnits[i].nanos;
  }
  return out;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const auto wrong = [&] { return bad("a size", text, "bytes or a number with KiB, MiB, GiB or TiB"); };
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{}) return wrong();
  const std::string_view unit = text.substr(size_t(end - text.data()));
  constexpr std::array<std::string_view, 5> kNames = {"", "KiB", "MiB", "GiB", "TiB"};
  const auto found = std::find(kNames.begin(), kNames.end(), unit == "B" ? "" : unit);
  if (found == kNames.end()) return wrong();
  const int shift = 10 * int(found - kNames.begin());
  if (number > (~std::uint64_t{0} >> shift)) return wrong();
  return number << shift;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[40];
  const auto [end, failed] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return failed == std::errc{} ? std::string(buffer, end) : std::string("NaN");
}

std::string format_short(double value, int decimals) {
  std::string out = fmt::format("{:.{}f}", value, decimals);
  if (out.find('.') != std::string::npos) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out == "-0" ? "0" : out;
}

std::string cut_text(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kMark = "…";
  if (text.size() <= max_bytes) return std::string(text);
  if (max_bytes < kMark.size()) return {};
  std::size_t end = max_bytes - kMark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + std::string(kMark);
}

}  // namespace paramedic
