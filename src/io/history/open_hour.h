// The newest rows of one worker, compressed in memory until they are folded into a chunk: a chunk of its own plus a
// tail of packed rows in the order of their arrival. About 0.8 KiB on average for 20 metrics each 30 s. Value type; the
// owner guards it.
#pragma once
#include <string>
#include <vector>

#include "io/history/row_codec.h"

namespace paramedic::history {

class OpenHour {
 public:
  // Appends one packed row; `log` = id of the log entry that carries it. Now and then it compresses the tail.
  void add(std::string_view row, std::int64_t log, const SchemaOf& schema_of);
  bool empty() const { return sealed_rows_ + tail_rows_ == 0; }
  std::size_t rows() const { return sealed_rows_ + tail_rows_; }
  std::int64_t first_log() const { return first_log_; }  // of its oldest row; 0 when empty
  std::int64_t oldest() const { return oldest_; }        // Unix milliseconds; the greatest integer when empty
  std::size_t bytes() const { return sizeof(*this) + sealed_.capacity() + tail_.capacity(); }
  // All rows, sorted, the later write winning; only columns for which `wanted(id)` holds. Damage in memory is not
  // expected: what does not decode is left out.
  Frame frame(const SchemaOf& schema_of, const std::function<bool(SeriesId)>& wanted) const;

 private:
  std::string sealed_;
  std::vector<char> tail_;  // not a string: it would grow by doubling
  std::uint32_t sealed_rows_ = 0, tail_rows_ = 0;
  std::int64_t first_log_ = 0;
  std::int64_t oldest_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace paramedic::history
