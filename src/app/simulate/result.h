// What a simulation found. docs/simulate.md explains each number. Plain values.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace paramedic::simulate {

// Seconds from the first instant of an illness until the worker works again.
struct RecoveryTimes {
  int count = 0;
  double p50 = 0, p95 = 0, max = 0;
  bool operator==(const RecoveryTimes&) const = default;
};

struct Illnesses {
  int crashes = 0, hangs = 0, lost_connections = 0, stalls = 0;
  bool operator==(const Illnesses&) const = default;
};

struct Stops {
  int done = 0;    // living workers that the monitor had ended
  int needed = 0;  // illnesses that only a restart cures and no shared cause explains
  // What `done` consists of.
  int of_needed = 0;
  int of_shared_cause = 0;  // ill by the bad version
  int of_stalled = 0;       // would have come back by itself
  int of_well = 0;
  // Musts.
  int in_outage = 0;  // while the worker's broker was down and its workers had told so
  int in_lag = 0;     // while the monitor lagged
  int in_notice = 0;  // no must: broker down, but its workers had not all told yet
  double ratio() const { return needed > 0 ? double(done) / needed : 0; }
  bool operator==(const Stops&) const = default;
};

// The largest part of one pool that was down because the monitor stopped it.
struct Share {
  int down = 0, pool_size = 0, allowed = 0;  // where down / size was largest
  int times_exceeded = 0;                    // more than max(1, 10 %)
  bool operator==(const Share&) const = default;
};

struct SimulationResult {
  Illnesses alone, shared;
  Stops stops;
  int starts = 0;          // of dead workers
  RecoveryTimes recovery;  // of illnesses that no shared cause explains, loading included
  RecoveryTimes recovery_without_load;
  RecoveryTimes recovery_shared;  // of those by the bad version, loading included
  Share share;
  int monitor_restarts = 0;
  int left_open = 0;  // incidents at the end that nothing touched for 15 min and whose workers are all well
  int crashes_not_recovered = 0, others_not_recovered = 0;  // ill for more than 15 min at the end
  int quarantines = 0, incidents = 0, critical_incidents = 0, notifications = 0;
  std::map<std::string, int> notifications_by_kind;
  std::vector<std::string> forbidden_stops;  // who, when and why, at most 20: stops in outages, in lag, of well workers
  std::vector<std::string> open_at_end;      // what those of left_open say, at most 20
  std::vector<std::string> not_recovered;    // who is ill at the end, since when, and what its agent says; at most 20
  std::uint64_t reports = 0, steps = 0;
  std::uint64_t decisions = 0;  // a hash of all acts: equal = the same run
  bool operator==(const SimulationResult&) const = default;
};

}  // namespace paramedic::simulate
