// Anomaly: one metric of one worker behaves unlike its own past, with all that explains it. Made by core/analysis,
// shown by API, page and alert text. It never restarts anything by itself. Plain values; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"

namespace paramedic {

// What about the metric is unusual (docs/analysis.md has the formula of each).
enum class AnomalyStatistic {
  none,
  level,        // far from its mean, or from what is usual at this time of the day
  difference,   // a step from one sample to the next
  local,        // away from its last few samples
  relative,     // the same, in parts of its own level
  volatility,   // it wavers more than usual
  flat_line,    // it wavers less than usual
  record,       // beyond all it has been
  slow_record,  // its smoothed value is beyond all it has been
  shift,        // short and long mean were never so far apart
  time_of_day,  // its distance from the usual of this time of the day was never so large
  late,         // its samples come late
  vanished,     // it is no longer told
};
PARAMEDIC_ENUM_NAMES(AnomalyStatistic, "none", "level", "difference", "local", "relative", "volatility", "flat_line",
                     "record", "slow_record", "shift", "time_of_day", "late", "vanished")

// Of a worker. warning and critical are sustained, not single samples.
enum class AnomalyLevel { usual, warning, critical };
PARAMEDIC_ENUM_NAMES(AnomalyLevel, "usual", "warning", "critical")

// What the peers (workers of the same pool) do at the same time.
enum class PeerOpinion { unknown, differ, alike };  // unknown: fewer than five can be compared
PARAMEDIC_ENUM_NAMES(PeerOpinion, "unknown", "differ", "alike")

struct MetricScore {
  std::string metric;
  double score = 0;
};

struct Anomaly {
  static constexpr std::size_t kMaxTop = 3;
  std::string metric;
  double score = 0;  // -log10 of its probability by the metric's own past: 3 = one sample in a thousand
  double observed = 0, expected_low = 0, expected_high = 0;  // the band holds 99 % of its samples
  AnomalyStatistic statistic = AnomalyStatistic::none;
  WallTime since{};
  PeerOpinion peers = PeerOpinion::unknown;
  bool may_notify = false;       // learned for a day; before, it is only shown
  std::vector<MetricScore> top;  // the metrics of this worker that contribute most, at most kMaxTop, largest first

  double one_in() const;       // 10^score, at most a thousand million
  std::string rarity() const;  // "1 in 4 000"
  // "cpu_percent 97 is far above its usual 20 to 41 (1 in 4 000), since 14:05; its peers are not". Hours of the day in
  // UTC, with the day where it is not that of `now`.
  std::string words(WallTime now) const;
};

}  // namespace paramedic
