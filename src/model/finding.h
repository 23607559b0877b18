// Finding: what one check says of one worker. Raw findings come from core/checks; core/verdict applies hysteresis and
// yields the effective ones that readers see (same type).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/remedy_kind.h"
#include "model/status.h"

namespace paramedic {

// How a cause may count. timed: contains its own duration, counts at once. sampled: a threshold on samples, needs two
// distinct reports to turn bad and two below the clear threshold to turn good.
enum class Evidence { timed, sampled };
PARAMEDIC_ENUM_NAMES(Evidence, "timed", "sampled")

struct Cause {
  Reason reason = Reason::none;
  FindingStatus status = FindingStatus::healthy;
  // sampled only: the status that a cause which is already bad keeps (judged against the clear threshold); >= `status`.
  FindingStatus hold_status = FindingStatus::healthy;
  Evidence evidence = Evidence::timed;
  double value = 0;
  double limit = 0;
  std::string_view unit;                 // "s", "%", "ms", "tasks", "" — static text
  std::string subject;                   // the queue, mount, model, task or GPU it speaks of; empty = the worker itself
  RemedyKind remedy = RemedyKind::none;  // what this cause asks for when critical (policy may forbid it)
  WallTime since{};                      // set by verdict: when this cause took its present status
};

using FindingMetric = std::pair<std::string_view, double>;  // names are static text (design section 3)

struct Finding {
  std::string_view check;  // static text: "heartbeat", "resources", …
  FindingStatus status = FindingStatus::healthy;
  std::vector<Cause> causes;  // worst first; raw: also those that only hold; effective: only warning and critical ones
  std::vector<FindingMetric> metrics;
  SteadyTime evidence_at{};  // raw: when the newest sample behind it was taken; distinct reports have distinct times
  std::string note;          // for unknown, error and not_applicable: why, in words

  std::string message() const;  // one sentence for people, derived from the fields above
};

// "silent for 72 s (limit 60 s)", "queue thumbs: disconnected for 40 s (limit 30 s)"
std::string describe(const Cause& cause);
// warning < critical; everything else is 0
int badness(FindingStatus status);

// A cause that is on its way to another status and waits for a second report.
struct Pending {
  std::string_view check;
  Reason reason = Reason::none;
  std::string subject;
  FindingStatus from = FindingStatus::healthy;
  FindingStatus to = FindingStatus::healthy;
  int seen = 0;
  int needed = 2;
};

}  // namespace paramedic
