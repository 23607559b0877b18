// Random but valid values for the round-trip properties of this folder. Tests only.
#pragma once
#include <cmath>
#include <cstdlib>
#include <string>

#include <rapidcheck.h>

#include "model/effects.h"
#include "model/report.h"

namespace paramedic::wire::testing {

// One property, with a fixed seed unless RC_PARAMS says otherwise.
template <class F>
bool holds(F property) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  return rc::check(property);
}

inline std::string some_id() {
  return *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ09._:@+=/-"))));
}
// Text with everything that needs escaping.
inline std::string some_text() {
  return *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab \"\\/{}[]:,'<>&0")));
}
inline std::string some_name() { return "n" + some_text().substr(0, 100); }
inline WallTime some_time() {
  return WallTime{std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000))};
}
inline Duration some_span() { return std::chrono::milliseconds(*rc::gen::inRange(0, 86'400'000)); }
inline double some_number() {
  const double scaled = double(*rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000));
  return *rc::gen::arbitrary<bool>() ? scaled / 1000 : std::ldexp(scaled, *rc::gen::inRange(-200, 200));
}
inline double some_share() { return double(*rc::gen::inRange(0, 10001)) / 100; }
inline std::uint64_t some_count() { return *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 53); }
inline bool coin() { return *rc::gen::arbitrary<bool>(); }
template <class T>
std::optional<T> maybe(T value) {
  return coin() ? std::optional<T>(std::move(value)) : std::nullopt;
}
template <class E>
E some_word() {
  return static_cast<E>(*rc::gen::inRange<std::size_t>(0, kEnumCount<E>));
}
template <class T, class Make>
std::vector<T> some_list(Make make) {
  std::vector<T> out(*rc::gen::inRange<std::size_t>(0, 4));
  for (auto& item : out) item = make();
  return out;
}

inline ExitInfo some_exit() {
  ExitInfo e{maybe(*rc::gen::inRange(0, 256)), maybe(*rc::gen::inRange(1, 65)), coin(), coin()};
  if (e == ExitInfo{}) e.code = 1;
  return e;
}

Report some_report();
LedgerBody some_ledger_body();

}  // namespace paramedic::wire::testing
