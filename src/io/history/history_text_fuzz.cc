// Fuzzes the readers of `paramedic import`: what they accept reads back the same from both formats.
#include <cstdlib>

#include "io/history/history_text.h"

namespace {
void append(void* to, std::string_view piece) { *static_cast<std::string*>(to) += piece; }
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rows = paramedic::parse_history_text({reinterpret_cast<const char*>(data), size});
  if (!rows) return 0;
  for (const auto write : {paramedic::write_history_csv, paramedic::write_history_openmetrics}) {
    std::string text;
    write(*rows, append, &text);
    const auto again = paramedic::parse_history_text(text);
    if (!again || again->size() != rows->size()) std::abort();
  }
  return 0;
}
