// Matchers made ready: which alerts a route, a silence, an inhibition or a maintenance window selects. Pure values; a
// compiled one may be copied and read by any thread. Regular expressions are RE2 (docs/decisions/010): linear time,
// bounded memory, whatever people write.
#pragma once
#include <memory>
#include <vector>

#include "base/params.h"
#include "model/alert.h"
#include "model/notification.h"

namespace re2 {
class RE2;
}

namespace paramedic {

// What matchers see of an alert, sorted by name: `alert` (its key), `incident`, `severity`, `reason`, `rule` (the
// reason where no rule states it), `check`, `worker_id`, `pool`, `host`, those that are not empty; and the labels of
// its worker and rule, which never replace one of these.
Labels labels_of(const Alert& alert);
// Empty when absent.
const std::string& label_value(const Labels& sorted, std::string_view name);

class CompiledMatchers {
 public:
  static constexpr std::size_t kMaxMatchers = 16, kMaxPattern = 1000;

  CompiledMatchers() = default;  // selects everything
  // Errors: invalid_argument, naming the matcher; too_large, when there are too many or a pattern needs too much
  // memory.
  static Result<CompiledMatchers> compile(std::vector<Matcher> matchers);

  bool match(const Labels& sorted) const;
  const std::vector<Matcher>& matchers() const { return matchers_; }
  std::size_t patterns() const;  // how many are regular expressions

 private:
  std::vector<Matcher> matchers_;
  std::vector<std::shared_ptr<const re2::RE2>> compiled_;  // null for = and !=
};

// A list of texts of the configuration, as parse_matcher() reads them; what is wrong becomes a Problem.
void read_matchers(ParamsReader& r, std::string_view key, CompiledMatchers& out);

}  // namespace paramedic
