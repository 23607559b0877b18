#include "io/ledger/spool.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/file_io.h"

namespace paramedic {

namespace {

constexpr std::string_view kMagic = "PMSPOOL1";
constexpr std::size_t kHead = 8;  // of a record: size and checksum
constexpr std::uint64_t kMaxRecord = 256u << 20;

void put32(char* at, std::uint32_t number) {
  for (int i = 0; i < 4; ++i) at[i] = char(number >> (8 * i));
}
std::uint32_t get32(const char* at) {
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i) out |= std::uint32_t(static_cast<unsigned char>(at[i])) << (8 * i);
  return out;
}
// Over size and payload, so that a damaged size is noticed too.
std::uint32_t checksum(const char* size, std::string_view payload) { return crc32c({size, 4}, payload); }

bool read_at(int fd, char* into, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t count = ::pread(fd, into, size, off_t(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into += count;
    size -= std::size_t(count);
    offset += std::uint64_t(count);
  }
  return true;
}

// So that a file that was just made is found after a power loss.
bool sync_folder(const std::string& file) {
  const auto slash = file.rfind('/');
  const std::string folder = slash == file.npos ? "." : file.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::fsync(fd) == 0;
  ::close(fd);
  return done;
}

}  // namespace

std::optional<SpoolRecord> read_spool_record(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < kHead) return std::nullopt;
  const char* head = bytes.data() + offset;
  const std::uint64_t size = get32(head);
  if (size > kMaxRecord || size > bytes.size() - offset - kHead) return std::nullopt;
  const std::string_view payload = bytes.substr(offset + kHead, size);
  if (checksum(head, payload) != get32(head + 4)) return std::nullopt;
  return SpoolRecord{offset, offset + kHead + size, payload};
}

Result<std::unique_ptr<Spool>> Spool::open(const SpoolOptions& options) {
  const int fd = ::open(options.file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error("cannot open " + options.file, errno);
  std::unique_ptr<Spool> spool(new Spool(options, fd));
  if (auto done = spool->recover(); !done) return done.error();
  return spool;
}

Spool::~Spool() { ::close(fd_); }

Error Spool::failed(std::string_view what) const {
  Error error = errno_error(fmt::format("{} {}", what, options_.file), errno);
  if (errno == ENOSPC || errno == EDQUOT) {
    error.code = Errc::unavailable;
    error.message += "; free some space on this file system";
  }
  return error;
}

Result<void> Spool::recover() {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return failed("cannot look at");
  std::string bytes(std::size_t(info.st_size), '\0');
  if (!read_at(fd_, bytes.data(), bytes.size(), 0)) return failed("cannot read");
  // A file that was being made when the power went holds a part of the magic, or zeros.
  if (bytes.size() < kMagic.size() || bytes.find_first_not_of('\0') == bytes.npos) {
    if (::ftruncate(fd_, 0) != 0 || write_at(fd_, kMagic, 0) != 0 || ::fsync(fd_) != 0 || !sync_folder(options_.file))
      return failed("cannot write");
    bytes = kMagic;
  }
  if (!bytes.starts_with(kMagic))
    return make_error(bytes.starts_with(kMagic.substr(0, 7)) ? Errc::invalid_argument : Errc::corrupt,
                      fmt::format("{}: not a spool of this version; move it away", options_.file));
  first_ = end_ = kMagic.size();
  while (const auto record = read_spool_record(bytes, end_)) {
    end_ = record->next;
    ++waiting_;
  }
  if (end_ < bytes.size())
    if (auto moved = move_damage(std::string_view(bytes).substr(end_)); !moved) return moved;
  bytes_ = end_;
  reserve();
  return {};
}

// A torn tail is the start of one record that was never acknowledged; anything else is kept for a person to look at.
Result<void> Spool::move_damage(std::string_view rest) {
  const bool torn =
      rest.size() < kHead || get32(rest.data()) > rest.size() - kHead || rest.find_first_not_of('\0') == rest.npos;
  if (!torn) {
    const std::string aside = options_.file + ".damaged";
    const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno_error("cannot open " + aside, errno);
    const bool done = write_at(fd, rest, 0) == 0 && ::fsync(fd) == 0;
    ::close(fd);
    if (!done) return errno_error("cannot write " + aside, errno);
    repaired_ = fmt::format("{} damaged bytes were moved to {}", rest.size(), aside);
  } else {
    repaired_ = fmt::format("a torn record of {} bytes was cut off", rest.size());
  }
  if (::ftruncate(fd_, off_t(end_)) != 0 || ::fsync(fd_) != 0) return failed("cannot repair");
  return {};
}

void Spool::reserve() {
  // Best effort: some file systems cannot.
  if (options_.reserve_bytes > 0)
    (void)::fallocate(fd_, FALLOC_FL_KEEP_SIZE, off_t(end_), off_t(options_.reserve_bytes));
}

Result<void> Spool::append(std::string_view payload) {
  const std::uint64_t next = end_ + kHead + payload.size();
  if (payload.size() > kMaxRecord || next > options_.max_bytes)
    return make_error(Errc::too_large, fmt::format("{} is full ({} bytes)", options_.file, end_));
  std::string record(kHead, '\0');
  put32(record.data(), std::uint32_t(payload.size()));
  put32(record.data() + 4, checksum(record.data(), payload));
  record += payload;
  if (write_at(fd_, record, end_) != 0 || ::fdatasync(fd_) != 0) {
    const Error error = failed("cannot write");
    // Else the remains would be taken for a torn tail at the next start, which is right as well.
    (void)!::ftruncate(fd_, off_t(end_));
    return error;
  }
  end_ = next;
  bytes_ = end_;
  ++waiting_;
  return {};
}

Result<std::optional<std::string>> Spool::front() {
  if (empty()) return std::optional<std::string>();
  std::string head(kHead, '\0');
  if (!read_at(fd_, head.data(), kHead, first_)) return failed("cannot read");
  std::string record(kHead + get32(head.data()), '\0');
  if (record.size() > end_ - first_ || !read_at(fd_, record.data(), record.size(), first_))
    return failed("cannot read");
  const auto found = read_spool_record(record, 0);
  if (!found) return make_error(Errc::corrupt, fmt::format("{}: a record changed on disk", options_.file));
  return std::optional<std::string>(found->payload);
}

Result<void> Spool::pop() {
  if (empty()) return {};
  std::string head(kHead, '\0');
  if (!read_at(fd_, head.data(), kHead, first_)) return failed("cannot read");
  first_ += kHead + get32(head.data());
  if (--waiting_ > 0) return {};
  first_ = end_ = kMagic.size();
  bytes_ = end_;
  if (::ftruncate(fd_, off_t(end_)) != 0 || ::fdatasync(fd_) != 0) return failed("cannot shorten");
  reserve();
  return {};
}

}  // namespace paramedic
