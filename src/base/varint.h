// Varints (LEB128, as in protobuf) and zigzag: how whole numbers stand in our binary formats. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace paramedic {

inline std::uint64_t zigzag(std::int64_t v) { return (std::uint64_t(v) << 1) ^ std::uint64_t(v >> 63); }
inline std::int64_t unzigzag(std::uint64_t v) { return std::int64_t((v >> 1) ^ (0 - (v & 1))); }

inline void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += char(v | 0x80);
  out += char(v);
}
// Takes it from the front of `bytes`. False when the bytes end early or the number does not fit into 64 bits.
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

}  // namespace paramedic
