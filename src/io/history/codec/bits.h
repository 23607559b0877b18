// Bits and varints. Bits fill bytes from the lowest one up; reading beyond the end yields zeros and is told by
// overrun(). Internal to the codec.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace paramedic::history {

inline std::uint64_t zigzag(std::int64_t v) { return (std::uint64_t(v) << 1) ^ std::uint64_t(v >> 63); }
inline std::int64_t unzigzag(std::uint64_t v) { return std::int64_t((v >> 1) ^ (0 - (v & 1))); }

inline void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += char(v | 0x80);
  out += char(v);
}
// False when the bytes end early or the number does not fit into 64 bits.
inline bool get_varint(std::string_view& bytes, std::uint64_t& out) {
  out = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == 9 && byte > 1) return false;
    out |= std::uint64_t(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

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
