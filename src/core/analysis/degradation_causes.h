// Who is to blame: of all subjects that changed at about the same time, those that explain the others. Pure.
//
// X is explained by Y when X without what it shares with Y is as usual: a host by one bad worker on it, the pool by a
// bad version in it, a version by the host it runs on. Where two explain each other, they are the same tasks by two
// names: then a version that is new is named, else a host with more than one worker, else the worker.
//   Example: h3 has 8 of its 8 workers slow: h3 without w31 is still slow, w31 without h3 is nobody: h3 explains w31.
//   Example: w31 alone is slow: h3 without w31 is as usual, so w31 explains h3, and the pool as well.
// The pool is named when the others moved, too, or when several groups together do more than half of its tasks; groups
// that stand out beyond it within a quarter of an hour of its change belong to the same event and are not named.
#pragma once
#include <vector>

#include "core/analysis/task_judge.h"

namespace paramedic {

// `changed`: all candidates of one kind (durations, or errors), held ones among them.
std::vector<TaskCandidate> causes_of(const TaskJudge& judge, const TaskWindows& windows,
                                     std::vector<TaskCandidate> changed);

}  // namespace paramedic
