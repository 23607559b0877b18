// The faults that cost something: memory, a core, disk space. Owned and driven by one thread of the demo worker.
#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "app/demo/control.h"
#include "base/clock.h"

namespace paramedic::demo {

struct FaultLimits {
  std::filesystem::path dir;            // what the disk quota counts
  std::uint64_t memory_limit_mb = 200;  // leak stops here (resident size of the whole process)
  std::uint64_t leak_mb_per_second = 20;
  std::uint64_t disk_quota_mb = 64;
  double disk_fill_ratio = 0.97;
  int busy_threads = 4;  // on one core: enough to win it from the neighbours that share it
};

class CostlyFaults {
 public:
  explicit CostlyFaults(FaultLimits limits);
  ~CostlyFaults();  // gives everything back

  // What the previous life of this worker left behind.
  void clear_disk();
  // Call every ~100 ms with the fault that is wanted now; one that is no longer wanted is undone.
  void drive(Fault wanted, SteadyTime now);

  std::uint64_t leaked_mb() const { return blocks_.size(); }

 private:
  void leak(SteadyTime now);
  void fill_disk();
  void set_busy(bool on);

  FaultLimits limits_;
  std::vector<std::unique_ptr<unsigned char[]>> blocks_;  // 1 MiB each, every page touched
  SteadyTime leak_since_{};
  std::uint64_t leak_begin_ = 0;  // blocks when the leak began
  std::vector<std::thread> burners_;
  std::atomic<bool> burning_{false};
  bool filled_ = false;
};

// Resident size of this process in MiB; 0 when /proc does not tell.
std::uint64_t resident_mb();
// Bytes of all regular files below `dir`.
std::uint64_t folder_bytes(const std::filesystem::path& dir);

}  // namespace paramedic::demo
