// Feeds arbitrary bytes in pieces of arbitrary size, as a lying server may; limits small, so that they are met.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "io/net/redis/redis_reply.h"

namespace {
std::size_t count(const paramedic::RedisReply& reply) {
  std::size_t total = reply.items.size();
  for (const auto& item : reply.items) total += count(item);
  return total;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr paramedic::RedisReplyLimits kLimits{.reply_bytes = 4096, .items = 64};
  paramedic::RedisReplyReader reader(kLimits);
  const std::size_t piece = data[0] + 1u;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  while (!rest.empty()) {
    const std::string_view bytes = rest.substr(0, piece);
    rest.remove_prefix(bytes.size());
    if (!reader.feed(bytes)) return 0;
    while (true) {
      const auto reply = reader.next();
      if (!reply) return 0;
      if (!*reply) break;
      if (count(**reply) > kLimits.items || (*reply)->text.size() > kLimits.reply_bytes) std::abort();
      if ((*reply)->is_error() && paramedic::redis_error(**reply).message.empty()) std::abort();
    }
  }
  return 0;
}
