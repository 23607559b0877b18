// QueueStore: the demo broker's queues, kept in one append log so that they survive a restart (at least once delivery).
// Not for several threads; owned by the broker's loop. Times are wall times, since they are persisted.
//
// Log `queue.log`, one record a line, each ended by the CRC-32 of what stands before it:
//   "H paramedic-demo-queue 1 NEXT_ID crc"                     first line
//   "P id queue type bytes put_ms attempts crc"                a task waits (again: it replaces the older record of its
//   id) "D id crc"                                                 it is done (acked, or given up after kMaxAttempts)
// A torn or damaged line ends the replay and is cut off. Takes are not logged: what was taken but not acked waits
// again. A write is not synced: a killed process loses nothing, a power cut may repeat or lose the last tasks of the
// demo.
#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/demo/unix_socket.h"
#include "base/clock.h"
#include "base/result.h"

namespace paramedic::demo {

inline constexpr std::size_t kMaxQueues = 8;
inline constexpr std::size_t kMaxWaiting = 10'000;       // per queue, not counting what is taken
inline constexpr std::uint64_t kMaxTaskBytes = 8 << 20;  // of data that a task asks to be worked on
inline constexpr int kMaxAttempts = 3;

struct QueueTask {
  std::uint64_t id = 0;
  std::string queue;
  std::string type;
  std::uint64_t bytes = 0;
  std::int64_t put_ms = 0;  // since the epoch
  int attempts = 0;         // finished by nack so far
};

struct QueueStats {
  std::size_t ready = 0;                             // waiting
  std::size_t unacked = 0;                           // taken and not yet acked
  Duration oldest{};                                 // age of the longest waiting one; 0 when none waits
  std::uint64_t taken = 0, acked = 0, given_up = 0;  // since this start
};

// Names of queues and task types: [a-z0-9_-]{1,32}
bool valid_queue_name(std::string_view name);

class QueueStore {
 public:
  // Reads `dir`/queue.log, or begins one. Errors: io, conflict (another broker holds the folder).
  static Result<std::unique_ptr<QueueStore>> open(const std::filesystem::path& dir);

  // Errors: invalid_argument (names, size), too_many (queue full), io (disk).
  Result<std::uint64_t> put(std::string_view queue, std::string_view type, std::uint64_t bytes, WallTime now);
  // The longest waiting task, held for `owner` until ack, nack or release.
  std::optional<QueueTask> take(std::string_view queue, int owner);
  // Errors: not_found when `owner` does not hold the task.
  Result<void> ack(std::uint64_t id, int owner);
  // Back to the front of its queue, or given up when it failed kMaxAttempts times.
  Result<void> nack(std::uint64_t id, int owner);
  // Everything that `owner` holds waits again: its connection closed.
  void release(int owner);

  QueueStats stats(std::string_view queue, WallTime now) const;
  std::uint64_t log_bytes() const { return log_bytes_; }
  bool degraded() const { return degraded_; }  // a record could not be written since the last good one

 private:
  struct Queue {
    std::deque<QueueTask> waiting;
    QueueStats counts;  // ready and oldest are computed when asked
  };
  struct Held {
    QueueTask task;
    int owner = 0;
  };

  explicit QueueStore(std::filesystem::path dir) : dir_(std::move(dir)) {}
  Result<void> lock();
  Result<void> replay();
  Result<void> rewrite();
  Result<void> append(const std::string& record);
  bool apply(std::string_view line, std::map<std::uint64_t, QueueTask>& tasks);

  // Invariant: a task is in exactly one place: a queue's `waiting` or `held_`.
  std::filesystem::path dir_;
  UniqueFd lock_;
  UniqueFd log_;
  std::uint64_t log_bytes_ = 0;
  std::uint64_t rewritten_bytes_ = 0;  // size right after the latest rewrite
  std::uint64_t next_id_ = 1;
  bool degraded_ = false;
  std::map<std::string, Queue, std::less<>> queues_;
  std::map<std::uint64_t, Held> held_;
};

}  // namespace paramedic::demo
