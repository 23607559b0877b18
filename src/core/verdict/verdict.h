// Findings → effective findings (hysteresis) → score → status. Pure: (state, raw findings, period, now) → Verdict.
// Called by the engine on its strand, once per round; the engine owns one VerdictState per worker.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "model/verdict.h"

namespace paramedic {

inline constexpr double kMinWeight = 0.31;  // below it one critical finding alone could leave the score at 0.7 or above
inline constexpr double kMaxWeight = 1.0;

// What a check weighs in the score and in the confidence (design section 6).
struct Weights {
  double heartbeat = 1.0;
  double queue_connection = 0.8;
  double model_loading = 0.8;
  double task_performance = 0.7;
  double resources = 0.5;
  double disk_space = 0.5;

  // 0.5 for a check that is not in the list.
  double of(std::string_view check) const;
  // Keys are the check names. A weight outside 0.31…1 is a Problem.
  static Weights parse(ParamsReader& reader);
};

// max(0.70, Π over warnings (1 − 0.25 w)) × Π over criticals (1 − w), rounded to 4 decimals. Unknown, error and
// not_applicable cost nothing. Independent of the order of the findings.
double health_score(std::span<const Finding> findings, const Weights& weights);
// Σ w of known / Σ w of applicable checks; none if no check applies. An error counts as unknown.
std::optional<double> confidence(std::span<const Finding> findings, const Weights& weights);
// First match: unknown (nothing applicable is known) → critical (score < 0.7) → warning (a warning or error) → healthy.
Status status_of(std::span<const Finding> findings, double score);

// Memory of one cause that is bad or on its way: `cause` as last seen, with the status in force and its `since`.
struct CauseState {
  std::string_view check;  // static text
  Cause cause;
  FindingStatus toward = FindingStatus::healthy;  // == cause.status while nothing is pending
  std::uint8_t seen = 0;                          // distinct reports that agree on `toward`
  SteadyTime counted_at{};                        // evidence time of the latest report that counted
};

// What hysteresis remembers of one worker. Empty vector for a healthy one.
struct VerdictState {
  std::vector<CauseState> causes;
  Status status = Status::unknown;
  WallTime status_since{};
  bool judged = false;  // false before the first judge()
};

struct Judgement {
  Verdict verdict;
  Status previous = Status::unknown;
  bool status_changed = false;  // also true at the first judgement
};

// Reports closer together than this are one piece of evidence: min(5 s, 0.8 periods).
Duration min_report_gap(Duration period);

// `raw` as core/checks gives it, in the order of the check list. Timed causes count at once. Sampled ones turn bad
// after two distinct reports and turn good after two below their clear threshold (Cause::hold_status). A finding that
// is unknown, error or not_applicable enters at once and forgets the counts of its check.
Judgement judge(VerdictState& state, std::vector<Finding> raw, Duration period, const Now& now,
                const Weights& weights = {});

}  // namespace paramedic
