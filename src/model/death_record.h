// The end of a life against its will, and the tasks in its hands as it told them last. What poison tasks are found by;
// kept in the ledger. Plain values.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"

namespace paramedic {

struct DeathTask {
  std::string id, type, args_digest;
  Duration ran{};  // until the death
  int living = 0;  // of DeathRecord::living: those that had the same task in flight at that time
};

struct DeathRecord {
  static constexpr std::size_t kMaxTasks = 64;
  std::string worker_id, pool, host, incarnation;
  std::string how;       // "signal 9, out of memory"; of a stop: "stopped: hung task"
  bool stopped = false;  // a ladder ended it because it was ill
  WallTime at{};
  Duration told_ago{};           // how old its last word of its tasks was
  int living = 0;                // living workers of its pool that tell their tasks
  std::vector<DeathTask> tasks;  // with a digest, one per (type, digest); at most kMaxTasks, the longest running first
};

}  // namespace paramedic
