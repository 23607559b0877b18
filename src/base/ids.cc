#include "base/ids.h"

#include <array>

#include <fmt/format.h>

namespace paramedic {

namespace {
constexpr std::array<bool, 256> kAllowed = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[size_t(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[size_t(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[size_t(c)] = true;
  for (const char c : std::string_view("._:@+=/-")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// splitmix64's finaliser (Steele, Lea, Flood 2014): every input bit reaches every output bit.
std::uint64_t finalise(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
}  // namespace

bool valid_id(std::string_view id) {
  if (id.empty() || id.size() > kMaxIdBytes) return false;
  for (const char c : id)
    if (!kAllowed[static_cast<unsigned char>(c)]) return false;
  return true;
}

std::string explain_bad_id(std::string_view id) {
  if (id.empty()) return "the id is empty; give 1 to 200 characters of A-Z a-z 0-9 . _ : @ + = / -";
  if (id.size() > kMaxIdBytes)
    return fmt::format("the id has {} bytes; at most {} are allowed", id.size(), kMaxIdBytes);
  for (size_t i = 0; i < id.size(); ++i)
    if (!kAllowed[static_cast<unsigned char>(id[i])])
      return fmt::format("the id has the byte 0x{:02x} at position {}; allowed are A-Z a-z 0-9 . _ : @ + = / -",
                         static_cast<unsigned char>(id[i]), i);
  return {};
}

std::uint64_t stable_hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ finalise(seed + 0x9e3779b97f4a7c15ULL);  // FNV-1a, then finalised
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return finalise(hash);
}

std::uint64_t hash_mix(std::uint64_t hash, std::uint64_t more) {
  return finalise(hash ^ (more + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2)));
}

double hash_fraction(std::uint64_t hash) { return double(hash >> 11) * 0x1.0p-53; }

Duration hash_jitter(std::uint64_t hash, Duration span) {
  return Duration{std::int64_t(hash_fraction(hash) * double(span.count()))};
}

std::string hash_hex(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

}  // namespace paramedic
