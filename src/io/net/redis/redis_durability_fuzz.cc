// libFuzzer target: any text as INFO, and its end as the value of appendfsync. What is told to people stays short.
#include <cstdint>
#include <cstdlib>

#include "io/net/redis/redis_durability.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto judged = judge_durability(text, text.substr(size - std::min<std::size_t>(size, 100)));
  if (judged.weaker.size() > 4000 || judged.version.size() > 200 || judged.replica_of.size() > 401) std::abort();
  return 0;
}
