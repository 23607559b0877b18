// How values stand in the input journal: one list of fields per struct (fields.h), three coders that walk it. Writer
// makes bytes, Reader takes them back and trusts none of them, Shape describes the layout in words, so that two builds
// can tell whether they mean the same. Internal to io/journal. Pure.
//
//   bool, char             1 byte
//   whole number           varint; signed ones zigzag
//   double                 8 bytes IEEE 754, little endian: lossless
//   enum                   1 byte, its place in the list of names
//   text                   varint length, bytes
//   instant                8 bytes, nanoseconds since the clock's epoch, little endian; a duration is a signed number
//   optional               1 byte 0 or 1, then the value
//   list                   varint count, then the values
//   struct                 its fields, in order
#pragma once
#include <array>
#include <bit>
#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/varint.h"

namespace paramedic::journal {

// More elements than that in one list are not written and not believed.
inline constexpr std::size_t kMaxItems = 1 << 20;

template <class Coder, class T>
using InOut = std::conditional_t<Coder::kWrites, const T, T>;

template <class T>
inline constexpr bool kIsArray = false;
template <class T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;

template <class T>
concept Number = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;
template <class T>
concept Byte = std::same_as<T, bool> || std::same_as<T, char>;

class Writer {
 public:
  static constexpr bool kWrites = true;
  explicit Writer(std::string& out) : out_(out) {}

  template <class... Fields>
  void operator()(std::string_view, std::string_view, const Fields&... fields) {
    (put(fields), ...);
  }

  void put(Byte auto value) { out_ += char(value); }
  template <Number T>
  void put(T value) {
    if constexpr (std::is_signed_v<T>)
      put_varint(out_, zigzag(value));
    else
      put_varint(out_, value);
  }
  void put(double value) { put_fixed(std::bit_cast<std::uint64_t>(value)); }
  template <NamedEnum E>
  void put(E value) {
    static_assert(kEnumCount<E> <= 256);
    out_ += char(static_cast<std::uint8_t>(value));
  }
  void put(const std::string& value) {
    put_varint(out_, value.size());
    out_ += value;
  }
  void put(Duration value) { put_varint(out_, zigzag(value.count())); }
  template <class C>
  void put(std::chrono::time_point<C, Duration> value) {
    put_fixed(std::uint64_t(value.time_since_epoch().count()));
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put_varint(out_, list.size());
    for (const T& item : list) put(item);
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& list) {
    for (const T& item : list) put(item);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& value) {
    put(value.first);
    put(value.second);
  }
  template <class T>
  requires std::is_aggregate_v<T>
  void put(const T& value) { code_fields(*this, value); }

 private:
  void put_fixed(std::uint64_t bits) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = char(bits >> (8 * i));
    out_.append(bytes, sizeof bytes);
  }
  std::string& out_;
};

// Every length is checked against what is left, every list grows with the bytes that are really there: what is read
// takes a small multiple of the memory of its bytes. After the first mistake all that follows is skipped.
class Reader {
 public:
  static constexpr bool kWrites = false;
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // Whether everything was good so far, and whether nothing is left.
  bool ok() const { return ok_; }
  bool done() const { return ok_ && bytes_.empty(); }
  std::string_view rest() const { return bytes_; }

  template <class... Fields>
  void operator()(std::string_view, std::string_view, Fields&... fields) {
    (get(fields), ...);
  }

  void get(bool& value) {
    const auto byte = take_byte();
    if (byte > 1) return fail();
    value = byte == 1;
  }
  void get(char& value) { value = char(take_byte()); }
  template <Number T>
  void get(T& value) {
    std::uint64_t bits = 0;
    if (!ok_ || !get_varint(bytes_, bits)) return fail();
    if constexpr (std::is_signed_v<T>) {
      const std::int64_t number = unzigzag(bits);
      if (!std::in_range<T>(number)) return fail();
      value = T(number);
    } else {
      if (!std::in_range<T>(bits)) return fail();
      value = T(bits);
    }
  }
  void get(double& value) { value = std::bit_cast<double>(take_fixed()); }
  template <NamedEnum E>
  void get(E& value) {
    const auto byte = take_byte();
    if (byte >= kEnumCount<E>) return fail();
    value = static_cast<E>(byte);
  }
  void get(std::string& value) {
    std::uint64_t size = 0;
    if (!ok_ || !get_varint(bytes_, size) || size > bytes_.size()) return fail();
    value.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
  }
  void get(Duration& value) {
    std::int64_t count = 0;
    get(count);
    value = Duration{count};
  }
  template <class C>
  void get(std::chrono::time_point<C, Duration>& value) {
    value = std::chrono::time_point<C, Duration>{Duration{std::int64_t(take_fixed())}};
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool set = false;
    get(set);
    value.reset();
    if (ok_ && set) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& list) {
    std::uint64_t count = 0;
    if (!ok_ || !get_varint(bytes_, count) || count > kMaxItems || count > bytes_.size()) return fail();
    list.clear();
    for (; ok_ && count > 0; --count) get(list.emplace_back());
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& list) {
    for (T& item : list) get(item);
  }
  template <class A, class B>
  void get(std::pair<A, B>& value) {
    get(value.first);
    get(value.second);
  }
  template <class T>
  requires std::is_aggregate_v<T>
  void get(T& value) {
    if (ok_) code_fields(*this, value);
  }

 private:
  void fail() { ok_ = false; }
  std::uint8_t take_byte() {
    if (!ok_ || bytes_.empty()) return fail(), std::uint8_t{0};
    const auto byte = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::uint64_t take_fixed() {
    if (!ok_ || bytes_.size() < 8) return fail(), std::uint64_t{0};
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 8; ++i) bits |= std::uint64_t(static_cast<std::uint8_t>(bytes_[i])) << (8 * i);
    bytes_.remove_prefix(8);
    return bits;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

// The layout of a type in words: "ReportInput{report, source, …: Report{…}t…}". Changes when a field, its type or the
// names of an enum do.
class Shape {
 public:
  static constexpr bool kWrites = false;
  explicit Shape(std::string& out) : out_(out) {}

  template <class... Fields>
  void operator()(std::string_view type, std::string_view names, Fields&...) {
    ((((out_ += type) += '{') += names) += ':');
    (describe<Fields>(), ...);
    out_ += '}';
  }

  template <class T>
  void describe() {
    if constexpr (std::is_aggregate_v<T> && !kIsArray<T>) {
      T value{};
      code_fields(*this, value);
    } else {
      describe_plain(static_cast<const T*>(nullptr));
    }
  }

 private:
  void describe_plain(const bool*) { out_ += 'b'; }
  void describe_plain(const char*) { out_ += 'c'; }
  template <Number T>
  void describe_plain(const T*) {
    (out_ += std::is_signed_v<T> ? 'i' : 'u') += char('0' + sizeof(T));
  }
  void describe_plain(const double*) { out_ += 'd'; }
  void describe_plain(const std::string*) { out_ += 't'; }
  void describe_plain(const Duration*) { out_ += 'n'; }
  template <class C>
  void describe_plain(const std::chrono::time_point<C, Duration>*) {
    out_ += std::same_as<C, std::chrono::steady_clock> ? 'S' : 'W';
  }
  template <NamedEnum E>
  void describe_plain(const E*) {
    out_ += 'e';
    for (const std::string_view name : EnumNames<E>::kNames) (out_ += ' ') += name;
    out_ += ';';
  }
  template <class T>
  void describe_plain(const std::optional<T>*) {
    out_ += '?';
    describe<T>();
  }
  template <class T>
  void describe_plain(const std::vector<T>*) {
    out_ += '*';
    describe<T>();
  }
  template <class T, std::size_t N>
  void describe_plain(const std::array<T, N>*) {
    (out_ += std::to_string(N)) += '*';
    describe<T>();
  }
  template <class A, class B>
  void describe_plain(const std::pair<A, B>*) {
    describe<A>();
    describe<B>();
  }
  std::string& out_;
};

}  // namespace paramedic::journal

// The fields of a struct, all of them and in order: the structured binding does not compile when one is missing.
#define PARAMEDIC_JOURNAL_FIELDS(Type, ...)                      \
  template <class Coder>                                         \
  void code_fields(Coder& coder_, InOut<Coder, Type>& object_) { \
    auto& [__VA_ARGS__] = object_;                               \
    coder_(#Type, #__VA_ARGS__, __VA_ARGS__);                    \
  }
