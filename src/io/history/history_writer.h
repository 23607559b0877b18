// HistoryWriter: the one thread that writes history. push() never blocks: it puts rows into a bounded queue; once a
// second the thread appends and flushes them as one group commit, and once a minute it runs a retention pass. A full
// disk degrades it: rows wait (bounded), the state is logged once, and writing goes on by itself when there is room
// again.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"
#include "io/history/history.h"

namespace paramedic {

struct HistoryWriterOptions {
  Duration flush_every = 1s;
  Duration retain_every = 60s;
  std::size_t max_queued = 200'000;  // rows; beyond it the oldest queued rows are dropped and counted
};

struct HistoryWriterStats {
  std::uint64_t pushed = 0, dropped = 0, queued = 0;
  double last_flush_seconds = 0;
  bool degraded = false;
  std::string problem;  // why, while degraded
};

class HistoryWriter {
 public:
  // All three outlive the writer. Starts the thread.
  HistoryWriter(History& history, const Clock& clock, Logger& log, HistoryWriterOptions options = {});
  ~HistoryWriter();  // stop()
  HistoryWriter(const HistoryWriter&) = delete;
  HistoryWriter& operator=(const HistoryWriter&) = delete;

  void push(std::vector<HistoryRow> rows);           // any thread
  void push_states(std::vector<SavedState> states);  // any thread; of one name the newest is kept
  // Writes what is queued now and returns when it is durable or failed. Any thread; blocks.
  Result<void> sync();
  // Flushes and ends the thread. Idempotent.
  void stop();
  HistoryWriterStats stats() const;  // any thread

 private:
  void run();
  Result<void> write_batch();
  void note(const Result<void>& result);
  bool retain();  // true: more is due at once

  History& history_;
  const Clock& clock_;
  Logger& log_;
  const HistoryWriterOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, written_;
  std::deque<HistoryRow> queue_;
  std::vector<SavedState> states_;
  HistoryWriterStats stats_;
  std::uint64_t sync_wanted_ = 0, sync_done_ = 0;
  std::optional<Error> sync_error_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all above is ready
};

}  // namespace paramedic
