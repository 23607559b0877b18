// Two tallies side by side: a line per rule, reason and pool, and the single alerts and restarts that only one of them
// knows. Pure; one thread.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "app/replay/tally.h"

namespace paramedic::replay {

// Two episodes of one key are one when they overlap, or begin within this time of each other: a limit that is a little
// higher is met a little later, and that is no alert more and no alert less.
inline constexpr Duration kSame = 2min;
// Less apart than this is not told as earlier or later: a round of a worker may fall that far away.
inline constexpr Duration kAtOnce = 5s;

struct Counts {
  std::uint64_t begun = 0, ended = 0;
  double seconds = 0;                       // alerts, incidents: how long they held, within the time looked at
  std::uint64_t succeeded = 0, failed = 0;  // restarts
  std::uint64_t outcome_unknown = 0;        // restarts of a replay, as Episode::outcome_known
  bool operator==(const Counts&) const = default;
};

struct Line {
  EpisodeKind kind = EpisodeKind::alert;
  std::string name, reason, pool;
  Counts old_side, new_side;
  // Of the episodes that both have: begun earlier or later by more than kAtOnce under the new configuration.
  std::uint64_t earlier = 0, later = 0;
  std::uint64_t only_old = 0, only_new = 0;
  bool differs() const { return only_old + only_new + earlier + later > 0; }
};

// An alert or a restart that only one side has. Incidents follow from alerts and are not told one by one.
struct Difference {
  bool only_new = false;
  EpisodeKind kind = EpisodeKind::alert;
  std::string key, name, reason, pool, worker_id;
  WallTime at{};
  std::optional<WallTime> ended_at;
  bool outcome_known = true;
};

struct Comparison {
  std::vector<Line> lines;              // by kind, name, reason, pool
  std::vector<Difference> differences;  // by time
  bool same() const;
};

// Both were filled over the same spans; the last one ends what is still open.
Comparison compare(const Tally& old_side, const Tally& new_side, std::span<const Span> spans);

}  // namespace paramedic::replay
