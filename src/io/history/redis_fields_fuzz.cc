// libFuzzer target: any bytes as the fields of the hashes on Redis. What is taken for a chunk's field can be computed
// with, and writes back to the same.
#include <cstdint>
#include <cstdlib>

#include "io/history/redis_fields.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  using namespace paramedic::history;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Lines are the elements of a list.
  RedisReply list{.kind = RedisReply::Kind::array};
  for (std::size_t at = 0; at <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    list.items.push_back({.kind = RedisReply::Kind::text, .text = std::string(bytes.substr(at, end - at))});
    at = end + 1;
  }
  for (const ChunkHead& head : parse_heads(list)) {
    const auto again = parse_chunk_field(chunk_field(head));
    if (!again || chunk_field(*again) != chunk_field(head)) std::abort();
    if (head.t0 > head.t1 || head.rows < 1 || head.t1 > kMaxInstant || head.t0 < -kMaxInstant) std::abort();
  }
  for (const std::int64_t id : parse_ids(list))
    if (id < 1 || id > kMaxNumber) std::abort();
  for (const auto& [no, text] : parse_numbered(list))
    if (no < 0 || no > kMaxNumber) std::abort();
  if (const auto state = parse_state(bytes))
    if (state->first > kMaxInstant || state->first < -kMaxInstant || state->second.size() >= bytes.size()) std::abort();
  return 0;
}
