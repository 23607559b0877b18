// Reads the query string of one request: typed, bounded, and strict, since a misspelt filter that is silently ignored
// shows the wrong fleet. The first problem wins; ask for it once, at the end, with finish(). Not for several threads.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/result.h"
#include "io/net/http.h"

namespace paramedic::api {

class QueryReader {
 public:
  explicit QueryReader(std::string_view query);

  std::optional<std::string> text(std::string_view name);  // also marks the name as known
  std::vector<std::string> texts(std::string_view name);   // repeated, or one with commas
  std::vector<std::string> values(std::string_view name);  // repeated; commas belong to the value
  std::optional<std::int64_t> number(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<WallTime> time(std::string_view name);
  std::optional<Duration> duration(std::string_view name, Duration min, Duration max);
  template <NamedEnum E>
  std::vector<E> words(std::string_view name) {
    std::vector<E> out;
    for (const std::string& word : texts(name)) {
      if (const auto value = parse_enum<E>(word))
        out.push_back(*value);
      else
        bad_word(name, word, EnumNames<E>::kNames.data(), EnumNames<E>::kNames.size());
    }
    return out;
  }
  void problem(std::string_view name, const std::string& message);
  // invalid_argument: the first problem, or a parameter that nobody asked for.
  Result<void> finish() const;

 private:
  void bad_word(std::string_view name, const std::string& word, const std::string_view* names, std::size_t count);

  QueryPairs pairs_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace paramedic::api
