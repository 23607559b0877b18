// For the tests of remote write: rows, temporary folders, and a reader of requests that shares no code with the
// encoder.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <snappy.h>

#include "io/history/remote_write/series.h"

namespace paramedic::remote_write {

namespace fs = std::filesystem;

struct TempDir {
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-rw-test-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string operator/(std::string_view name) const { return (path / name).string(); }
  fs::path path;
};

inline std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline void write_bytes(const fs::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc).write(bytes.data(), std::streamsize(bytes.size()));
}

inline std::shared_ptr<const MetricNames> names(MetricNames list) {
  return std::make_shared<const MetricNames>(std::move(list));
}

inline WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

inline HistoryRow history_row(std::string worker, std::int64_t ms, std::shared_ptr<const MetricNames> of,
                              std::vector<double> values, Status status = Status::healthy,
                              std::optional<double> score = 1.0) {
  HistoryRow row{.worker_id = std::move(worker), .at = at_ms(ms), .status = status, .score = score};
  row.metrics = {std::move(of), std::move(values)};
  return row;
}

// A request as a receiver sees it: one line per series, "a=b,c=d value@ms value@ms", in the order sent. Decoded by hand
// from the wire format (protobuf.dev/programming-guides/encoding), so that an error of the encoder's library shows.
class RequestReader {
 public:
  static std::vector<std::string> lines(std::string_view compressed) {
    std::string plain;
    EXPECT_TRUE(snappy::Uncompress(compressed.data(), compressed.size(), &plain));
    std::vector<std::string> out;
    RequestReader request(plain);
    while (request.more()) {
      EXPECT_EQ(request.key(), 1u << 3 | 2u);
      out.push_back(series(request.block()));
    }
    return out;
  }

 private:
  explicit RequestReader(std::string_view bytes) : bytes_(bytes) {}
  bool more() const { return !bytes_.empty(); }
  std::uint64_t key() { return varint(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      if (bytes_.empty() || shift > 63) throw std::runtime_error("no varint");
      const auto byte = std::uint8_t(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string_view block() { return take(varint()); }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) throw std::runtime_error("too short");
    const auto out = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return out;
  }
  static std::string series(std::string_view bytes) {
    std::string labels, samples;
    RequestReader in(bytes);
    while (in.more()) {
      const auto key = in.key();
      RequestReader field(in.block());
      if (key == (1u << 3 | 2u)) {
        EXPECT_EQ(field.key(), 1u << 3 | 2u);
        labels += (labels.empty() ? "" : ",") + std::string(field.block());
        EXPECT_EQ(field.key(), 2u << 3 | 2u);
        labels += "=" + std::string(field.block());
      } else {
        EXPECT_EQ(key, 2u << 3 | 2u);
        EXPECT_EQ(field.key(), 1u << 3 | 1u);
        std::uint64_t bits = 0;
        std::memcpy(&bits, field.take(8).data(), 8);
        const auto value = std::bit_cast<double>(bits);
        EXPECT_EQ(field.key(), 2u << 3 | 0u);
        std::ostringstream text;
        if (bits == 0x7ff0000000000002)
          text << " stale";
        else
          text << ' ' << value;
        text << '@' << std::int64_t(field.varint());
        samples += text.str();
      }
      EXPECT_FALSE(field.more());
    }
    return labels + samples;
  }
  std::string_view bytes_;
};

}  // namespace paramedic::remote_write
