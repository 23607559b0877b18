// Params: a neutral configuration tree. io/config fills it from YAML; each extension reads its own part with
// ParamsReader. A plain value; any thread may read a const one. Every node remembers file and line, so that a problem
// can name them.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/result.h"

namespace paramedic {

// One thing wrong with a configuration: "paramedic.yaml:12: pools.thumbs.interval: …".
struct Problem {
  std::string file;
  int line = 0;  // 1-based; 0 = unknown
  std::string key;
  std::string message;
  std::string to_string() const;
};
using Problems = std::vector<Problem>;

// A std::pair in all but its name: clang 14 cannot instantiate a pair of the type that holds it.
template <class T>
struct KeyValue {
  KeyValue() = default;
  KeyValue(std::string key, T value) : first(std::move(key)), second(std::move(value)) {}
  std::string first;
  T second;
};

struct Params {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;
  std::vector<Params> items;              // list
  std::vector<KeyValue<Params>> members;  // map, in the order of the file; keys are unique
  std::string file;
  int line = 0;

  const Params* find(std::string_view key) const;  // null when absent or not a map
  bool is_map() const { return kind == Kind::map; }

  static Params map() { return Params{.kind = Kind::map}; }
  static Params of(std::string text) { return Params{.kind = Kind::scalar, .scalar = std::move(text)}; }
  Params& set(std::string key, Params value);  // for tests and defaults; replaces
};

// `over` laid on `base`, map by map; lists and scalars of `over` replace. Pool settings over the defaults.
Params merge(const Params& base, const Params& over);

// Reads one map. Each read() leaves `out` untouched when the key is absent and adds a Problem when it does not convert.
// finish() adds a Problem for every key that nobody asked for. REQUIRES: `problems` and `node` outlive the reader.
class ParamsReader {
 public:
  ParamsReader(const Params* node, std::string path, Problems& problems);

  bool has(std::string_view key) const;
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);  // true/false only: "yes" and "on" are refused as ambiguous
  void read(std::string_view key, int& out, int min, int max);
  void read(std::string_view key, double& out, double min, double max);
  void read(std::string_view key, Duration& out, Duration min, Duration max);
  void read_bytes(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max);
  void read(std::string_view key, std::vector<std::string>& out);
  void read(std::string_view key, std::map<std::string, std::string>& out);
  void read(std::string_view key, std::map<std::string, Duration>& out, Duration min, Duration max);
  void read(std::string_view key, std::vector<int>& out, int min, int max);
  template <class T, class... Limits>
  void read(std::string_view key, std::optional<T>& out, Limits... limits) {
    if (!has(key)) return known(key);
    T value{};
    const auto before = problems_->size();
    read(key, value, limits...);
    if (problems_->size() == before) out = std::move(value);
  }
  template <NamedEnum E>
  void read_enum(std::string_view key, E& out) {
    std::string text;
    read(key, text);
    if (text.empty()) return;
    if (const auto value = parse_enum<E>(text))
      out = *value;
    else
      bad_enum(key, text, EnumNames<E>::kNames.data(), EnumNames<E>::kNames.size());
  }
  // A nested map; reading an absent one reads nothing. Call finish() on it too.
  ParamsReader child(std::string_view key);
  // The raw node, marked as used; null when absent.
  const Params* take(std::string_view key);

  void problem(std::string_view key, std::string message);  // for rules across keys
  void finish();

  const std::string& path() const { return path_; }
  Problems& problems() { return *problems_; }

 private:
  void known(std::string_view key) { used_.emplace_back(key); }  // finish() names it among those it knows
  const Params* scalar(std::string_view key, std::string_view wanted);
  std::string full(std::string_view key) const;
  void bad_enum(std::string_view key, std::string_view text, const std::string_view* names, std::size_t count);

  const Params* node_;
  std::string path_;
  Problems* problems_;
  std::vector<std::string> used_;
};

}  // namespace paramedic
