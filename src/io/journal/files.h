// The files of a journal's folder. Internal to io/journal. Any thread; nothing here is atomic over several files.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::journal {

struct SegmentFile {
  std::uint64_t sequence = 0;
  std::string path;
  std::uint64_t bytes = 0;
  WallTime changed{};  // its last write
};
// In the order in which they were written; other files are left out. A folder that is not there holds none. Errors: io,
// forbidden.
Result<std::vector<SegmentFile>> list_segments(const std::string& dir);

// At most `limit` bytes from the front. Errors: io, forbidden, not_found.
Result<std::string> read_front(const std::string& path, std::size_t limit);

// A name in a folder that a power cut took back would be a segment lost silently.
void sync_folder(const std::string& dir);

}  // namespace paramedic::journal
