// InputJournal: writes down all that the engine is given, so that `record: full` can be replayed exactly: what it was
// restored with, each step with its Now and how long its oldest input had waited, and every input of it
// (docs/formats/inputs.md). begin(), analysis(), step() and reload() from the engine's thread (the first two before
// that thread exists); they encode and queue, and never wait for the disk. One thread of its own writes. stats() and
// segments() from any.
//
// The queue is bounded: when the disk does not keep up, whole steps are dropped, counted, and a gap in the journal says
// how many and since when. While the disk refuses, what is queued is tried again each second. The monitor goes on
// without its journal whatever happens.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "io/journal/segment_store.h"
#include "model/effects.h"

namespace paramedic::journal {

struct JournalOptions {
  StoreOptions store;
  std::uint64_t queue_bytes = 16u << 20;  // in memory, not on disk yet
  Duration gather = 100ms;                // what `kill -9` may lose; one write takes all that came meanwhile
  Duration sync_every = 5s;               // what a power cut may lose
  Duration retry = 1s;                    // after a failed write
  std::string build_id;
  std::string config_hash;
};

struct JournalStats {
  std::uint64_t records = 0, written_bytes = 0;  // since start
  std::uint64_t dropped_inputs = 0;              // not recorded
  std::uint64_t errors = 0;                      // failed writes
  std::uint64_t size_bytes = 0, queued_bytes = 0;
  bool degraded = false;
  std::string problem;  // while degraded
};

class InputJournal {
 public:
  // Touches no file: the folder is made when the first record is written.
  InputJournal(JournalOptions options, Logger& log);
  ~InputJournal();  // stop()
  InputJournal(const InputJournal&) = delete;
  InputJournal& operator=(const InputJournal&) = delete;

  // Once, before the first step: what Engine::restore is given, with the same `now`.
  void begin(const LedgerState& state, const Now& now);
  // After begin(), before the first step: what Engine::restore_analysis is given. Queued whatever the queue holds.
  void analysis(std::string_view name, std::string_view bytes, const Now& now);
  // What Engine::step is about to be given.
  void step(std::span<const Input> inputs, Duration oldest_wait, const Now& now);
  // Another configuration holds from the next step on.
  void reload(std::string config_hash, const Now& now);
  // Writes what is queued and marks the end of the run; gives up when the disk refuses. Idempotent. REQUIRES: nobody
  // steps any more.
  void stop();

  JournalStats stats() const;
  std::vector<SegmentInfo> segments() const { return store_.segments(); }  // oldest first
  const JournalOptions& options() const { return options_; }

 private:
  // Whole frames that stay together: a step, or what begins or ends a run.
  struct Block {
    std::string frames;  // not sealed
    std::uint64_t records = 0, inputs = 0;
    Now first, last;
    std::optional<std::string> config_hash;  // a new one, in force from this block on
  };
  bool add(Block& block, const Now& now, const RecordBody& body);
  void add_gap(Block& block, const Now& now);
  bool push(Block block, bool always);
  void note_gap(GapReason reason, std::uint64_t inputs, const Now& now);
  void run();
  bool write(Block& block);
  void write_all(std::deque<Block> batch);
  bool wait_for_work(std::deque<Block>& batch);
  void sync_if_due();
  void told(const Result<void>& result);

  const JournalOptions options_;
  Logger& log_;
  SegmentStore store_;
  // The engine's thread only.
  std::optional<GapRecord> gap_;  // since the last block that was queued
  std::optional<SteadyTime> gap_logged_;
  std::size_t last_size_ = 0;  // of a step's frames: growing byte by byte would copy them several times
  // The journal's thread only.
  SegmentHeader header_;  // of the next segment
  Now last_;              // of the latest record
  bool gave_up_ = false;  // stopped while the disk refused: what is written ends before a hole, not behind it
  std::chrono::steady_clock::time_point synced_{};

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<Block> queue_;
  bool stopping_ = false;
  JournalStats stats_;
  std::thread thread_;
};

}  // namespace paramedic::journal
