// Any bytes as a CSV file: it is read or refused, every sample has a time, and memory stays bounded.
#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "app/analyze/analyze.h"
#include "app/analyze/csv_series.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::istringstream in(text);
  analyze::CsvSeries series(in, "f");
  while (true) {
    const auto sample = series.next();
    if (!sample || !*sample) break;
    if ((*sample)->at < WallTime{} || series.line() == 0) std::abort();
  }
  std::istringstream again(text);
  std::ostringstream out;
  (void)analyze::analyze_csv(again, "f", out);
  if (out.str().find("nan\n") != std::string::npos || out.str().find("inf\n") != std::string::npos) std::abort();
  return 0;
}
