// Poison tasks: the same task (type and digest of its arguments) in flight at the deaths of several lives. Whoever
// takes it next may be the next to die; nothing is done to it here, people are told with the evidence.
//
// A task is named when it was in flight at `deaths` deaths of distinct incarnations of one pool within `window`, and
// explanations that blame nobody are out of the question (1 to 3 binomial: so many of the pool's deaths since the first
// with it, at a probability p each):
// 1. Many run it. p = its share among the living, looked at when one with the task dies: below 1 of 1000, and its share
//    among the dead is at least three times p.
// 2. One of the pool has it all the time, and this one dies as often as the others. p = (living with it + 1) /
//    (living + 1), as the dead one belongs to those who had it: below 5 of 1000 if it was there at each death, else
//    below 2 of 1000, as many tasks are looked at, at many deaths. A pool of fewer than six counts as of six, so that
//    three deaths of three always are enough.
// 3. It runs so long that it must meet deaths. p = (time it had run at these deaths) / (half of the time from the begin
//    of the first run to the last death), divided by the workers: below 3 of 100 000. Half, as a run is met at half its
//    length on average. That half is at least ten minutes, so that a crash loop of its own making does not excuse it.
// 4. One worker keeps it. All its deaths are of one worker while others live, and not in one go (ten minutes from one
//    to the next at most).
// 5. Nobody to compare with, a pool of one worker: then it must have been there at each death since the first.
// How much each is worth: docs/analysis-causes.md.
//   Example: `tick` without arguments is in flight at 5 of 10 deaths and at 40 % of the living: 0.5 < 1.2, not named.
//   `resize 3f2a`, 3 s after its begin, at 3 of 3 deaths among 10 workers and nowhere else: 0.1³ = 0.001, named. At 3
//   of 10 deaths: if somebody always has it, chance does that 7 times of 100. Not named; 5 of 10 would be.
//   `sweep`, at 3 of 3 deaths and at 20 % of the living: 1 >= 0.6, but by chance in 8 of 1000 cases: not yet.
// Without a digest a task is not remembered: its type alone would blame every task of it. It ends when it was in flight
// at no death for `window`. Memory is bounded: of more than max_tasks per pool those with the fewest deaths go first,
// of equals the one that was seen longest ago. Pure; one thread; times by steady clock (records of the ledger are
// brought there by the caller).
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/death_record.h"
#include "model/poison_task.h"

namespace paramedic {

struct PoisonLimits {
  int deaths = 3;
  Duration window = 24h;
};

class PoisonFinder {
 public:
  static constexpr double kMinLift = 3, kMaxChance = 0.001, kMaxChanceEach = 0.005, kMaxChanceWithDead = 0.002;
  static constexpr double kMaxChanceInHand = 0.00003;
  static constexpr int kFewest = 6;  // workers: three deaths of three are one chance of 216 then
  static constexpr Duration kLeastSpan = 10min;
  static constexpr std::size_t kMaxDeaths = 1000;  // remembered per pool
  explicit PoisonFinder(std::size_t max_tasks = 1000) : max_tasks_(max_tasks) {}

  // A death at `at`, by `now` at the latest. Returns the tasks in flight at it that are named, with all evidence. The
  // same incarnation counts once. REQUIRES: ascending `at` per pool, but for clock steps.
  std::vector<PoisonTask> on_death(const DeathRecord& death, SteadyTime at, const PoisonLimits& limits);
  // Named tasks that ended by now.
  std::vector<PoisonTask> expire(SteadyTime now);
  // All that are named now, by pool, then type and digest.
  std::vector<PoisonTask> named() const;
  std::optional<SteadyTime> next_expiry() const;
  std::uint64_t evicted() const { return evicted_; }

 private:
  using Key = std::pair<std::string, std::string>;  // type, digest
  struct Task {
    std::deque<SteadyTime> seen;                              // ascending, within the window, at most kMaxDeaths
    std::deque<std::pair<SteadyTime, PoisonDeath>> evidence;  // the latest of them, at most PoisonTask::kMaxEvidence
    Duration window{};
    bool named = false;
    SteadyTime last() const { return seen.back(); }
  };
  struct Pool {
    std::map<Key, Task> tasks;
    std::deque<SteadyTime> deaths;  // with known tasks
  };
  static void prune(Pool& pool, SteadyTime now);
  void make_room(Pool& pool);
  // null = this life was counted already
  Task* take(Pool& pool, const DeathRecord& death, const DeathTask& told, SteadyTime at, const PoisonLimits& limits);
  static int deaths_with_and_since(const Pool& pool, const Task& task);
  static bool one_keeps_it(const Task& task);
  static bool stands_out(const Pool& pool, const Task& task);
  static PoisonTask describe(const std::string& name, const Pool& pool, const Key& key, const Task& task);

  std::size_t max_tasks_;
  std::map<std::string, Pool> pools_;
  std::uint64_t evicted_ = 0;
};

}  // namespace paramedic
