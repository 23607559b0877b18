// libFuzzer target: any bytes as a stored forecast. What is believed must go on without trouble, state finite numbers,
// and be stored again as the same bytes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/analysis/forecast_state.h"

namespace {

using namespace paramedic;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const MetricForecast& forecast) {
  const auto stated = forecast.forecast("m");
  if (!stated) return;
  require(std::isfinite(stated->level) && std::isfinite(stated->slope_per_hour) && std::isfinite(stated->spread));
  require(stated->probability >= 0 && stated->probability <= 1 && stated->earliest <= stated->latest);
  (void)stated->words();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto stored = take_forecast_state(bytes);
  if (!stored) return 0;
  std::string again;
  put_forecast_state(again, stored->forecast, stored->as_of);
  require(again == bytes);
  check(stored->forecast);
  for (int i = 0; i < 300; ++i) {
    stored->forecast.add(stored->as_of + i * 1min, double(i) * stored->forecast.limit() / 200);
    check(stored->forecast);
  }
  return 0;
}
