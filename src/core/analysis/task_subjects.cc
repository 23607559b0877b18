#include "core/analysis/task_subjects.h"

#include <algorithm>

namespace paramedic {

bool TaskSubject::has(std::string_view id, const WorkerWindow& window) const {
  switch (scope) {
    case DegradationScope::pool:
      return true;
    case DegradationScope::version:
      return window.version == number;
    case DegradationScope::host:
      return window.host == number;
    case DegradationScope::worker:
      return worker == id;
  }
  return false;
}

bool TaskSubject::has(std::string_view id, const WorkerWindow& window, const PackedBlock& block) const {
  return scope == DegradationScope::version ? block.version == number : has(id, window);
}

std::string name_of(const TaskSubject& subject, const TaskWindows& windows) {
  switch (subject.scope) {
    case DegradationScope::pool:
      break;
    case DegradationScope::version:
      return windows.versions().names[subject.number];
    case DegradationScope::host:
      return windows.hosts().names[subject.number];
    case DegradationScope::worker:
      return subject.worker;
  }
  return "";
}

std::optional<TaskSubject> subject_named(DegradationScope scope, std::string_view name, const TaskWindows& windows) {
  if (scope == DegradationScope::pool) return TaskSubject{};
  if (scope == DegradationScope::worker) {
    if (windows.workers().find(name) == windows.workers().end()) return std::nullopt;
    return TaskSubject{scope, 0, std::string(name)};
  }
  const bool version = scope == DegradationScope::version;
  const std::uint16_t number = (version ? windows.versions() : windows.hosts()).find(name);
  if (number == 0) return std::nullopt;
  return TaskSubject{scope, number, {}};
}

void TaskSums::accumulate() {
  TaskTally sum;
  for (std::size_t age = 0; age < kLookBlocks; ++age) {
    sum.add(blocks[age]);
    newest[age] = sum;
  }
}

const TaskTally& TaskSums::single() const {
  for (const TaskTally& block : blocks)
    if (!block.empty()) return block;
  return blocks[0];
}

TaskSums sums_of(const WorkerWindow& worker, const TaskWindows& windows) {
  TaskSums out;
  out.usual = worker.usual;
  for (std::size_t age = 0; age < kLookBlocks; ++age) {
    const PackedBlock& block = worker.ring[windows.slot_at(age)];
    if (block.version == worker.version) block.add_to(out.blocks[age]);
  }
  out.accumulate();
  out.workers = 1;
  return out;
}

TaskSums sums_of(const TaskSubject& in, std::span<const TaskSubject> out, const TaskWindows& windows) {
  TaskSums sums;
  for (const auto& [id, window] : windows.workers()) {
    const auto left_out = [&, &worker_id = id, &worker = window](const auto&... block) {
      return std::any_of(out.begin(), out.end(),
                         [&](const TaskSubject& s) { return s.has(worker_id, worker, block...); });
    };
    if (in.has(id, window) && !left_out()) sums.usual.add(window.usual);
    bool counts = false;
    for (std::size_t age = 0; age < kLookBlocks; ++age) {
      const PackedBlock& block = window.ring[windows.slot_at(age)];
      if (block.empty() || !in.has(id, window, block) || left_out(block)) continue;
      block.add_to(sums.blocks[age]);
      counts = true;
    }
    sums.workers += counts;
  }
  sums.accumulate();
  return sums;
}

TaskGroups::TaskGroups(const TaskWindows& windows)
    : hosts(windows.hosts().names.size()), versions(windows.versions().names.size()) {
  pool.usual = windows.pool_usual();
  for (std::size_t age = 0; age < kLookBlocks; ++age) pool.blocks[age] = windows.pool_block(age);
  pool.workers = windows.workers().size();
  for (const auto& [id, window] : windows.workers()) {
    all.usual.add(window.usual);
    hosts[window.host].usual.add(window.usual);
    versions[window.version].usual.add(window.usual);
    std::vector<bool> counted(versions.size());
    bool counts = false;
    for (std::size_t age = 0; age < kLookBlocks; ++age) {
      const PackedBlock& packed = window.ring[windows.slot_at(age)];
      if (packed.empty()) continue;
      TaskTally block;
      packed.add_to(block);
      all.blocks[age].add(block);
      hosts[window.host].blocks[age].add(block);
      versions[packed.version].blocks[age].add(block);
      if (!counted[packed.version]) ++versions[packed.version].workers;
      counted[packed.version] = counts = true;
    }
    hosts[window.host].workers += counts;
    all.workers += counts;
  }
  pool.accumulate();
  all.accumulate();
  for (TaskSums& sums : hosts) sums.accumulate();
  for (TaskSums& sums : versions) sums.accumulate();
}

}  // namespace paramedic
