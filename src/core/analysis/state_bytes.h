// The bytes of a saved detector: numbers one after the other, little-endian, floating point by its bits, so that what
// is loaded continues bit-equal. A state lists its members once, in `fields`, for writer and reader alike.
// The reader is strict: it never reads beyond the end and takes no number that is not finite; whoever asks checks
// ok() once at the end. Pure; one thread.
#pragma once
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace paramedic {

class StateWriter {
 public:
  explicit StateWriter(std::string& out) : out_(out) {}

  template <std::integral T>
  void operator()(const T& value) {
    const auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) out_ += char(std::uint8_t(std::uint64_t(bits) >> (8 * i)));
  }
  void operator()(const bool& value) { out_ += char(value ? 1 : 0); }
  void operator()(const float& value) { (*this)(std::bit_cast<std::uint32_t>(value)); }
  void operator()(const double& value) { (*this)(std::bit_cast<std::uint64_t>(value)); }
  // REQUIRES: at most 255 bytes.
  void operator()(const std::string& text) {
    (*this)(std::uint8_t(text.size()));
    out_ += text;
  }

 private:
  std::string& out_;
};

class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : rest_(bytes) {}

  template <std::integral T>
  void operator()(T& value) {
    if (rest_.size() < sizeof(T)) return fail();
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) bits |= std::uint64_t(std::uint8_t(rest_[i])) << (8 * i);
    value = T(bits);
    rest_.remove_prefix(sizeof(T));
  }
  void operator()(bool& value) {
    std::uint8_t byte = 0;
    (*this)(byte);
    if (byte > 1) return fail();
    value = byte == 1;
  }
  void operator()(float& value) {
    std::uint32_t bits = 0;
    (*this)(bits);
    value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) fail();
  }
  void operator()(double& value) {
    std::uint64_t bits = 0;
    (*this)(bits);
    value = std::bit_cast<double>(bits);
    if (!std::isfinite(value)) fail();
  }
  void operator()(std::string& text) {
    std::uint8_t size = 0;
    (*this)(size);
    if (rest_.size() < size) return fail();
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  // What was read is not to be used: for invariants that a caller finds broken as well.
  void fail() { ok_ = false, rest_ = {}; }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace paramedic
