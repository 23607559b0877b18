// The demo's queue server: one process, one thread, a unix stream socket, line protocol, queues on disk (QueueStore).
//
//   put QUEUE TYPE BYTES   → ok ID               (a task: work on BYTES of data)
//   take QUEUE             → task ID TYPE BYTES ATTEMPT | empty
//   ack ID | nack ID       → ok
//   depth QUEUE            → depth READY UNACKED OLDEST_MS TAKEN ACKED GIVEN_UP
//   ping                   → pong
//   anything else          → error TEXT          (the connection stays, unless its line is longer than kMaxLine)
//
// Tasks taken by a connection that closes wait again. It also produces: `tasks_per_second` for each of its queues while
// fewer than `ready_target` wait, so that there is always work to take and never too much.
// Bounds: kMaxConnections, kMaxLine per request, kMaxUnsent per connection, and those of QueueStore.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::demo {

inline constexpr std::size_t kMaxConnections = 1024;
inline constexpr std::size_t kMaxLine = 256;
inline constexpr std::size_t kMaxUnsent = 16 * 1024;

struct BrokerOptions {
  std::filesystem::path dir;     // queue.log
  std::filesystem::path socket;  // where it listens
  struct Produced {
    std::string queue;
    std::vector<std::string> types;  // taken in turn
  };
  std::vector<Produced> produced{{"thumbs", {"resize", "crop"}}, {"hashes", {"digest", "pack"}}};
  double tasks_per_second = 10;   // per queue
  std::size_t ready_target = 40;  // per queue
  std::uint64_t task_bytes = 192 * 1024;
};

// Serves until `stop()` says true (asked at least every 100 ms). Blocks the calling thread; any number may run, on
// different folders. Errors: io, conflict at start; none later (a connection's fault ends that connection).
Result<void> run_broker(const BrokerOptions& options, const std::function<bool()>& stop);

}  // namespace paramedic::demo
