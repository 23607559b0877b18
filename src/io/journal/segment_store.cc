#include "io/journal/segment_store.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file_io.h"
#include "io/journal/files.h"

namespace paramedic::journal {

namespace {

constexpr std::size_t kFrontBytes = 8192;  // holds every header

StoreOptions sane(StoreOptions options) {
  options.segment_bytes = std::min(options.segment_bytes, std::max<std::uint64_t>(options.max_bytes / 8, 4096));
  return options;
}

}  // namespace

SegmentStore::SegmentStore(StoreOptions options) : options_(sane(std::move(options))) {}

SegmentStore::~SegmentStore() {
  if (fd_ >= 0) ::close(fd_);
}

Error SegmentStore::failed(std::string what, int error_number) const {
  Error error = errno_error(std::move(what), error_number);
  if (error_number == ENOSPC || error_number == EDQUOT) {
    error.code = Errc::unavailable;
    error.message += "; free space or lower history.record_max_bytes";
  } else {
    error.message += "; see to it that this user may read and write there";
  }
  return error;
}

// The segments of earlier runs; they are never written again. One that does not decode still counts towards the cap.
Result<void> SegmentStore::load() {
  if (::mkdir(options_.dir.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("cannot create " + options_.dir, errno);
  const auto files = list_segments(options_.dir);
  if (!files) return files.error();
  std::deque<SegmentInfo> found;
  for (const SegmentFile& file : *files) {
    SegmentInfo info{.file = segment_name(file.sequence), .to = file.changed, .bytes = file.bytes};
    info.header.sequence = file.sequence;
    info.header.at.wall = file.changed;
    std::size_t end = 0;
    if (const auto front = read_front(file.path, kFrontBytes))
      if (auto header = decode_header(*front, end)) info.header = std::move(*header);
    next_sequence_ = std::max(next_sequence_, file.sequence + 1);
    found.push_back(std::move(info));
  }
  loaded_ = true;
  const std::lock_guard lock(mutex_);
  segments_ = std::move(found);
  for (const SegmentInfo& segment : segments_) bytes_ += segment.bytes;
  return {};
}

void SegmentStore::remove_oldest() {
  ::unlink(path(segments_.front().file).c_str());
  const std::lock_guard lock(mutex_);
  bytes_ -= segments_.front().bytes;
  segments_.pop_front();
}

// Keeps the segment that is being written.
Result<void> SegmentStore::make_room(std::uint64_t more) {
  const std::size_t keep = fd_ >= 0 ? 1 : 0;
  while (segments_.size() > keep && bytes() + more > options_.max_bytes) remove_oldest();
  for (;;) {
    struct statvfs disk {};
    // A file system that does not tell is no reason to refuse.
    if (::statvfs(options_.dir.c_str(), &disk) != 0) return {};
    if (std::uint64_t(disk.f_bavail) * disk.f_frsize >= options_.min_free_bytes + more) return {};
    if (segments_.size() <= keep)
      return make_error(Errc::unavailable,
                        fmt::format("less than {} MiB are free on the disk of {}; free space or move data_dir",
                                    options_.min_free_bytes >> 20, options_.dir));
    remove_oldest();
  }
}

Result<void> SegmentStore::begin_segment(SegmentHeader header) {
  if (fd_ >= 0) {
    if (auto done = sync(); !done) return done;
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  header.sequence = next_sequence_;
  SegmentInfo info{.file = segment_name(header.sequence), .to = header.at.wall, .current = true};
  const std::string file = path(info.file), front = encode_header(header);
  if (auto room = make_room(front.size()); !room) return room;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed("cannot create " + file, errno);
  if (const int why = write_at(fd, front, 0)) {
    ::close(fd);
    ::unlink(file.c_str());
    return failed("cannot write " + file, why);
  }
  sync_folder(options_.dir);
  fd_ = fd;
  ++next_sequence_;
  info.bytes = front.size();
  info.header = std::move(header);
  const std::lock_guard lock(mutex_);
  if (!segments_.empty()) segments_.back().current = false;
  bytes_ += info.bytes;
  segments_.push_back(std::move(info));
  return {};
}

Result<void> SegmentStore::append(std::string_view frames, SegmentHeader header, WallTime until) {
  if (!loaded_)
    if (auto done = load(); !done) return done;
  const bool full = fd_ >= 0 && segments_.back().bytes + frames.size() > options_.segment_bytes;
  if (fd_ < 0 || full)
    if (auto begun = begin_segment(std::move(header)); !begun) return begun;
  if (auto room = make_room(frames.size()); !room) return room;
  const std::uint64_t at = segments_.back().bytes;
  if (const int why = write_at(fd_, frames, at)) {
    // What is torn stands beyond `at`: the next append writes over it.
    (void)::ftruncate(fd_, off_t(at));
    return failed("cannot write " + path(segments_.back().file), why);
  }
  unsynced_ = true;
  const std::lock_guard lock(mutex_);
  bytes_ += frames.size();
  segments_.back().bytes += frames.size();
  segments_.back().to = until;
  return {};
}

Result<void> SegmentStore::sync() {
  if (!unsynced_ || fd_ < 0) return {};
  unsynced_ = false;
  if (::fdatasync(fd_) == 0) return {};
  // What the kernel forgot after such an error is not known: what comes next stands in a file of its own.
  const Error error = failed("cannot sync " + path(segments_.back().file), errno);
  ::close(std::exchange(fd_, -1));
  return error;
}

std::vector<SegmentInfo> SegmentStore::segments() const {
  const std::lock_guard lock(mutex_);
  return {segments_.begin(), segments_.end()};
}

std::uint64_t SegmentStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace paramedic::journal
