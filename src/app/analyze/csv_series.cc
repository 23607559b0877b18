#include "app/analyze/csv_series.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic::analyze {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // A number too large for a double is known to be large; the detector rejects it.
  if (error == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Seconds up to the year 5138; what is larger is counted in a finer unit.
std::optional<WallTime> epoch(std::string_view text) {
  const auto count = number(text);
  if (!count || !(*count >= 0) || *count > 8e18) return std::nullopt;
  const double unit = *count < 1e11 ? 1e9 : *count < 1e14 ? 1e6 : *count < 1e17 ? 1e3 : 1;
  if (*count * unit > 8e18) return std::nullopt;
  return WallTime{Duration{std::int64_t(*count * unit)}};
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

}  // namespace

Error CsvSeries::at_line(std::string what) const {
  return make_error(Errc::invalid_argument, fmt::format("{}:{}: {}", name_, line_, what));
}

Result<bool> CsvSeries::read_line() {
  text_.resize(kMaxLine + 2);
  in_.getline(text_.data(), std::streamsize(text_.size()));
  const auto size = std::size_t(in_.gcount());
  if (in_.bad()) return make_error(Errc::io, fmt::format("{}: cannot be read", name_));
  if (in_.eof() && size == 0) return false;
  ++line_;
  if (in_.fail() && !in_.eof()) return at_line(fmt::format("longer than {} bytes", kMaxLine));
  text_.resize(in_.eof() ? size : size - 1);  // getline counts the newline that it took
  if (!text_.empty() && text_.back() == '\r') text_.pop_back();
  if (line_ == 1 && text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
  return true;
}

// Commas within quotes do not occur in times and numbers; other columns may be cut at them without harm, since only
// what stands before them is used.
Result<bool> CsvSeries::split() {
  fields_.clear();
  std::string_view rest = text_;
  while (true) {
    if (fields_.size() == kMaxColumns) return at_line(fmt::format("more than {} columns", kMaxColumns));
    const std::size_t comma = rest.find(',');
    fields_.push_back(trimmed(rest.substr(0, comma)));
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

// The first line is a header when its first field is no time. False: it is a sample.
bool CsvSeries::take_header() {
  if (epoch(fields_[0]) || parse_time(fields_[0])) return false;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (same_word(fields_[i], "timestamp")) time_column_ = i;
    if (same_word(fields_[i], "value")) value_column_ = i;
  }
  return true;
}

Result<CsvSample> CsvSeries::sample() const {
  if (fields_.size() <= std::max(time_column_, value_column_)) return at_line("has no timestamp and value");
  CsvSample out;
  out.timestamp = fields_[time_column_];
  out.text = fields_[value_column_];
  if (const auto counted = epoch(out.timestamp)) {
    out.at = *counted;
  } else {
    const auto parsed = parse_time(out.timestamp);
    if (!parsed)
      return at_line(fmt::format("'{}' is no time: {}", cut_text(out.timestamp, 40), parsed.error().message));
    out.at = *parsed;
  }
  if (out.text.empty()) {
    out.value = std::numeric_limits<double>::quiet_NaN();
    return out;
  }
  const auto value = number(out.text);
  if (!value) return at_line(fmt::format("'{}' is no number", cut_text(out.text, 40)));
  out.value = *value;
  return out;
}

Result<std::optional<CsvSample>> CsvSeries::next() {
  while (true) {
    const auto more = read_line();
    if (!more) return more.error();
    if (!*more) return std::optional<CsvSample>{};
    if (trimmed(text_).empty()) continue;
    if (const auto parts = split(); !parts) return parts.error();
    if (!begun_) {
      begun_ = true;
      if (take_header()) continue;
    }
    const auto read = sample();
    if (!read) return read.error();
    return std::optional(*read);
  }
}

}  // namespace paramedic::analyze
