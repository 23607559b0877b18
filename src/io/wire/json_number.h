// Numbers and times as JSON text in the caller's buffer: what answers with very many numbers are made of. Pure; any
// thread. A string that grows number by number would cost as much as the digits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"

namespace paramedic::wire {

inline constexpr std::size_t kMaxNumber = 32;  // bytes of the longest number
inline constexpr std::size_t kTimeBytes = 24;

// Each writes at `to`, where kMaxNumber bytes must be free, and returns the end of what it wrote.
char* put_unsigned(char* to, std::uint64_t number);
char* put_signed(char* to, std::int64_t number);
// The shortest decimal that reads back as the same double; null for NaN and infinities. Numbers of at most four
// decimals (what intake keeps) as scaled integers, five times faster than the search of to_chars.
char* put_number(char* to, double value);

// RFC 3339, UTC, milliseconds, without quotes; remembers the day, since neighbours mostly share it. Not for several
// threads.
class TimeText {
 public:
  char* put(char* to, std::int64_t unix_ms);  // kTimeBytes

 private:
  std::int64_t day_ = std::int64_t{1} << 62;
  char date_[11] = {};  // "2026-11-23T"
};

// "[1,2.5,null]"
void append_numbers(std::string& out, std::span<const double> values);
void append_integers(std::string& out, std::span<const std::int64_t> values);

}  // namespace paramedic::wire
