// libFuzzer target: any bytes as packed rows of the log. Never more cells than the bytes can hold, and what unpacks is
// a frame that a chunk can carry.
#include <cstdlib>

#include "io/history/codec/chunk.h"
#include "io/history/frame_merge.h"
#include "io/history/row_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  using namespace paramedic::history;
  static const auto entry = [] {
    auto names = std::make_shared<const MetricNames>(MetricNames{"a_percent", "b_mb", "c_total"});
    return std::make_shared<const SchemaEntry>(SchemaEntry{1, make_schema(names), {2, 3, 9}});
  }();
  RowUnpacker rows([](std::int64_t no) { return no == 1 ? entry : nullptr; });
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Pieces of 1–64 bytes, each led by its length.
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length =
        std::min<std::size_t>(1 + static_cast<unsigned char>(bytes[at]) % 64, bytes.size() - at - 1);
    (void)row_schema(bytes.substr(at + 1, length));
    (void)rows.add(bytes.substr(at + 1, length));
    at += 1 + length;
  }
  FrameMerge merge;
  merge.add(rows.finish());
  const Frame frame = merge.finish();
  if (frame.empty()) return 0;
  const auto back = decode_chunk(encode_chunk(frame));
  if (!back || back->at != frame.at) std::abort();
  return 0;
}
