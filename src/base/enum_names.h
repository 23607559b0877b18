// One spelling per enumerator, the same in logs, metrics, JSON and tests.
// Usage, beside the enum:  PARAMEDIC_ENUM_NAMES(Color, "red", "green")   // in the order of the enumerators, from 0
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace paramedic {

template <class E>
struct EnumNames;  // specialised by the macro

template <class E>
concept NamedEnum = requires {
  EnumNames<E>::kNames.size();
};

template <NamedEnum E>
constexpr std::string_view to_string(E value) {
  return EnumNames<E>::kNames[static_cast<std::size_t>(value)];
}
template <NamedEnum E>
constexpr std::optional<E> parse_enum(std::string_view text) {
  for (std::size_t i = 0; i < EnumNames<E>::kNames.size(); ++i)
    if (EnumNames<E>::kNames[i] == text) return static_cast<E>(i);
  return std::nullopt;
}
template <NamedEnum E>
inline constexpr std::size_t kEnumCount = EnumNames<E>::kNames.size();

}  // namespace paramedic

#define PARAMEDIC_ENUM_NAMES(E, ...)                                               \
  template <>                                                                      \
  struct EnumNames<E> {                                                            \
    static constexpr auto kNames = std::to_array<std::string_view>({__VA_ARGS__}); \
  };
