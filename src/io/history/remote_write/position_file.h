// Where the sender of a queue stands, on disk (docs/formats/remote-write-queue.md, "Position"): two slots that are
// written in turn, so that a torn write leaves the other one. One thread at a time; SegmentQueue's mutex sees to it.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace paramedic::remote_write {

// A place between two records: file and byte.
struct Position {
  std::uint64_t segment = 0, offset = 0;
  auto operator<=>(const Position&) const = default;
};

struct StoredPosition {
  Position acknowledged;  // the receiver has everything before it
  Position in_flight;     // end of the batch under way; segment 0 = none
};

class PositionFile {
 public:
  PositionFile() = default;
  ~PositionFile();
  PositionFile(const PositionFile&) = delete;
  PositionFile& operator=(const PositionFile&) = delete;

  // Creates the file when missing. What cannot be read is the queue's front: everything is sent again. Errors: io,
  // forbidden.
  Result<StoredPosition> open(const std::string& path);
  // Survives kill -9; after sync() also a power cut. Errors: io.
  Result<void> store(const StoredPosition& position);
  Result<void> sync();

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t writes_ = 0;
};

}  // namespace paramedic::remote_write
