// What one task type of one pool did: blocks of 5 minutes for the last hour, and what was usual before, for the pool
// and for each of its workers. Versions and hosts are sums over workers, made when they are needed. Memory per worker
// is sizeof(WorkerWindow), with its place in the map 0.8 KB, whatever it does; hosts, versions and workers are bounded,
// and who was dropped is counted. A worker that is not kept counts in its pool all the same. Pure; one thread; times
// are wall times, since the state outlives the process and the cycle of the day is one of people.
//
// A block that leaves the hour becomes part of what is usual, which forgets with a half-life of a day of blocks with
// tasks. Blocks in which a change held are spoiled: they never become usual. So what is judged never judges itself.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/analysis/change_point.h"
#include "model/history_row.h"

namespace paramedic {

inline constexpr Duration kTaskBlock = 5min;  // ten history steps; a finer change point is of no use to people
inline constexpr std::int64_t kBlocksPerDay = 288;
inline constexpr std::size_t kHoursPerWeek = 168;

// Views live as long as the call.
struct WorkerTraits {
  std::string_view id, host, version;  // host and version may be empty: not known
};

struct WindowLimits {
  std::size_t workers = 65'536;             // (worker, type) pairs in all: 50 MB
  std::size_t hosts = 1024, versions = 64;  // per pool and type
};

// How many windows there are, over all pools and types, and what did not fit.
struct WindowUse {
  std::size_t workers = 0;
  std::uint64_t refused = 0;  // increases of workers that are not kept; they count in their pool
  std::uint64_t evicted = 0;  // idle workers, hosts and versions that made room
};

// A block in 40 bytes: a count is one byte, all shifted by the same number of bits.
//   Example: 1000 and 3 tasks in two buckets: shift 2, 250 and 1 stand for 1000 and 4.
struct PackedBlock {
  std::array<std::uint8_t, kDurationBuckets> counts{};
  std::uint8_t shift = 0;
  bool spoiled = false;
  std::uint16_t version = 0;  // whose it is
  float finished = 0, failed = 0, seconds = 0;

  static PackedBlock pack(const TaskTally& tally);
  void add_to(TaskTally& out) const;
  bool empty() const { return finished <= 0; }
};

struct WorkerWindow {
  TaskTally usual, open;
  std::array<PackedBlock, kLookBlocks> ring;  // block number b is at b % kLookBlocks
  std::array<float, 3> noise{1, 1, 1};        // its own over an hour, per measure
  std::uint16_t host = 0, version = 0;        // index in the tables below; 0 = none or not kept
  std::uint32_t idle_blocks = 0;
  bool held = false;  // a change holds for it, says who judges: what it does now is spoiled
};

// What an hour of the week was like, for cycles of day and week. hour = number since 1970; 0 = never.
struct HourSlot {
  std::uint32_t hour = 0;
  float tasks = 0, measured = 0, p50 = 0, p95 = 0, mean = 0, error_ratio = 0;
};

// Names by number; 0 stands for "none". A number whose name nobody has any longer is given away again.
struct NameTable {
  std::vector<std::string> names{""};
  std::uint16_t find(std::string_view name) const;  // 0 = not there
};

class TaskWindows {
 public:
  // Whether blocks have ended that are not closed yet.
  bool due(WallTime now) const;
  // REQUIRES: !due(now).
  void add(const WorkerTraits& worker, const TaskIncrease& more, WallTime now, const WindowLimits& limits,
           WindowUse& use);
  // Closes the open block and opens that of `now`; blocks between them are empty. The newest closed one has age 0.
  // `pool_held`: a change holds for anybody in it.
  void close(WallTime now, bool pool_held, const WindowLimits& limits, WindowUse& use);

  using Workers = std::map<std::string, WorkerWindow, std::less<>>;
  const Workers& workers() const { return workers_; }
  Workers& workers() { return workers_; }
  const NameTable& hosts() const { return hosts_; }
  const NameTable& versions() const { return versions_; }
  // `age` 0 = the newest closed block.
  std::size_t slot_at(std::size_t age) const;
  WallTime start_of(std::size_t age) const;
  const TaskTally& pool_block(std::size_t age) const { return ring_[slot_at(age)]; }
  const TaskTally& pool_usual() const { return usual_; }
  // Of the pool at this time of day and week: the worst of the same hour yesterday and a week ago, with the hours
  // beside them; what is usual over all where these are not known.
  std::optional<Usual> pool_usual_now(TaskMeasure what) const;
  std::int64_t blocks_known() const { return open_block_ - first_block_; }
  std::int64_t blocks_idle() const { return idle_blocks_; }
  void spoil_pool(std::size_t blocks);
  // The last hour is what is usual now, and the hours of the week are learned anew.
  void accept_pool();
  static void accept(WorkerWindow& worker);
  void drop_workers(WindowUse& use);

  static std::int64_t block_of(WallTime t);

 private:
  friend struct TaskWindowsCodec;
  void close_one(std::int64_t block, bool pool_held);
  void end_hour();
  void make_room(const WindowLimits& limits, WindowUse& use);
  WorkerWindow* window_of(const WorkerTraits& worker, const WindowLimits& limits, WindowUse& use);
  std::uint16_t number_of(NameTable& table, std::string_view name, std::size_t most, bool versions, WindowUse& use);

  std::int64_t open_block_ = -1, first_block_ = 0, idle_blocks_ = 0;
  TaskTally usual_, open_, hour_;
  std::array<TaskTally, kLookBlocks> ring_;
  std::array<bool, kLookBlocks> spoiled_{};
  std::int64_t hour_no_ = 0;
  std::array<HourSlot, kHoursPerWeek> slots_{};
  NameTable hosts_, versions_;
  Workers workers_;
  bool searched_names_ = false;  // once per block: the search for a free number looks at every worker
};

}  // namespace paramedic
