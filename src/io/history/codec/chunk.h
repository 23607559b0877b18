// Chunks: the immutable columnar form of rows of one worker. Each column decodes alone; a checksum guards the whole.
// Layout and a worked example: docs/formats/history.md. Pure; any thread. The decoder trusts nothing: counts, widths
// and lengths are checked before anything is allocated, and memory is bounded by kMaxRows times the columns asked for.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/history/codec/frame.h"

namespace paramedic::history {

inline constexpr std::uint8_t kChunkVersion = 1;
inline constexpr std::size_t kMaxRows = 131'072;  // of one chunk: 36 h at one a second
inline constexpr std::size_t kMaxColumns = 65'536;

// REQUIRES: the invariants of Frame; 1 to kMaxRows rows; instants within ±2^60. Columns without a single known value
// and those beyond kMaxColumns are left out. Lossless for every double (a NaN comes back as the quiet NaN).
std::string encode_chunk(const Frame& frame);

// A chunk whose checksum, header and directory are sound. Borrows the bytes.
class ChunkReader {
 public:
  // Errors: corrupt.
  static Result<ChunkReader> open(std::string_view bytes);

  std::size_t rows() const { return rows_; }
  std::size_t column_count() const { return columns_.size(); }
  SeriesId column_id(std::size_t column) const { return columns_[column].id; }
  // Time, state and score: a frame without columns. Errors: corrupt.
  Result<Frame> rows_only() const;
  // One value per row. Errors: corrupt.
  Result<std::vector<double>> column(std::size_t column) const;
  // rows_only() with the columns for which `wanted(id)` holds.
  template <class Wanted>
  Result<Frame> frame(const Wanted& wanted) const {
    auto out = rows_only();
    if (!out) return out;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!wanted(columns_[i].id)) continue;
      auto values = column(i);
      if (!values) return values.error();
      out->columns.push_back({columns_[i].id, std::move(*values)});
    }
    return out;
  }

 private:
  struct Entry {
    SeriesId id = 0;
    std::uint8_t form = 0;
    std::string_view payload;
  };
  ChunkReader() = default;
  bool read_directory(std::string_view bytes);
  bool read_integers(const Entry& entry, std::vector<std::int64_t>& out) const;

  std::size_t rows_ = 0;
  Entry time_, state_, score_;
  std::vector<Entry> columns_;
};

// All of a chunk. Errors: corrupt.
Result<Frame> decode_chunk(std::string_view bytes);

}  // namespace paramedic::history
