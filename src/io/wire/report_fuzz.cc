// libFuzzer target: any bytes as a report or a bulk of reports. What parses must write, and read back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "io/wire/report_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_reports(text);
  if (const auto report = parse_report(text)) {
    // Not compared for equality: Boost.JSON 1.81 may miss the nearest double of a long fraction by one unit in the last
    // place.
    if (report_json(*report).size() <= kMaxReportBytes && !parse_report(report_json(*report))) std::abort();
  }
  return 0;
}
