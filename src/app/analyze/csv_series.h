// Reads a series from CSV, line by line and in bounded memory: a column of times and one of values, found by the header
// names `timestamp` and `value` (any case), else the first two. Times are RFC 3339 (without offset: UTC) or seconds,
// milli-, micro- or nanoseconds since 1970, told apart by their size. An empty value is a sample that is not known.
// Errors name file and line. One thread; the stream belongs to the caller.
#pragma once
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::analyze {

struct CsvSample {
  WallTime at{};
  double value = 0;                  // NaN where the field is empty or says nan
  std::string_view timestamp, text;  // both fields as they stand in the file, without quotes; until the next call
};

class CsvSeries {
 public:
  static constexpr std::size_t kMaxLine = 4096, kMaxColumns = 64;
  // `name`: of the file, for errors.
  CsvSeries(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}

  // Nothing at the end.
  Result<std::optional<CsvSample>> next();
  std::size_t line() const { return line_; }

 private:
  Result<bool> read_line();
  Result<bool> split();
  bool take_header();
  Result<CsvSample> sample() const;
  Error at_line(std::string what) const;

  std::istream& in_;
  std::string name_;
  std::size_t line_ = 0;
  std::string text_;
  std::vector<std::string_view> fields_;  // of text_
  std::size_t time_column_ = 0, value_column_ = 1;
  bool begun_ = false;
};

}  // namespace paramedic::analyze
