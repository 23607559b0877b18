#include "core/analysis/task_windows.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

namespace {
constexpr float kForgetPerBlock = 0.997596f;  // 2^(−1/288): half of it is a day of blocks old
constexpr std::int64_t kBlocksPerHour = 12;
constexpr std::uint32_t kGoneBlocks = 288, kIdleBlocks = 12;  // a day; an hour where room is short
constexpr float kHourTasks = 50, kHourTailTasks = 200;        // ten of them above the p95
constexpr std::int64_t kDaysBack = 7;                         // slots are not older

// What one increase is. More than 2^24 tasks in a block are more than a float counts; nobody does so many.
TaskTally tally_of(const TaskIncrease& more) {
  static constexpr double kMost = 1e9;
  const auto bounded = [](double v) { return std::isfinite(v) ? float(std::clamp(v, 0.0, kMost)) : 0.0f; };
  TaskTally out;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) out.counts[i] = bounded(double(more.durations.counts[i]));
  out.finished = bounded(double(more.completed) + double(more.failed));
  out.failed = bounded(double(more.failed));
  out.seconds = bounded(more.durations.sum_seconds);
  return out;
}

void become_usual(TaskTally& usual, const TaskTally& block) {
  if (block.empty()) return;
  usual.scale(kForgetPerBlock);
  usual.add(block);
}
}  // namespace

PackedBlock PackedBlock::pack(const TaskTally& tally) {
  PackedBlock out;
  const float most = *std::max_element(tally.counts.begin(), tally.counts.end());
  while (out.shift < 24 && std::ldexp(most, -out.shift) > 255) ++out.shift;
  for (std::size_t i = 0; i < kDurationBuckets; ++i)
    out.counts[i] = std::uint8_t(std::min(255.0f, std::round(std::ldexp(tally.counts[i], -out.shift))));
  out.finished = tally.finished;
  out.failed = tally.failed;
  out.seconds = tally.seconds;
  return out;
}

void PackedBlock::add_to(TaskTally& out) const {
  const float unit = float(1u << shift);
  for (std::size_t i = 0; i < kDurationBuckets; ++i) out.counts[i] += unit * float(counts[i]);
  out.finished += finished;
  out.failed += failed;
  out.seconds += seconds;
}

std::uint16_t NameTable::find(std::string_view name) const {
  if (name.empty()) return 0;
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? 0 : std::uint16_t(found - names.begin());
}

std::int64_t TaskWindows::block_of(WallTime t) {
  const std::int64_t block = t.time_since_epoch() / kTaskBlock;
  return std::max<std::int64_t>(block, 0);  // no clock before 1970
}

std::size_t TaskWindows::slot_at(std::size_t age) const {
  const std::int64_t block = open_block_ - 1 - std::int64_t(age);
  return std::size_t((block % std::int64_t(kLookBlocks) + std::int64_t(kLookBlocks)) % std::int64_t(kLookBlocks));
}

WallTime TaskWindows::start_of(std::size_t age) const {
  return WallTime{kTaskBlock * (open_block_ - 1 - std::int64_t(age))};
}

void TaskWindows::add(const WorkerTraits& worker, const TaskIncrease& more, WallTime now, const WindowLimits& limits,
                      WindowUse& use) {
  if (open_block_ < 0) {
    open_block_ = first_block_ = block_of(now);
    hour_no_ = open_block_ / kBlocksPerHour;
  }
  const TaskTally tally = tally_of(more);
  if (tally.empty()) return;
  open_.add(tally);
  if (WorkerWindow* window = window_of(worker, limits, use)) window->open.add(tally);
}

WorkerWindow* TaskWindows::window_of(const WorkerTraits& worker, const WindowLimits& limits, WindowUse& use) {
  auto found = workers_.find(worker.id);
  if (found == workers_.end()) {
    if (use.workers >= limits.workers) {
      ++use.refused;
      return nullptr;
    }
    ++use.workers;
    found = workers_.emplace(std::string(worker.id), WorkerWindow{}).first;
  }
  WorkerWindow& window = found->second;
  // Names change rarely: the table is only searched then.
  if (hosts_.names[window.host] != worker.host) window.host = number_of(hosts_, worker.host, limits.hosts, false, use);
  if (versions_.names[window.version] != worker.version)
    window.version = number_of(versions_, worker.version, limits.versions, true, use);
  return &window;
}

std::uint16_t TaskWindows::number_of(NameTable& table, std::string_view name, std::size_t most, bool versions,
                                     WindowUse& use) {
  if (const std::uint16_t known = table.find(name); known || name.empty()) return known;
  if (table.names.size() <= most) {
    table.names.emplace_back(name);
    return std::uint16_t(table.names.size() - 1);
  }
  if (searched_names_) return 0;
  searched_names_ = true;
  std::vector<bool> used(table.names.size());
  for (const auto& [id, window] : workers_) {
    used[versions ? window.version : window.host] = true;
    if (versions)
      for (const PackedBlock& block : window.ring) used[block.version] = true;
  }
  for (std::size_t i = 1; i < used.size(); ++i) {
    if (used[i]) continue;
    table.names[i] = std::string(name);
    ++use.evicted;
    return std::uint16_t(i);
  }
  return 0;
}

bool TaskWindows::due(WallTime now) const {
  if (open_block_ < 0) return false;
  // A clock that went back a little fills the open block until it has caught up; one that went back far begins anew.
  const std::int64_t block = block_of(now);
  return block > open_block_ || block + std::int64_t(kLookBlocks) < open_block_;
}

void TaskWindows::close(WallTime now, bool pool_held, const WindowLimits& limits, WindowUse& use) {
  constexpr auto kRing = std::int64_t(kLookBlocks);
  const std::int64_t target = block_of(now);
  close_one(open_block_, pool_held);
  if (target < open_block_) first_block_ -= open_block_ - target;
  // Blocks in which nothing was heard, as after a pause of the monitor; an hour of them empties the ring.
  const std::int64_t gap = target < open_block_ ? kRing : std::min(kRing, target - open_block_ - 1);
  for (std::int64_t i = gap; i >= 1; --i) close_one(target + kRing - i, pool_held);
  if (target / kBlocksPerHour != hour_no_) end_hour();
  hour_no_ = target / kBlocksPerHour;
  open_block_ = target;
  searched_names_ = false;
  make_room(limits, use);
}

void TaskWindows::close_one(std::int64_t block, bool pool_held) {
  const auto slot = std::size_t(block % std::int64_t(kLookBlocks));
  if (!spoiled_[slot]) become_usual(usual_, ring_[slot]);
  if (!pool_held) hour_.add(open_);
  idle_blocks_ = open_.empty() ? idle_blocks_ + 1 : 0;
  ring_[slot] = open_;
  spoiled_[slot] = pool_held;
  open_ = TaskTally{};
  for (auto& [id, w] : workers_) {
    PackedBlock& place = w.ring[slot];
    if (!place.spoiled && !place.empty()) {
      TaskTally old;
      place.add_to(old);
      become_usual(w.usual, old);
    }
    w.idle_blocks = w.open.empty() ? w.idle_blocks + 1 : 0;
    place = PackedBlock::pack(w.open);
    place.version = w.version;
    place.spoiled = w.held;
    w.open = TaskTally{};
  }
}

void TaskWindows::end_hour() {
  if (hour_.finished >= kHourTasks) {
    HourSlot& slot = slots_[std::size_t(hour_no_) % kHoursPerWeek];
    slot.hour = std::uint32_t(hour_no_);
    slot.tasks = hour_.finished;
    slot.measured = float(hour_.measured());
    slot.p50 = float(hour_.quantile(0.5).value_or(0));
    slot.p95 = float(hour_.quantile(0.95).value_or(0));
    slot.mean = float(hour_.mean().value_or(0));
    slot.error_ratio = float(hour_.error_ratio());
  }
  hour_ = TaskTally{};
}

std::optional<Usual> TaskWindows::pool_usual_now(TaskMeasure what) const {
  const auto all = usual_of(what, usual_);
  if (!all) return all;
  const std::int64_t hour = (open_block_ - 1) / kBlocksPerHour;
  Usual worst{.value = -1, .narrow = all->narrow};
  const auto take = [&](std::int64_t wanted) {
    const HourSlot& slot = slots_[std::size_t(std::max<std::int64_t>(wanted, 0)) % kHoursPerWeek];
    const bool errors = what == TaskMeasure::error_ratio;
    const float needed = what == TaskMeasure::duration_p95 ? kHourTailTasks : kHourTasks;
    if (std::int64_t(slot.hour) != wanted || (errors ? slot.tasks : slot.measured) < needed) return false;
    const float of_durations = what == TaskMeasure::duration_p95 ? slot.p95 : slot.p50;
    worst.value = std::max(worst.value, double(errors ? slot.error_ratio : of_durations));
    worst.mean = std::max(worst.mean, double(slot.mean));
    return true;
  };
  // The newest day of which the hour is known, with both its neighbours: yesterday, unless a change held then.
  for (const std::int64_t beside : {-1, 0, 1})
    for (std::int64_t day = 1; day <= kDaysBack; ++day)
      if (take(hour + beside - 24 * day)) break;
  take(hour - std::int64_t(kHoursPerWeek));
  return worst.value >= 0 ? worst : *all;
}

void TaskWindows::spoil_pool(std::size_t blocks) {
  for (std::size_t age = 0; age < std::min(blocks, kLookBlocks); ++age) spoiled_[slot_at(age)] = true;
  hour_ = TaskTally{};
}

void TaskWindows::accept_pool() {
  TaskTally last;
  for (const TaskTally& block : ring_) last.add(block);
  if (!last.empty()) usual_ = last;
  spoiled_.fill(false);
  slots_.fill(HourSlot{});
  first_block_ = open_block_;
}

void TaskWindows::accept(WorkerWindow& worker) {
  TaskTally last;
  for (PackedBlock& block : worker.ring) {
    block.add_to(last);
    block.spoiled = false;
  }
  if (!last.empty()) worker.usual = last;
}

void TaskWindows::make_room(const WindowLimits& limits, WindowUse& use) {
  // A tenth of the room stays free, so that newcomers find some.
  const bool tight = use.workers > limits.workers - limits.workers / 10;
  for (auto it = workers_.begin(); it != workers_.end();) {
    const std::uint32_t idle = it->second.idle_blocks;
    if (idle < kIdleBlocks || (idle < kGoneBlocks && !tight)) {
      ++it;
      continue;
    }
    use.evicted += idle < kGoneBlocks;
    --use.workers;
    it = workers_.erase(it);
  }
}

void TaskWindows::drop_workers(WindowUse& use) {
  use.workers -= workers_.size();
  workers_.clear();
}

}  // namespace paramedic
