// What every check is made of, and how it speaks. Included by the check files and by checks.h. Pure; any thread.
#pragma once
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "base/params.h"
#include "model/finding.h"
#include "model/snapshot.h"

namespace paramedic {

// Moves percentages: a bad one stays bad until it is 5 points below its limit.
inline double clear_percent(double limit) { return limit - 5; }
// … rates, durations and round trips: until 0.8 × limit.
inline double clear_ratio(double limit) { return 0.8 * limit; }

// Two thresholds on one sampled value. Above `limit` = strictly greater.
struct Thresholds {
  double warning = 0;   // infinity = no warning level
  double critical = 0;  // infinity = no critical level
};
// Fills status, hold_status, value and limit of a sampled cause; true when it says anything (bad, or would hold a bad
// one).
bool judge_sampled(Cause& cause, double value, const Thresholds& limits, double (*clear)(double));

// Readings shared by several checks.
Finding make_finding(std::string_view check, const Snapshot& s);
// status := worst cause, causes sorted worst first (then by reason and subject, so that the order never depends on
// input order).
void settle(Finding& finding);
Finding& set_unknown(Finding& finding, std::string note);
Finding& set_not_applicable(Finding& finding, std::string note);

// The note of an unknown finding whose data grew old: "no resource data for 95 s".
std::string stale_note(std::string_view what, const PartStamp& stamp, const Snapshot& s);

// Runs a check; whatever it throws becomes an error finding and is counted.
template <class Check>
Finding guarded(std::string_view name, std::uint64_t& failed, Check&& check) {
  std::string why = "the check threw an unknown exception";
  try {
    return check();
  } catch (const std::exception& e) {
    why = e.what();
  } catch (...) {
  }
  ++failed;
  Finding finding;
  finding.check = name;
  finding.status = FindingStatus::error;
  finding.note = "the check itself failed: " + why;
  return finding;
}

// The earliest instant after `now` at which a timed limit is passed. Collects candidates; limits are strict, so a limit
// that ends at T is passed at T + 1 ns.
class NextDeadline {
 public:
  explicit NextDeadline(SteadyTime now) : now_(now) {}
  void add(SteadyTime limit_ends) {
    const SteadyTime passed = limit_ends + Duration{1};
    if (passed > now_ && (!next_ || passed < *next_)) next_ = passed;
  }
  std::optional<SteadyTime> next() const { return next_; }

 private:
  SteadyTime now_;
  std::optional<SteadyTime> next_;
};

}  // namespace paramedic
