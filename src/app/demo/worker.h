// The demo's example worker: takes tasks from its pool's queue, works on them, loads a model at start, speaks through
// the worker's voice, and misbehaves when its control file says so (control.h).
//
// Threads: run() is the voice and control loop (beats each second, looks at the control file each 200 ms, drives the
// costly faults); a second thread takes and works. A hang stops both for good: only KILL ends it.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "app/demo/faults.h"
#include "app/demo/voice_out.h"
#include "base/clock.h"

namespace paramedic::demo {

struct WorkerOptions {
  std::string id;
  std::string pool;                  // also the name of its queue
  std::string broker_name = "demo";  // as reports call it
  std::filesystem::path root;        // DemoLayout
  Duration pace = 500ms;             // from one take to the next, so that all workers share the work evenly
  Duration slow_task = 1500ms;       // how long each task takes under `slow`: more than ten times the usual
  Duration beat = 1s;
  Duration model_pace = 1s;
  std::uint64_t memory_limit_mb = 200;
  std::uint64_t disk_quota_mb = 64;
  int cpu = -1;  // pin to this one (modulo those allowed); -1 = not pinned
};

// What the process was told by its operator. Asked from run()'s thread only.
struct WorkerOrders {
  bool stop = false;     // finish the running task, say so, end
  bool drained = false;  // take no new task
};

// Works until told to stop. `orders` is asked at least every 100 ms. `voice` must allow calls from two threads (it
// does). Returns the exit code: 0 after a stop.
int run_worker(const WorkerOptions& options, VoiceOut voice, const std::function<WorkerOrders()>& orders);

// Pins the calling process to one CPU, the `index`-th (modulo) of those it may use.
void pin_to_one_cpu(int index);

}  // namespace paramedic::demo
