// Judges one task type of one pool each time a block has been closed: who changed for the worse? Against the own past,
// and for version, host and worker also against the siblings over the same blocks: as the siblings moved, this one may
// move. Every subject is judged by itself here; degradation_causes.h tells who of them is to blame. Pure; lives for one
// look.
#pragma once
#include <functional>
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
  bool held = false;  // stated before
  double size() const;
};

class TaskJudge {
 public:
  // A pool is learned after a day, a type after an hour and so many tasks, a host or worker by its own tasks. Who has
  // no past leans on the pool's as if that were so many tasks of its own.
  static constexpr double kLearnTasks = 100, kOwnTasks = 50, kBorrowed = 20;

  TaskJudge(const TaskWindows& windows, const NoiseTable& noise);

  // All that changed, of durations or of errors.
  std::vector<TaskCandidate> changed(bool errors) const;
  // The newest `blocks` of `sums`, as those of `scope`. nullopt: too little is known.
  std::optional<TaskReading> read(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums,
                                  std::size_t blocks) const;
  // What `whole` did shows in it only through `out`: the rest of it is as usual, or nothing.
  bool is_only(const TaskCandidate& whole, std::span<const TaskSubject> out) const;
  // What the past scatters, of those who are well.
  void learn(NoiseTable& noise, TaskWindows& windows, const std::function<bool(const TaskSubject&)>& held) const;

  // A version that was not there an hour ago.
  bool is_new(const TaskSubject& version) const;
  const TaskSums& sums(const TaskSubject& subject) const;  // REQUIRES: not a worker
  const TaskGroups& groups() const { return groups_; }

 private:
  struct Siblings {
    double usual = 0;
    std::optional<double> now;
  };
  std::optional<Usual> base_of(TaskMeasure what, const TaskTally& own) const;
  Siblings siblings_of(TaskMeasure what, const TaskSums& own, std::size_t age) const;
  bool may_judge(TaskMeasure what, DegradationScope scope, const TaskTally& usual) const;
  std::optional<TaskCandidate> judge(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums, double needed,
                                     float own_noise) const;
  void judge_all(const TaskSubject& subject, const TaskSums& sums, bool errors, std::size_t peers,
                 const std::array<float, 3>& own_noise, std::vector<TaskCandidate>& out) const;
  template <typename Each>
  void each_group(const Each& each) const;

  const TaskWindows& windows_;
  const NoiseTable& noise_;
  TaskGroups groups_;
  TaskTally borrowed_;
  // Of all together, for those who are a small part of it. [measure][age]
  std::array<std::array<std::optional<double>, kLookBlocks>, 3> all_now_;
  std::array<double, 3> all_usual_{};
};

}  // namespace paramedic
