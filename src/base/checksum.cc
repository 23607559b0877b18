#include "base/checksum.h"

#include <array>
#include <cstring>

namespace paramedic {

namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// Eight bytes a step ("slicing by 8"): table k advances a byte by k more zero bytes.
constexpr Tables make_tables() {
  Tables t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
    t[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xFF];
  return t;
}
constexpr Tables kTables = make_tables();

std::uint32_t advance_by_table(std::uint32_t crc, std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    const std::uint32_t low =
        crc ^ (p[0] | std::uint32_t(p[1]) << 8 | std::uint32_t(p[2]) << 16 | std::uint32_t(p[3]) << 24);
    crc = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^ kTables[5][(low >> 16) & 0xFF] ^
          kTables[4][low >> 24] ^ kTables[3][p[4]] ^ kTables[2][p[5]] ^ kTables[1][p[6]] ^ kTables[0][p[7]];
  }
  for (; left > 0; --left, ++p) crc = (crc >> 8) ^ kTables[0][(crc ^ *p) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
// The processor's own instruction for this polynomial, four times faster. Unknown to old processors.
__attribute__((target("sse4.2"))) std::uint32_t advance_sse42(std::uint32_t begin, std::string_view bytes) {
  std::uint64_t crc = begin;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes.data(), 8);
    crc = __builtin_ia32_crc32di(crc, eight);
  }
  auto rest = std::uint32_t(crc);
  for (const char c : bytes) rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(c));
  return rest;
}
#endif

std::uint32_t advance(std::uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return advance_sse42(crc, bytes);
#endif
  return advance_by_table(crc, bytes);
}

}  // namespace

std::uint32_t crc32c(std::string_view first, std::string_view second) {
  return ~advance(advance(0xFFFFFFFF, first), second);
}
std::uint32_t crc32c_by_table(std::string_view bytes) { return ~advance_by_table(0xFFFFFFFF, bytes); }

void put_checksum(std::string& bytes) {
  const std::uint32_t crc = crc32c(bytes);
  for (int i = 0; i < 4; ++i) bytes += char(crc >> (8 * i));
}

bool take_checksum(std::string_view& bytes) {
  if (bytes.size() < kChecksumBytes) return false;
  const std::string_view tail = bytes.substr(bytes.size() - kChecksumBytes);
  bytes.remove_suffix(kChecksumBytes);
  std::uint32_t stored = 0;
  for (int i = 0; i < 4; ++i) stored |= std::uint32_t(static_cast<unsigned char>(tail[std::size_t(i)])) << (8 * i);
  return stored == crc32c(bytes);
}

}  // namespace paramedic
