// Performance degradation: tells when tasks of a type became lastingly slower or failed more, since when, by how much,
// and who shares it: the whole pool, one version, one host or one worker. docs/analysis-degradation.md has the method
// in words, its accuracy and its limits.
//
// How it is called: add() with what each worker did, as it comes (the increases of a history row), and advance() with
// every step of the engine. A type is judged once per block of 5 minutes, by the first call after the block's end, so a
// call costs nearly nothing but every 5 minutes about 3 µs per worker and type. Statements begin, hold and end; a
// statement is no reason for a restart. Nothing depends on what comes later: no lookahead.
//
// Quiet times: a pool against its own past speaks after a day, siblings against one another after two hours and 100
// tasks of the type. Pure; one thread (the engine's). Memory is bounded by Limits; whoever is beyond is counted.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/analysis/task_judge.h"

namespace paramedic {

struct DegradationLimits {
  WindowLimits windows;
  std::size_t types = 4096;          // (pool, type) pairs, 7 KB each
  std::size_t types_per_pool = 512;  // then kOtherTaskType
  std::size_t told_per_pool = 8;     // statements at once; the worst come first
};

inline constexpr std::string_view kOtherTaskType = "__other__";

// A statement with what is needed to see when it ends.
struct HeldDegradation {
  TaskDegradation told;
  TaskMeasure tested = TaskMeasure::duration_p95;  // that had the evidence
  std::uint8_t clear_blocks = 0;                   // in a row

  bool operator==(const HeldDegradation&) const = default;
};

// All of one type of one pool.
struct TaskTypeState {
  TaskWindows windows;
  NoiseTable noise;
  std::vector<HeldDegradation> held;
  // Blocks closed since a statement ended, of durations and of errors; kLookBlocks = an hour or more.
  std::array<std::uint8_t, 2> fresh{kLookBlocks, kLookBlocks};
};

class DegradationFinder {
 public:
  static constexpr Duration kNewUsual = 24h;       // what lasted so long is accepted
  static constexpr std::uint8_t kClearBlocks = 2;  // in a row, to end
  static constexpr std::size_t kRecentBlocks = 3;  // that are looked at for the end, more where tasks are few
  static constexpr std::int64_t kForgetBlocks = 7 * kBlocksPerDay;  // a type nobody runs any longer

  explicit DegradationFinder(DegradationLimits limits = {}) : limits_(limits) {}

  // What `worker` did in about the last half minute. Late rows (backlog) do not belong here.
  void add(std::string_view pool, const WorkerTraits& worker, std::span<const TaskIncrease> more, WallTime now);
  // Closes and judges what has ended, for types of which nothing comes any longer.
  void advance(WallTime now);

  // What holds now, worst first; of one pool, or of all.
  std::vector<TaskDegradation> current(std::string_view pool) const;
  std::vector<TaskDegradation> current() const;
  // What began or no longer holds (its state says which) since the last call, in order; at most kMaxChanges are kept.
  std::vector<TaskDegradation> take_changes();
  static constexpr std::size_t kMaxChanges = 1000;

  const WindowUse& use() const { return use_; }
  std::size_t types() const { return types_.size(); }
  std::uint64_t types_refused() const { return types_refused_; }
  // How often a statement found no place (told_per_pool); one that lasts counts once per block.
  std::uint64_t untold() const { return untold_; }

  // State, one blob per (pool, type), to be saved a few at a time and at stop; docs/formats/degradation-state.md.
  // A restored finder goes on bit-equal.
  using Key = std::pair<std::string, std::string>;  // pool, type
  std::vector<Key> keys() const;
  std::string encode(const Key& key, WallTime as_of) const;  // empty when it is not known
  // Errors: corrupt (damaged, another version, beyond the limits),
  // invalid_argument (older than a week, from the future), too_large (no room). Replaces what is known of its pool and
  // type; after an error nothing is changed.
  Result<Key> restore(std::string_view blob, WallTime now);

 private:
  using Types = std::map<Key, TaskTypeState>;
  // end() = no room. A worker's own 64 types are bounded where its counts are taken in.
  Types::iterator find_type(std::string_view pool, std::string_view type);
  void forget(Types::iterator type);
  void close(const Key& key, TaskTypeState& state, WallTime now);
  void judge(const Key& key, TaskTypeState& state, WallTime now);
  // Held ones that still hold become candidates; the others end.
  void look_at_held(TaskTypeState& state, const TaskJudge& judge, bool errors, WallTime now,
                    std::vector<TaskCandidate>& out);
  void settle(const Key& key, TaskTypeState& state, bool errors, std::vector<TaskCandidate> causes, WallTime now);
  void begin(const Key& key, TaskTypeState& state, const TaskCandidate& cause, WallTime now);
  void end(HeldDegradation& held, DegradationState how, WallTime now);
  void note(const TaskDegradation& told);
  std::size_t held_in(std::string_view pool) const;

  DegradationLimits limits_;
  Types types_;
  std::map<std::string, std::size_t, std::less<>> types_of_pool_;
  std::vector<TaskDegradation> changes_;
  WindowUse use_;
  std::int64_t advanced_ = -1;  // the block in which everything that had ended was closed
  std::uint64_t types_refused_ = 0, untold_ = 0;
};

}  // namespace paramedic
