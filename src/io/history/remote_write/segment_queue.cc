#include "io/history/remote_write/segment_queue.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/history/remote_write/file_io.h"
#include "io/history/remote_write/record_codec.h"
#include "io/history/remote_write/segment.h"

namespace paramedic::remote_write {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".seg";
constexpr std::uint64_t kMaxSegmentFile = 64u << 20;  // larger ones are not ours

// "00000000000000000007.seg" → 7
std::optional<std::uint64_t> sequence_of(const std::string& name) {
  std::uint64_t value = 0;
  const auto digits = name.size() - std::min(name.size(), kSuffix.size());
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + digits, value);
  if (wrong != std::errc{} || end != name.data() + digits || digits != 20 || !name.ends_with(kSuffix))
    return std::nullopt;
  return value;
}

struct FileCloser {
  ~FileCloser() {
    if (fd >= 0) ::close(fd);
  }
  int fd = -1;
};

}  // namespace

std::string SegmentQueue::path(std::uint64_t sequence) const {
  return fmt::format("{}/{:020}{}", options_.dir, sequence, kSuffix);
}

// ---- open -----------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<SegmentQueue>> SegmentQueue::open(SegmentQueueOptions options) {
  options.segment_bytes = std::min(options.segment_bytes, std::max<std::uint64_t>(options.max_bytes / 4, 4096));
  std::unique_ptr<SegmentQueue> queue(new SegmentQueue(std::move(options)));
  if (const auto loaded = queue->load(); !loaded) return loaded.error();
  return queue;
}

SegmentQueue::~SegmentQueue() {
  for (const int fd : {write_fd_, read_fd_})
    if (fd >= 0) ::close(fd);
}

Result<void> SegmentQueue::load() {
  std::error_code error;
  fs::create_directories(fs::path(options_.dir).parent_path(), error);
  if (::mkdir(options_.dir.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error(fmt::format("cannot create {}", options_.dir), errno);
  const auto stored = position_.open(options_.dir + "/position");
  if (!stored) return stored.error();
  acknowledged_ = stored->acknowledged;
  if (stored->in_flight.segment > 0) unfinished_ = stored->in_flight;
  std::vector<std::uint64_t> sequences;
  fs::directory_iterator files(options_.dir, error);
  if (error) return file_error(fmt::format("cannot list {}", options_.dir), error.value());
  for (const auto& file : files)
    if (const auto sequence = sequence_of(file.path().filename().string())) sequences.push_back(*sequence);
  std::sort(sequences.begin(), sequences.end());
  next_sequence_ = std::max(sequences.empty() ? 0 : sequences.back(), acknowledged_.segment) + 1;
  for (const std::uint64_t sequence : sequences)
    if (const auto loaded = load_segment(sequence, sequence == sequences.back()); !loaded) return loaded;
  if (unfinished_ && *unfinished_ <= acknowledged_) unfinished_.reset();
  return {};
}

// Counts what waits in a file. Only the heads of the records are read, but for the last file, whose tail may be torn:
// there each checksum is looked at, and the tail is cut off.
Result<void> SegmentQueue::load_segment(std::uint64_t sequence, bool last) {
  const std::string file = path(sequence);
  FileCloser opened{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
  if (opened.fd < 0) return file_error("cannot open " + file, errno);
  struct stat info {};
  if (::fstat(opened.fd, &info) != 0) return file_error("cannot read " + file, errno);
  const auto size = std::uint64_t(info.st_size);
  Segment segment{.sequence = sequence};
  if (const auto header = read_at(opened.fd, 0, kSegmentHeader, file); !header)
    return header.error();
  else if (sequence >= acknowledged_.segment && size <= kMaxSegmentFile && valid_segment_header(*header, sequence))
    segment.size = kSegmentHeader;
  const std::uint64_t from = sequence == acknowledged_.segment ? acknowledged_.offset : 0;
  while (segment.size > 0 && segment.size + kRecordHead <= size) {
    const auto head_bytes = read_at(opened.fd, segment.size, kRecordHead, file);
    if (!head_bytes) return head_bytes.error();
    const auto head = head_bytes->size() == kRecordHead ? read_record_head(*head_bytes) : std::nullopt;
    if (!head || segment.size + kRecordHead + head->length > size) break;
    if (last) {
      const auto payload = read_at(opened.fd, segment.size + kRecordHead, head->length, file);
      if (!payload) return payload.error();
      if (!matches(*head, *payload)) break;
    }
    if (segment.size >= from) segment.samples += head->samples;
    segment.size += kRecordHead + head->length;
  }
  if (sequence >= acknowledged_.segment) stats_.corrupt_bytes += size - segment.size;
  if (segment.samples == 0 || segment.size <= from) {
    if (::unlink(file.c_str()) != 0) return file_error("cannot remove " + file, errno);
    return {};
  }
  if (last && segment.size < size && ::ftruncate(opened.fd, off_t(segment.size)) != 0)
    return file_error("cannot cut the torn end off " + file, errno);
  segments_.push_back(segment);
  return {};
}

// ---- writing --------------------------------------------------------------------------------------------------------

Result<void> SegmentQueue::open_next_segment() {
  const std::uint64_t sequence = next_sequence_;
  const std::string file = path(sequence);
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return file_error("cannot create " + file, errno);
  if (const int why = write_at(fd, segment_header(sequence), 0)) {
    ::close(fd);
    ::unlink(file.c_str());
    return file_error("cannot write " + file, why);
  }
  // The name must survive a power cut as well.
  FileCloser dir{::open(options_.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd >= 0) ::fsync(dir.fd);
  ++next_sequence_;
  write_fd_ = fd;
  segments_.push_back({.sequence = sequence, .size = kSegmentHeader});
  return {};
}

// Before the next record, so that a sync that fails here leaves no record half promised.
Result<void> SegmentQueue::close_full_segment() {
  if (write_fd_ < 0 || segments_.back().size < options_.segment_bytes) return {};
  if (::fdatasync(write_fd_) != 0) return file_error("cannot sync " + path(segments_.back().sequence), errno);
  ::close(std::exchange(write_fd_, -1));
  return {};
}

Result<void> SegmentQueue::append(std::string_view payload, std::uint32_t samples) {
  if (payload.empty() || payload.size() > kMaxRecordBytes)
    return Error{Errc::invalid_argument, fmt::format("a record of {} bytes cannot be queued", payload.size())};
  const std::lock_guard lock(mutex_);
  if (const auto room = keep_space(); !room) return room;
  if (const auto closed = close_full_segment(); !closed) return closed;
  if (write_fd_ < 0)
    if (const auto opened = open_next_segment(); !opened) return opened;
  Segment& segment = segments_.back();
  std::string bytes = record_head(payload, samples);
  bytes += payload;
  if (const int why = write_at(write_fd_, bytes, segment.size)) {
    // What is torn stands beyond `size`: nobody reads it, and the next append writes over it.
    (void)::ftruncate(write_fd_, off_t(segment.size));
    return file_error("cannot write " + path(segment.sequence), why);
  }
  segment.size += bytes.size();
  segment.samples += samples;
  keep_limit();
  return {};
}

Result<void> SegmentQueue::sync() {
  int fd = -1;
  std::string file;
  {
    const std::lock_guard lock(mutex_);
    if (write_fd_ < 0) return {};
    fd = write_fd_;  // stays open: only this thread's append() closes it
    file = path(segments_.back().sequence);
  }
  if (::fdatasync(fd) != 0) return file_error("cannot sync " + file, errno);
  return {};
}

void SegmentQueue::remove_front() {
  const Segment& front = segments_.front();
  ::unlink(path(front.sequence).c_str());
  if (read_sequence_ == front.sequence && read_fd_ >= 0) ::close(std::exchange(read_fd_, -1));
  segments_.pop_front();
}

// With all that was not sent of it. REQUIRES: it is not the one that is being written.
void SegmentQueue::drop_front() {
  stats_.dropped_samples += segments_.front().samples;
  const std::uint64_t sequence = segments_.front().sequence;
  remove_front();
  acknowledged_ = std::max(acknowledged_, Position{sequence + 1, 0});
}

void SegmentQueue::keep_limit() {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments_) bytes += segment.size;
  while (bytes > options_.max_bytes && segments_.size() > 1) {
    bytes -= segments_.front().size;
    drop_front();
  }
}

Result<void> SegmentQueue::keep_space() {
  while (true) {
    struct statvfs disk {};
    // A file system that does not tell is no reason to refuse.
    if (::statvfs(options_.dir.c_str(), &disk) != 0) return {};
    if (std::uint64_t(disk.f_bavail) * disk.f_frsize >= options_.min_free_bytes) return {};
    if (segments_.size() <= 1)
      return Error{Errc::io, fmt::format("less than {} MiB are free on the disk of {}; free space or move data_dir",
                                         options_.min_free_bytes >> 20, options_.dir)};
    drop_front();
  }
}

// ---- reading --------------------------------------------------------------------------------------------------------

// A record at `at`, which is moved to where it stands if a file ends there; nothing at the end of the queue or where
// it is damaged (then damage_ says how much to skip).
Result<std::optional<QueueRecord>> SegmentQueue::read_one(Position& at) {
  damage_ = {};
  auto segment =
      std::find_if(segments_.begin(), segments_.end(), [&](const Segment& s) { return s.sequence >= at.segment; });
  while (segment != segments_.end() && segment->sequence == at.segment && at.offset >= segment->size) ++segment;
  if (segment == segments_.end()) return std::optional<QueueRecord>();
  if (segment->sequence != at.segment) at = {segment->sequence, kSegmentHeader};
  at.offset = std::max<std::uint64_t>(at.offset, kSegmentHeader);
  const std::string file = path(at.segment);
  if (read_fd_ < 0 || read_sequence_ != at.segment) {
    if (read_fd_ >= 0) ::close(std::exchange(read_fd_, -1));
    read_fd_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (read_fd_ < 0) return file_error("cannot open " + file, errno);
    read_sequence_ = at.segment;
  }
  const auto head_bytes = read_at(read_fd_, at.offset, kRecordHead, file);
  if (!head_bytes) return head_bytes.error();
  const auto head = head_bytes->size() == kRecordHead ? read_record_head(*head_bytes) : std::nullopt;
  const std::uint64_t left = segment->size - at.offset;
  if (!head || kRecordHead + head->length > left) {
    // No way to find the next record: the rest of the file is lost.
    damage_ = {left, segment->samples, at};
    return std::optional<QueueRecord>();
  }
  auto payload = read_at(read_fd_, at.offset + kRecordHead, head->length, file);
  if (!payload) return payload.error();
  const Position end{at.segment, at.offset + kRecordHead + head->length};
  if (!matches(*head, *payload)) {
    damage_ = {kRecordHead + head->length, std::min<std::uint64_t>(head->samples, segment->samples), at};
    return std::optional<QueueRecord>();
  }
  return std::optional<QueueRecord>(QueueRecord{end, head->samples, std::move(*payload)});
}

void SegmentQueue::skip_damage() {
  stats_.corrupt_bytes += damage_.bytes;
  stats_.corrupt_samples += damage_.samples;
  for (Segment& segment : segments_)
    if (segment.sequence == damage_.at.segment) segment.samples -= std::min(segment.samples, damage_.samples);
  acknowledged_ = {damage_.at.segment, damage_.at.offset + damage_.bytes};
}

Result<std::vector<QueueRecord>> SegmentQueue::read(std::size_t max_samples, std::optional<Position> until) {
  const std::lock_guard lock(mutex_);
  std::vector<QueueRecord> out;
  std::size_t samples = 0;
  for (Position at = acknowledged_; !until || at < *until;) {
    auto record = read_one(at);
    if (!record) return record.error();
    if (!*record) {
      // Damage behind good records waits until these are done with: only then may the position pass it.
      if (damage_.bytes == 0 || !out.empty()) break;
      skip_damage();
      at = acknowledged_;
      continue;
    }
    if (until && (*record)->end > *until) break;
    if (!out.empty() && samples + (*record)->samples > max_samples) break;
    samples += (*record)->samples;
    at = (*record)->end;
    out.push_back(std::move(**record));
  }
  last_read_.clear();
  for (const QueueRecord& record : out) last_read_.emplace_back(record.end, record.samples);
  return out;
}

// ---- position -------------------------------------------------------------------------------------------------------

void SegmentQueue::begin_send(Position end) {
  const std::lock_guard lock(mutex_);
  (void)position_.store(
      {acknowledged_, end});  // only an optimisation: without it a killed monitor may cut its batches anew
}

Result<void> SegmentQueue::acknowledge(Position end) {
  Result<void> stored;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record_end, samples] : last_read_) {
      if (record_end > end || record_end <= acknowledged_) continue;
      for (Segment& segment : segments_)
        if (segment.sequence == record_end.segment)
          segment.samples -= std::min<std::uint64_t>(segment.samples, samples);
    }
    acknowledged_ = std::max(acknowledged_, end);
    unfinished_.reset();
    stored = position_.store({acknowledged_, {}});
  }
  if (stored) stored = position_.sync();  // only this thread writes it: no need to hold up the writer
  if (!stored) return stored;
  const std::lock_guard lock(mutex_);
  while (segments_.size() > 1 && segments_.front().sequence < acknowledged_.segment) remove_front();
  return {};
}

std::optional<Position> SegmentQueue::unfinished() const {
  const std::lock_guard lock(mutex_);
  return unfinished_;
}

SegmentQueueStats SegmentQueue::stats() const {
  const std::lock_guard lock(mutex_);
  SegmentQueueStats out = stats_;
  out.segments = segments_.size();
  for (const Segment& segment : segments_) {
    out.pending_samples += segment.samples;
    out.bytes += segment.size;
  }
  return out;
}

}  // namespace paramedic::remote_write
