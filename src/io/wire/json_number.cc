#include "io/wire/json_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace paramedic::wire {

namespace {

constexpr double kScale = 10'000;  // four decimals: the most that intake keeps

constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = char('0' + i / 10);
    pairs[2 * i + 1] = char('0' + i % 10);
  }
  return pairs;
}();

char* put_pair(char* to, unsigned number) {
  std::memcpy(to, &kPairs[2 * std::size_t{number}], 2);
  return to + 2;
}

char* put_four(char* to, unsigned number) { return put_pair(put_pair(to, number / 100), number % 100); }

char* put_up_to_two(char* to, unsigned number) {
  if (number >= 10) return put_pair(to, number);
  *to = char('0' + number);
  return to + 1;
}

char* put_up_to_four(char* to, unsigned number) {
  return number < 100 ? put_up_to_two(to, number) : put_pair(put_up_to_two(to, number / 100), number % 100);
}

// ".25" of 2500; nothing of 0.
char* put_fraction(char* to, unsigned ten_thousandths) {
  if (ten_thousandths == 0) return to;
  *to++ = '.';
  to = put_pair(to, ten_thousandths / 100);
  if (const unsigned rest = ten_thousandths % 100) to = put_pair(to, rest);
  return to[-1] == '0' ? to - 1 : to;
}

// Stays within its bytes for any day; right until the year 9999.
char* put_date(char* to, std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  to = put_four(to, unsigned(int(date.year())) % 10'000);
  *to++ = '-';
  to = put_pair(to, unsigned(date.month()) % 100);
  *to++ = '-';
  to = put_pair(to, unsigned(date.day()) % 100);
  *to++ = 'T';
  return to;
}

// A list from a buffer on the stack, emptied into `out` when it is nearly full. A number that is the same as the one
// before is copied: many columns stand still.
template <class T, class Put>
void append_list(std::string& out, std::span<const T> values, Put put) {
  char buffer[8192] = {};
  const char* const nearly = buffer + sizeof buffer - 2 * kMaxNumber;
  char* to = buffer;
  *to++ = '[';
  char* last = to;  // the number before, `length` bytes
  std::size_t length = 0;
  char text[kMaxNumber];  // its copy, once it comes again
  bool again = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) *to++ = ',';
    if (i > 0 && values[i] == values[i - 1]) {
      if (!again) std::memcpy(text, last, kMaxNumber);
      again = true;
      std::memcpy(to, text, kMaxNumber);
    } else {
      again = false;
      last = to;
      length = std::size_t(put(to, values[i]) - to);
    }
    to += length;
    if (to < nearly) continue;
    out.append(buffer, std::size_t(to - buffer));
    to = buffer;
  }
  *to++ = ']';
  out.append(buffer, std::size_t(to - buffer));
}

// Numbers whose first digits stay the same for long, as those of times do.
class SlowNumbers {
 public:
  char* operator()(char* to, std::int64_t number) {
    if (number < kTail) return put_signed(to, number);
    const std::int64_t head = number / kTail;
    if (head != head_) {
      head_ = head;
      length_ = std::size_t(put_unsigned(text_, std::uint64_t(head)) - text_);
    }
    std::memcpy(to, text_, sizeof text_);
    const auto tail = unsigned(number % kTail);
    return put_four(put_four(to + length_, tail / 10'000), tail % 10'000);
  }

 private:
  static constexpr std::int64_t kTail = 100'000'000;
  std::int64_t head_ = 0;
  std::size_t length_ = 0;
  char text_[16] = {};  // of head_: at most 12 digits
};

}  // namespace

char* put_unsigned(char* to, std::uint64_t number) {
  if (number < 10'000) return put_up_to_four(to, unsigned(number));
  if (number < 100'000'000) return put_four(put_up_to_four(to, unsigned(number / 10'000)), unsigned(number % 10'000));
  return std::to_chars(to, to + kMaxNumber, number).ptr;
}

char* put_signed(char* to, std::int64_t number) {
  if (number >= 0) return put_unsigned(to, std::uint64_t(number));
  *to++ = '-';
  return put_unsigned(to, 0 - std::uint64_t(number));
}

char* put_number(char* to, double value) {
  const double magnitude = std::fabs(value);
  if (magnitude < 9.0e11) {
    const auto scaled = std::int64_t(magnitude * kScale + 0.5);
    // A correctly rounded quotient is exactly what a reader makes of these digits, so equality means no loss.
    if (double(scaled) / kScale == magnitude) {
      if (value < 0 && scaled != 0) *to++ = '-';
      return put_fraction(put_unsigned(to, std::uint64_t(scaled) / 10'000), unsigned(scaled % 10'000));
    }
  }
  if (!std::isfinite(value)) {
    std::memcpy(to, "null", 4);
    return to + 4;
  }
  return std::to_chars(to, to + kMaxNumber, value).ptr;
}

char* TimeText::put(char* to, std::int64_t unix_ms) {
  constexpr std::int64_t kDay = 86'400'000;
  const std::int64_t day = unix_ms / kDay - (unix_ms % kDay < 0 ? 1 : 0);
  if (day != day_) {
    put_date(date_, day);
    day_ = day;
  }
  const auto rest = unsigned(unix_ms - day * kDay);
  std::memcpy(to, date_, sizeof date_);
  to = put_pair(to + sizeof date_, rest / 3'600'000);
  *to++ = ':';
  to = put_pair(to, rest / 60'000 % 60);
  *to++ = ':';
  to = put_pair(to, rest / 1000 % 60);
  *to++ = '.';
  *to++ = char('0' + rest / 100 % 10);
  to = put_pair(to, rest % 100);
  *to++ = 'Z';
  return to;
}

void append_numbers(std::string& out, std::span<const double> values) {
  append_list(out, values, [](char* to, double value) { return put_number(to, value); });
}
void append_integers(std::string& out, std::span<const std::int64_t> values) {
  append_list(out, values, SlowNumbers());
}

}  // namespace paramedic::wire
