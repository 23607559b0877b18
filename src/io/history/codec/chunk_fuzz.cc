// libFuzzer target: any bytes as a chunk. What decodes must encode again and come back the same.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/checksum.h"
#include "io/history/codec/chunk.h"

namespace {

using paramedic::history::Frame;

bool same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

void check(const Frame& frame) {
  const auto back = paramedic::history::decode_chunk(paramedic::history::encode_chunk(frame));
  if (!back || back->at != frame.at || back->state != frame.state || back->score != frame.score) std::abort();
  for (const auto& column : frame.columns) {
    const auto* other = back->find(column.id);
    for (std::size_t i = 0; i < column.values.size(); ++i)
      if (other ? !same(column.values[i], other->values[i]) : !std::isnan(column.values[i])) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The fuzzer will not guess a checksum: it gets one as a present.
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)paramedic::history::decode_chunk(bytes);
  paramedic::put_checksum(bytes);
  if (const auto frame = paramedic::history::decode_chunk(bytes)) check(*frame);
  return 0;
}
