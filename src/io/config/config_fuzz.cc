// libFuzzer target: any bytes as a configuration file of either kind.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "io/config/check_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)paramedic::config::check_config({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
  return 0;
}
