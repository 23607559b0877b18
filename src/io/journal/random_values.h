// Fills every field of everything that the journal knows with random values, by the same lists of fields. Tests only.
#pragma once
#include <rapidcheck.h>

#include "io/journal/fields.h"

namespace paramedic::journal::testing {

class Filler {
 public:
  static constexpr bool kWrites = false;
  template <class... Fields>
  void operator()(std::string_view, std::string_view, Fields&... fields) {
    (fill(fields), ...);
  }
  void fill(bool& value) { value = *rc::gen::arbitrary<bool>(); }
  void fill(char& value) { value = *rc::gen::arbitrary<char>(); }
  template <Number T>
  void fill(T& value) {
    value = *rc::gen::oneOf(rc::gen::arbitrary<T>(), rc::gen::just(std::numeric_limits<T>::max()),
                            rc::gen::just(std::numeric_limits<T>::min()));
  }
  // All of them: infinities, negative zero, every NaN.
  void fill(double& value) { value = std::bit_cast<double>(number()); }
  template <NamedEnum E>
  void fill(E& value) {
    value = static_cast<E>(*rc::gen::inRange<std::size_t>(0, kEnumCount<E>));
  }
  void fill(std::string& value) { value = *rc::gen::arbitrary<std::string>(); }
  void fill(Duration& value) { value = Duration{std::int64_t(number())}; }
  template <class C>
  void fill(std::chrono::time_point<C, Duration>& value) {
    value = std::chrono::time_point<C, Duration>{Duration{std::int64_t(number())}};
  }
  template <class T>
  void fill(std::optional<T>& value) {
    value.reset();
    if (*rc::gen::arbitrary<bool>()) fill(value.emplace());
  }
  template <class T>
  void fill(std::vector<T>& list) {
    list.resize(*rc::gen::inRange<std::size_t>(0, 3));
    for (T& item : list) fill(item);
  }
  template <class T, std::size_t N>
  void fill(std::array<T, N>& list) {
    for (T& item : list) fill(item);
  }
  template <class A, class B>
  void fill(std::pair<A, B>& value) {
    fill(value.first);
    fill(value.second);
  }
  template <class T>
  requires std::is_aggregate_v<T>
  void fill(T& value) { code_fields(*this, value); }

 private:
  static std::uint64_t number() { return *rc::gen::arbitrary<std::uint64_t>() * 0x9E3779B97F4A7C15u; }
};

// The alternative of that place in Input.
template <std::size_t I = 0>
Input random_input(std::size_t alternative) {
  if constexpr (I < std::variant_size_v<Input>) {
    if (alternative != I) return random_input<I + 1>(alternative);
    Input out(std::in_place_index<I>);
    Filler().fill(std::get<I>(out));
    return out;
  }
  return ShutdownInput{};
}
inline Input random_input() { return random_input(*rc::gen::inRange<std::size_t>(0, std::variant_size_v<Input>)); }

}  // namespace paramedic::journal::testing
