// Identifiers: their grammar, and the hash from which jitter and action ids derive (never a random generator in core,
// so that a replay decides the same).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace paramedic {

inline constexpr size_t kMaxIdBytes = 200;

// [A-Za-z0-9._:@+=/-]{1,200}
bool valid_id(std::string_view id);
// Why `id` is refused, for people: names the first wrong character or the length.
std::string explain_bad_id(std::string_view id);

// 64-bit hash, stable across runs, builds and machines (it is persisted inside ids). Not for adversaries.
std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0);
// Mixes further numbers in: stable_hash(worker), attempt → another well-spread value.
std::uint64_t hash_mix(std::uint64_t hash, std::uint64_t more);
// hash → [0, 1)
double hash_fraction(std::uint64_t hash);
// hash → [0, span)
Duration hash_jitter(std::uint64_t hash, Duration span);
// Sixteen lower-case hex digits.
std::string hash_hex(std::uint64_t hash);

}  // namespace paramedic
