// SegmentStore: the segments of a journal on disk, as its writer sees them: appends to the newest, begins the next when
// it is full, removes the oldest beyond a byte cap or when the disk gets tight. Blocking; one thread, the journal's.
// segments() from any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/journal/segment.h"

namespace paramedic::journal {

struct SegmentInfo {
  std::string file;  // its name in the folder
  SegmentHeader header;
  WallTime to{};  // of its last record; of older runs the file's last write
  std::uint64_t bytes = 0;
  bool current = false;  // still being written
};

struct StoreOptions {
  std::string dir;                            // created when missing (mode 0700)
  std::uint64_t max_bytes = 1u << 30;         // of all segments; one is always kept
  std::uint64_t segment_bytes = 16u << 20;    // a segment ends when it would grow beyond this; less with a small cap
  std::uint64_t min_free_bytes = 256u << 20;  // what stays free on the disk: ledger and history live there too
};

class SegmentStore {
 public:
  explicit SegmentStore(StoreOptions options);
  ~SegmentStore();
  SegmentStore(const SegmentStore&) = delete;
  SegmentStore& operator=(const SegmentStore&) = delete;

  // Appends whole sealed frames; they are never split over two segments. `header` is used when a segment begins here:
  // its sequence is given by the store. On failure nothing of the frames counts; try again later. Errors: io,
  // forbidden, unavailable (disk full or nearly).
  Result<void> append(std::string_view frames, SegmentHeader header, WallTime until);
  // What was appended survives a power cut when it returns. On failure the next append begins another segment.
  Result<void> sync();
  bool unsynced() const { return unsynced_; }

  std::vector<SegmentInfo> segments() const;
  std::uint64_t bytes() const;

 private:
  Result<void> load();
  Result<void> begin_segment(SegmentHeader header);
  Result<void> make_room(std::uint64_t bytes);
  void remove_oldest();
  Error failed(std::string what, int error_number) const;
  std::string path(const std::string& file) const { return options_.dir + "/" + file; }

  const StoreOptions options_;
  bool loaded_ = false, unsynced_ = false;
  int fd_ = -1;  // of segments_.back()
  std::uint64_t next_sequence_ = 1;
  mutable std::mutex mutex_;          // guards the two below, which one thread changes
  std::deque<SegmentInfo> segments_;  // ascending
  std::uint64_t bytes_ = 0;           // of all segments
};

}  // namespace paramedic::journal
