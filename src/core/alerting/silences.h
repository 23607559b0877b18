// Silences that are not over, ready to be asked. Pure; one strand.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/alerting/matchers.h"

namespace paramedic {

class Silences {
 public:
  static constexpr std::size_t kMax = 10'000;        // not over
  static constexpr std::size_t kMaxPatterns = 2000;  // regular expressions in all of them: they are what costs memory

  // Errors: invalid_argument (no matcher, a wrong expression, no time), too_many.
  Result<void> add(Silence silence);
  // What the ledger kept; one that does not compile any more is dropped.
  void restore(const std::vector<Silence>& silences, WallTime now);
  // Ends it now, or before it began. Error: not_found.
  Result<Silence> end(std::string_view id, std::string by, WallTime now);
  // Forgets those that are over. True when the set of active ones differs from that of the last call.
  bool sweep(WallTime now);

  bool mutes(const Labels& labels, WallTime now) const;
  std::optional<WallTime> next_edge(WallTime now) const;  // when the next one begins or ends
  std::vector<Silence> list() const;                      // by start
  bool contains(std::string_view id) const { return entries_.find(id) != entries_.end(); }

 private:
  struct Entry {
    Silence silence;
    CompiledMatchers matchers;
  };
  std::map<std::string, Entry, std::less<>> entries_;
  std::size_t patterns_ = 0;
  std::vector<std::string> active_;  // ids, at the last sweep
};

}  // namespace paramedic
