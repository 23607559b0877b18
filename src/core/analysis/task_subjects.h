// Whose tasks: the pool, those of one version, of one host, of one worker; and sums over them. Made anew each time a
// block has been closed, from the windows of the workers, so that any set less another can be asked for. Pure.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/task_windows.h"

namespace paramedic {

struct TaskSubject {
  DegradationScope scope = DegradationScope::pool;
  std::uint16_t number = 0;  // of the host or version
  std::string worker;        // id

  bool operator==(const TaskSubject&) const = default;
  // By what the worker is now, and by what it was in a block.
  bool has(std::string_view id, const WorkerWindow& window) const;
  bool has(std::string_view id, const WorkerWindow& window, const PackedBlock& block) const;
};

std::string name_of(const TaskSubject& subject, const TaskWindows& windows);
// nullopt = nobody has that name (any longer)
std::optional<TaskSubject> subject_named(DegradationScope scope, std::string_view name, const TaskWindows& windows);

struct TaskSums {
  TaskTally usual;
  std::array<TaskTally, kLookBlocks> blocks;   // by age
  std::array<TaskTally, kLookBlocks> newest;   // [i]: of the ages 0…i; made by accumulate()
  std::size_t workers = 0;                     // with tasks in these blocks
  std::array<std::optional<Usual>, 3> past{};  // what `usual` says, per measure; filled by who judges

  void accumulate();
  // The newest block with tasks, alone.
  const TaskTally& single() const;
};

// Of its present version alone: what another one did is no news of this one.
TaskSums sums_of(const WorkerWindow& worker, const TaskWindows& windows);
// Of `in` without those of `out`.
TaskSums sums_of(const TaskSubject& in, std::span<const TaskSubject> out, const TaskWindows& windows);

// Everybody's at once.
struct TaskGroups {
  TaskSums pool;  // as counted, kept workers or not
  TaskSums all;   // of all kept workers
  std::vector<TaskSums> hosts, versions;
  explicit TaskGroups(const TaskWindows& windows);
};

}  // namespace paramedic
