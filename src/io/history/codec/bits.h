// Bits, and the varints of base. Bits fill bytes from the lowest one up; reading beyond the end yields zeros and is told by
// overrun(). Internal to the codec.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/varint.h"

namespace paramedic::history {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  // The lowest `width` bits of v; 0 <= width <= 64.
  void put(std::uint64_t v, unsigned width) {
    if (width > 32) {
      put(v & 0xFFFFFFFF, 32);
      put(v >> 32, width - 32);
      return;
    }
    held_ |= (v & ((std::uint64_t{1} << width) - 1)) << count_;
    for (count_ += width; count_ >= 8; count_ -= 8, held_ >>= 8) out_ += char(held_);
  }
  void finish() {
    if (count_ > 0) out_ += char(held_);
    held_ = count_ = 0;
  }

 private:
  std::string& out_;
  std::uint64_t held_ = 0;  // fewer than 8 bits between two calls
  unsigned count_ = 0;
};

class BitReader {
 public:
  static constexpr unsigned kPeeked = 56;

  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  // At least kPeeked bits from here on, zeros beyond the end.
  std::uint64_t peek() const {
    const std::size_t byte = at_ / 8;
    std::uint64_t word = 0;
    if (byte + 8 <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, 8);
      if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    } else {
      for (std::size_t i = byte; i < bytes_.size(); ++i)
        word |= std::uint64_t(static_cast<unsigned char>(bytes_[i])) << (8 * (i - byte));
    }
    return word >> (at_ % 8);
  }
  void skip(unsigned width) { at_ += width; }
  std::uint64_t get(unsigned width) {  // 0 <= width <= 64
    if (width > 32) {
      const std::uint64_t low = get(32);
      return low | get(width - 32) << 32;
    }
    const std::uint64_t v = peek() & ((std::uint64_t{1} << width) - 1);
    at_ += width;
    return v;
  }
  bool overrun() const { return at_ > bytes_.size() * 8; }
  std::size_t bytes_read() const { return (at_ + 7) / 8; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;  // in bits
};

}  // namespace paramedic::history
