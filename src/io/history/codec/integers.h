// A sequence of integers as bytes: divided by the greatest common divisor of their differences, predicted block by
// block (128 values), the errors Rice-coded. Layout and example: docs/formats/history.md. Pure; any thread.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paramedic::history {

// Values must lie within ±kMaxInteger, so that no difference overflows.
inline constexpr std::int64_t kMaxInteger = std::int64_t{1} << 60;

// REQUIRES: at least one value.
void put_integers(std::string& out, std::span<const std::int64_t> values);
// Fills `out` (its size says how many are expected). False: the bytes do not decode to exactly that many values. Work
// and memory are bounded by out.size().
bool get_integers(std::string_view bytes, std::span<std::int64_t> out);

}  // namespace paramedic::history
