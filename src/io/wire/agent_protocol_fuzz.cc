// libFuzzer target: any bytes as a frame of either side. What decodes must encode and decode again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "io/wire/agent_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto frame = decode_agent_frame(text); frame && !decode_agent_frame(encode(*frame))) std::abort();
  if (const auto frame = decode_monitor_frame(text); frame && !decode_monitor_frame(encode(*frame))) std::abort();
  return 0;
}
