// SegmentQueue: the durable first-in-first-out queue of one destination of remote write. Records go into files of a
// directory (docs/formats/remote-write-queue.md); what was appended survives kill -9, after sync() also a power cut.
// Any thread; append and sync from one (the writer), read, begin_send and acknowledge from one (the sender).
//
// The directory has a byte limit: beyond it the oldest file goes, read or not, and what it held is counted. A torn tail
// is cut at open; a damaged record or file later on is skipped and counted, never a reason to stop.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/history/remote_write/position_file.h"

namespace paramedic::remote_write {

struct QueueRecord {
  Position end;  // where the next record begins
  std::uint32_t samples = 0;
  std::string payload;
};

struct SegmentQueueOptions {
  std::string dir;                         // created when missing (mode 0700)
  std::uint64_t max_bytes = 512u << 20;    // of all files; at least four segments
  std::uint64_t segment_bytes = 8u << 20;  // a file is closed when it reaches this
  // What must stay free on the disk: the ledger lives there too, and a receiver that is away must not stop it. Below
  // it old files go first, then records are refused.
  std::uint64_t min_free_bytes = 128u << 20;
};

struct SegmentQueueStats {
  std::uint64_t pending_samples = 0;  // appended, not acknowledged
  std::uint64_t bytes = 0, segments = 0;
  std::uint64_t dropped_samples = 0;  // because of max_bytes or min_free_bytes
  std::uint64_t corrupt_samples = 0;  // in damaged records, as far as their number could be read
  std::uint64_t corrupt_bytes = 0;    // damaged or torn, skipped
};

class SegmentQueue {
 public:
  // Errors: io, forbidden, each with path and remedy. REQUIRES: nobody else has the directory open (the monitor's lock
  // on data_dir sees to it).
  static Result<std::unique_ptr<SegmentQueue>> open(SegmentQueueOptions options);
  ~SegmentQueue();
  SegmentQueue(const SegmentQueue&) = delete;
  SegmentQueue& operator=(const SegmentQueue&) = delete;

  // On failure nothing of the record stays behind; try again later. Errors: io (disk full and the like).
  Result<void> append(std::string_view payload, std::uint32_t samples);
  Result<void> sync();

  // The next records after the last acknowledged one: at least one (if there is any), then as many as fit into
  // `max_samples`; never beyond `until`, when given. Reading again gives the same unless acknowledge() or the byte
  // limit moved on. Errors: io; nothing is skipped then.
  Result<std::vector<QueueRecord>> read(std::size_t max_samples, std::optional<Position> until = std::nullopt);
  // A request with all up to `end` is about to go out. Written down, so that a monitor that is killed now sends the
  // same batch again and not a different one that overlaps it.
  void begin_send(Position end);
  // All up to `end` is done with. Durable; whole files before it are removed. On failure the position is at least
  // remembered in memory. Errors: io.
  Result<void> acknowledge(Position end);

  // End of the batch that was under way when the last monitor ended; nothing = none.
  std::optional<Position> unfinished() const;
  SegmentQueueStats stats() const;

 private:
  struct Segment {
    std::uint64_t sequence = 0;
    std::uint64_t size = 0;     // bytes that are good
    std::uint64_t samples = 0;  // in it, not yet acknowledged
  };

  // Bytes at the front of the unread ones that cannot be read.
  struct Damage {
    std::uint64_t bytes = 0, samples = 0;
    Position at;
  };

  explicit SegmentQueue(SegmentQueueOptions options) : options_(std::move(options)) {}
  std::string path(std::uint64_t sequence) const;
  Result<void> load();
  Result<void> load_segment(std::uint64_t sequence, bool last);
  // These with mutex_ held.
  Result<void> open_next_segment();
  Result<void> close_full_segment();
  void remove_front();
  void drop_front();
  void keep_limit();
  Result<void> keep_space();
  Result<std::optional<QueueRecord>> read_one(Position& at);
  void skip_damage();

  const SegmentQueueOptions options_;
  mutable std::mutex mutex_;
  std::deque<Segment> segments_;  // ascending; the last one may be open for writing
  int write_fd_ = -1;             // of segments_.back(); -1 = the next append begins a file
  int read_fd_ = -1;              // of read_sequence_
  std::uint64_t read_sequence_ = 0;
  PositionFile position_;
  std::uint64_t next_sequence_ = 1;
  Position acknowledged_;
  std::optional<Position> unfinished_;
  Damage damage_;                                              // of the latest read_one()
  std::vector<std::pair<Position, std::uint32_t>> last_read_;  // end and samples of each record
  SegmentQueueStats stats_;
};

}  // namespace paramedic::remote_write
