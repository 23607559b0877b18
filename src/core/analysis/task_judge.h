// Judges one task type of one pool each time a block has been closed: who changed for the worse? Against the own past,
// and for version, host and worker also against the siblings over the same blocks: as the siblings moved, this one may
// move. Every subject is judged by itself here; degradation_causes.h tells who of them is to blame. Pure; lives for one
// look.
#pragma once
#include <vector>

#include "core/analysis/task_subjects.h"

namespace paramedic {

// [scope][measure]
using NoiseTable = std::array<std::array<Noise, 3>, 4>;

// What one subject does in its newest blocks, and what would be usual for it.
struct TaskReading {
  double base = 0;  // its own past (or the pool's, where it has none)
  Usual usual;      // … moved as its siblings moved, or of this time of day
  double after = 0, tasks = 0;
  std::optional<double> siblings;
};

struct TaskCandidate {
  TaskSubject subject;
  TaskMeasure what = TaskMeasure::duration_p50;  // that is told
  std::size_t blocks = 0;                        // the newest so many are after the change
  double evidence = 0;
  TaskReading reading;
  // The measure that had the most evidence: what is compared with others.
  TaskMeasure tested = TaskMeasure::duration_p50;
  TaskReading tested_reading;
  bool held = false;  // stated before
  double size() const;
};

double size_of(TaskMeasure what, const TaskReading& reading);

class TaskJudge {
 public:
  // A pool is learned after a day, a type after two hours and so many tasks, a host or worker by its own tasks. Who has
  // no past leans on the pool's as if that were so many tasks of its own.
  static constexpr std::int64_t kLearnBlocks = 24;
  static constexpr double kLearnTasks = 100, kOwnTasks = 50, kBorrowed = 20;

  // Evidence of durations [0] and of errors [1] may reach back over so many blocks: what came before the last end of a
  // statement was told already.
  TaskJudge(const TaskWindows& windows, const NoiseTable& noise, std::array<std::size_t, 2> fresh);

  // One pass over everybody: all that changed, and how much those scatter who are not held.
  struct Look {
    std::vector<TaskCandidate> durations, errors;
    NoiseTable noise;  // as it is after this block; the workers' own is already theirs
  };
  Look look(TaskWindows& windows, std::span<const TaskSubject> held) const;
  TaskSums known(TaskSums sums) const;  // with its past
  // The newest `blocks` of `sums`, whose past is known. nullopt: too little is.
  std::optional<TaskReading> read(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums,
                                  std::size_t blocks) const;

  // What `whole` did shows in it only through `out`: the rest of it is as usual, or moved by less than half as much.
  // Who was stated stays so while it can.
  bool is_only(const TaskCandidate& whole, std::span<const TaskCandidate> out) const;
  // The rest of it moved, too, or has too few tasks to know.
  bool may_be_shared(const TaskCandidate& whole, const TaskSubject& out) const;
  // Some version, host or worker moved more than twice as much as the rest of the pool: it might be all there is.
  bool one_might_be_all(const TaskCandidate& pool) const;
  // A version that was not there an hour ago.
  bool is_new(const TaskSubject& version) const;
  const TaskSums& sums(const TaskSubject& subject) const;  // REQUIRES: not a worker
  const TaskGroups& groups() const { return groups_; }

 private:
  struct Siblings {
    Usual usual;
    std::optional<Usual> now;
  };
  // What a part of `whole` did over the same blocks, by what was tested. nullopt = too few tasks.
  std::optional<TaskReading> part_of(const TaskCandidate& whole, const TaskSums& part) const;
  std::optional<Usual> base_of(TaskMeasure what, const TaskTally& own) const;
  Siblings siblings_of(TaskMeasure what, const TaskSums& own, std::size_t age) const;
  bool may_judge(TaskMeasure what, DegradationScope scope, const TaskTally& usual) const;
  std::optional<TaskCandidate> judge(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums, double needed,
                                     float own_noise) const;
  void judge_all(const TaskSubject& subject, const TaskSums& sums, std::size_t peers,
                 const std::array<float, 3>& own_noise, Look& out) const;
  struct Scatter;
  void add_scatter(const TaskSubject& subject, const TaskSums& sums, Scatter& scatter,
                   std::array<float, 3>* own_noise) const;

  const TaskWindows& windows_;
  const NoiseTable& noise_;
  const std::array<std::size_t, 2> fresh_;
  TaskGroups groups_;
  TaskTally borrowed_;
  // Of all together, for those who are a small part of it. [measure][age]
  std::array<std::array<std::optional<Usual>, kLookBlocks>, 3> all_now_;
  std::array<Usual, 3> all_usual_{};
};

}  // namespace paramedic
