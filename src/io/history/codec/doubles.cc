#include "io/history/codec/doubles.h"

#include "io/history/codec/bits.h"

namespace paramedic::history {

namespace {

// Bits [low, low + width) of the XOR that may differ.
struct Window {
  unsigned low = 0, width = 0;
  bool holds(std::uint64_t x) const {
    return width > 0 && unsigned(std::countr_zero(x)) >= low && 64 - unsigned(std::countl_zero(x)) <= low + width;
  }
};

}  // namespace

void put_doubles(std::string& out, std::span<const double> values) {
  BitWriter bits(out);
  auto previous = std::bit_cast<std::uint64_t>(values.front());
  bits.put(previous, 64);
  Window window;
  for (const double value : values.subspan(1)) {
    const auto now = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t x = now ^ previous;
    previous = now;
    if (x == 0) {
      bits.put(0, 1);
      continue;
    }
    const auto low = unsigned(std::countr_zero(x)), width = 64 - low - unsigned(std::countl_zero(x));
    // A window that is more than 12 bits too wide costs more than telling a new one.
    const bool keep = window.holds(x) && window.width <= width + 12;
    bits.put(keep ? 0b01 : 0b11, 2);
    if (!keep) {
      window = {low, width};
      bits.put(low, 6);
      bits.put(width - 1, 6);
    }
    bits.put(x >> window.low, window.width);
  }
  bits.finish();
}

bool get_doubles(std::string_view bytes, std::span<double> out) {
  if (out.empty()) return false;
  BitReader bits(bytes);
  std::uint64_t now = bits.get(64);
  out[0] = std::bit_cast<double>(now);
  Window window;
  for (double& value : out.subspan(1)) {
    if (bits.get(1)) {
      if (bits.get(1)) {
        window.low = unsigned(bits.get(6));
        window.width = unsigned(bits.get(6)) + 1;
      }
      if (window.width == 0 || window.low + window.width > 64) return false;
      now ^= bits.get(window.width) << window.low;
    }
    value = std::bit_cast<double>(now);
  }
  return !bits.overrun() && bits.bytes_read() == bytes.size();
}

}  // namespace paramedic::history
