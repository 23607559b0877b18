#include "core/analysis/forecast_state.h"

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include <fmt/format.h>

namespace paramedic {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::int64_t kMostSeconds = 9'000'000'000;  // what WallTime can hold

template <std::size_t kBytes>
using Unsigned = std::conditional_t<
    kBytes == 1, std::uint8_t,
    std::conditional_t<kBytes == 2, std::uint16_t, std::conditional_t<kBytes == 4, std::uint32_t, std::uint64_t>>>;

struct Writer {
  std::string& out;
  template <class T>
  void operator()(const T& value) {
    auto bits = std::bit_cast<Unsigned<sizeof(T)>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) out += char((bits >> (8 * i)) & 0xFF);
  }
};

struct Reader {
  std::string_view bytes;
  bool ok = true;
  template <class T>
  void operator()(T& value) {
    if (bytes.size() < sizeof(T)) {
      ok = false;
      return;
    }
    Unsigned<sizeof(T)> bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits = static_cast<Unsigned<sizeof(T)>>(bits |
                                              (Unsigned<sizeof(T)>(static_cast<unsigned char>(bytes[i])) << (8 * i)));
    bytes.remove_prefix(sizeof(T));
    if constexpr (std::same_as<T, bool>) {
      ok = ok && bits <= 1;
      value = bits == 1;
    } else {
      value = std::bit_cast<T>(bits);
    }
    if constexpr (std::floating_point<T>) ok = ok && std::isfinite(value);
  }
};

}  // namespace

void put_forecast_state(std::string& out, const MetricForecast& forecast, WallTime as_of) {
  Writer write{out};
  write(kVersion);
  write(static_cast<std::uint8_t>(forecast.kind()));
  write(std::int64_t{std::chrono::floor<std::chrono::seconds>(as_of.time_since_epoch()).count()});
  MetricForecast copy = forecast;  // visit() serves both ways, so it wants one that may be changed
  copy.visit(write);
}

Result<StoredForecast> take_forecast_state(std::string_view bytes) {
  const auto refused = [](std::string why) { return make_error(Errc::corrupt, "stored forecast: " + std::move(why)); };
  if (bytes.size() != kForecastStateBytes)
    return refused(fmt::format("{} bytes instead of {}", bytes.size(), kForecastStateBytes));
  Reader read{bytes};
  std::uint8_t version = 0, kind = 0;
  std::int64_t as_of = 0;
  read(version);
  read(kind);
  read(as_of);
  if (version != kVersion) return refused(fmt::format("version {} instead of {}", version, kVersion));
  if (kind >= kEnumCount<ForecastKind>) return refused(fmt::format("unknown kind {}", kind));
  if (as_of < -kMostSeconds || as_of > kMostSeconds) return refused("a time out of range");
  MetricForecast forecast(static_cast<ForecastKind>(kind), 1);
  forecast.visit(read);
  if (!read.ok || !read.bytes.empty() || !forecast.valid()) return refused("a value that cannot have come about");
  return StoredForecast{forecast, WallTime{std::chrono::seconds(as_of)}};
}

}  // namespace paramedic
