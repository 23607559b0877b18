#include "io/history/codec/integers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "io/history/codec/bits.h"

namespace paramedic::history {

namespace {

constexpr std::size_t kBlock = 128;
constexpr unsigned kMaxUnary = 24;  // that many zeros mean: the code follows as 64 plain bits
constexpr unsigned kMaxWidth = 30;
constexpr unsigned kAllZero = 31;  // width field of a block whose errors are all zero

// How a value is predicted; bits 5–7 of a block's first byte.
enum class Model : std::uint8_t {
  level = 0,   // error = value − base
  delta = 1,   // error = (value − previous) − base
  delta2 = 2,  // error = (value − previous) − (previous − the one before)
  rising = 3,  // as delta, but the base is the least delta: the errors need no sign
  above = 4,   // as level, but the base is the least value
};
constexpr unsigned kModels = 5;
constexpr bool has_base(Model m) { return m != Model::delta2; }
constexpr bool is_signed(Model m) { return m != Model::rising && m != Model::above; }

using Block = std::array<std::uint64_t, kBlock>;

struct Plan {
  Model model = Model::level;
  std::int64_t base = 0;
  unsigned width = 0;
  double guess = std::numeric_limits<double>::infinity();  // bits, estimated
  Block codes;
};

std::size_t cost(std::span<const std::uint64_t> codes, unsigned width) {
  std::size_t bits = codes.size() * (width + 1);
  for (const std::uint64_t code : codes) {
    const std::uint64_t unary = code >> width;
    bits += unary < kMaxUnary ? std::size_t(unary) : kMaxUnary + 64 - width - 1;
  }
  return bits;
}

// The best width lies near log2 of the mean; its neighbours are tried because errors are no perfect geometric series.
unsigned choose_width(std::span<const std::uint64_t> codes) {
  double sum = 0;
  for (const std::uint64_t code : codes) sum += double(code);
  if (sum == 0) return kAllZero;
  const double mean = sum / double(codes.size());
  const unsigned guess = mean < double(1u << kMaxWidth) ? unsigned(std::bit_width(std::uint64_t(mean))) : kMaxWidth;
  unsigned best = 0;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (unsigned w = guess > 2 ? guess - 2 : 0; w <= std::min(kMaxWidth, guess + 1); ++w) {
    const std::size_t bits = cost(codes, w);
    if (bits < least) {
      least = bits;
      best = w;
    }
  }
  return best;
}

unsigned varint_bits(std::int64_t v) { return 8 * std::max(1u, (unsigned(std::bit_width(zigzag(v))) + 6) / 7); }

std::int64_t rounded_mean(std::span<const std::int64_t> v) {
  double sum = 0;
  for (const std::int64_t x : v) sum += double(x);
  return std::int64_t(std::nearbyint(sum / double(v.size())));
}

// Estimates from the mean error alone: exact counting for each model costs twice as much time and saves nothing
// (measured).
Plan plan_for(Model model, std::span<const std::int64_t> values) {
  Plan plan;
  plan.model = model;
  if (model == Model::level || model == Model::delta) plan.base = rounded_mean(values);
  if (!is_signed(model)) plan.base = *std::min_element(values.begin(), values.end());
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t error = values[i] - plan.base;
    plan.codes[i] = is_signed(model) ? zigzag(error) : std::uint64_t(error);
    sum += double(plan.codes[i]);
  }
  plan.guess = has_base(model) ? varint_bits(plan.base) : 0;
  if (sum > 0) plan.guess += double(values.size()) * (1 + std::log2(1 + sum / double(values.size())));
  return plan;
}

void put_block(std::string& out, const Plan& plan, std::size_t count) {
  out += char(unsigned(plan.model) << 5 | plan.width);
  if (has_base(plan.model)) put_varint(out, zigzag(plan.base));
  if (plan.width == kAllZero) return;
  BitWriter bits(out);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t unary = plan.codes[i] >> plan.width;
    if (unary >= kMaxUnary) {
      bits.put(0, kMaxUnary);
      bits.put(plan.codes[i], 64);
    } else {
      bits.put(std::uint64_t{1} << unary, unsigned(unary) + 1);
      bits.put(plan.codes[i], plan.width);
    }
  }
  bits.finish();
}

std::uint64_t common_divisor(std::span<const std::int64_t> values) {
  std::uint64_t divisor = 0;
  for (std::size_t i = 1; i < values.size() && divisor != 1; ++i) {
    const std::int64_t d = values[i] - values[i - 1];
    divisor = std::gcd(divisor, d < 0 ? std::uint64_t(-d) : std::uint64_t(d));
  }
  return divisor;
}

// What decoding carries from value to value. Unsigned: hostile bytes may wrap, and that is no harm.
class Decoder {
 public:
  Decoder(std::uint64_t origin, std::uint64_t divisor) : origin_(origin), divisor_(divisor) {}

  void fill(std::span<std::int64_t> out, Model model, std::uint64_t base, std::span<const std::uint64_t> codes) {
    using U = std::uint64_t;
    switch (model) {
      case Model::level:
        return fill(out, codes, [base](U, U, U code) { return base + error_of(code); });
      case Model::above:
        return fill(out, codes, [base](U, U, U code) { return base + code; });
      case Model::delta:
        return fill(out, codes, [base](U value, U, U code) { return value + base + error_of(code); });
      case Model::rising:
        return fill(out, codes, [base](U value, U, U code) { return value + base + code; });
      case Model::delta2:
        return fill(out, codes, [](U value, U delta, U code) { return value + delta + error_of(code); });
    }
  }

 private:
  static std::uint64_t error_of(std::uint64_t code) { return std::uint64_t(unzigzag(code)); }
  template <class Next>
  void fill(std::span<std::int64_t> out, std::span<const std::uint64_t> codes, Next next) {
    // Copies: `out` might be these members, as far as a compiler can tell.
    const std::uint64_t origin = origin_, divisor = divisor_;
    std::uint64_t value = value_, delta = delta_;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const std::uint64_t v = next(value, delta, codes[i]);
      delta = v - value;
      value = v;
      out[i] = std::int64_t(origin + divisor * v);
    }
    value_ = value;
    delta_ = delta;
  }

  const std::uint64_t origin_, divisor_;
  std::uint64_t value_ = 0, delta_ = 0;
};

std::uint64_t get_code(BitReader& bits, unsigned width) {
  const std::uint64_t word = bits.peek();
  const unsigned unary = word ? unsigned(std::countr_zero(word)) : 64;
  if (unary >= kMaxUnary) {
    bits.skip(kMaxUnary);
    return bits.get(64);
  }
  bits.skip(unary + 1 + width);
  return std::uint64_t(unary) << width | (word >> (unary + 1) & ((std::uint64_t{1} << width) - 1));
}

// kStep codes from one load, when none is an escape and all lie within the bits that a load is sure to bring: where the
// next load begins is the slow question.
template <unsigned kStep>
void get_codes(BitReader& bits, std::span<std::uint64_t> codes, unsigned width) {
  constexpr std::uint64_t kStop = std::uint64_t{1} << kMaxUnary;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < codes.size();) {
    if (kStep > 1 && i + kStep <= codes.size()) {
      std::uint64_t word = bits.peek();
      unsigned taken = 0, longest = 0;
      for (unsigned k = 0; k < kStep; ++k) {
        const auto unary = unsigned(std::countr_zero(word | kStop));
        codes[i + k] = std::uint64_t(unary) << width | (word >> unary >> 1 & mask);
        word >>= unary + 1 + width;
        taken += unary + 1 + width;
        longest = std::max(longest, unary);
      }
      if (longest < kMaxUnary && taken <= BitReader::kPeeked) {
        bits.skip(taken);
        i += kStep;
        continue;
      }
    }
    codes[i++] = get_code(bits, width);
  }
}

bool get_block(std::string_view& bytes, std::span<std::uint64_t> codes, unsigned width) {
  BitReader bits(bytes);
  if (width <= 9)
    get_codes<4>(bits, codes, width);
  else if (width <= 22)
    get_codes<2>(bits, codes, width);
  else
    get_codes<1>(bits, codes, width);
  if (bits.overrun()) return false;
  bytes.remove_prefix(bits.bytes_read());
  return true;
}

}  // namespace

void put_integers(std::string& out, std::span<const std::int64_t> values) {
  const std::int64_t first = values.front();
  put_varint(out, zigzag(first));
  const std::uint64_t divisor = common_divisor(values);
  put_varint(out, divisor);
  if (divisor == 0) return;  // all alike
  std::int64_t previous = 0, previous_delta = 0;
  std::array<std::int64_t, kBlock> level, delta, delta2;
  for (std::size_t start = 1; start < values.size(); start += kBlock) {
    const std::size_t count = std::min(kBlock, values.size() - start);
    for (std::size_t i = 0; i < count; ++i) {
      level[i] = (values[start + i] - first) / std::int64_t(divisor);
      delta[i] = level[i] - previous;
      delta2[i] = delta[i] - previous_delta;
      previous = level[i];
      previous_delta = delta[i];
    }
    Plan best;
    for (unsigned m = 0; m < kModels; ++m) {
      const auto model = Model(m);
      const auto& from = model == Model::delta2                            ? delta2
                         : model == Model::delta || model == Model::rising ? delta
                                                                           : level;
      const Plan plan = plan_for(model, std::span(from).first(count));
      if (plan.guess < best.guess) best = plan;
    }
    best.width = choose_width(std::span(best.codes).first(count));
    put_block(out, best, count);
  }
}

bool get_integers(std::string_view bytes, std::span<std::int64_t> out) {
  std::uint64_t first = 0, divisor = 0;
  if (out.empty() || !get_varint(bytes, first) || !get_varint(bytes, divisor)) return false;
  const auto origin = std::uint64_t(unzigzag(first));
  out[0] = std::int64_t(origin);
  if (divisor == 0) {
    std::fill(out.begin(), out.end(), out[0]);
    return bytes.empty();
  }
  Decoder decoder(origin, divisor);
  Block codes;
  for (std::size_t start = 1; start < out.size(); start += kBlock) {
    const std::size_t count = std::min(kBlock, out.size() - start);
    if (bytes.empty()) return false;
    const auto head = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    const auto model = Model(head >> 5);
    const unsigned width = head & 31;
    std::uint64_t base = 0;
    if (unsigned(model) >= kModels || (has_base(model) && !get_varint(bytes, base))) return false;
    base = std::uint64_t(unzigzag(base));
    if (width == kAllZero)
      std::fill_n(codes.begin(), count, 0);
    else if (!get_block(bytes, std::span(codes).first(count), width))
      return false;
    decoder.fill(out.subspan(start, count), model, base, std::span(codes).first(count));
  }
  return bytes.empty();
}

}  // namespace paramedic::history
