#include "io/history/remote_write/position_file.h"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "base/checksum.h"
#include "io/history/remote_write/file_io.h"

namespace paramedic::remote_write {

namespace {

constexpr std::string_view kMagic{"PMRWP\0\0\1", 8};
constexpr std::size_t kSlot = 64;

void put(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) out += char(value >> 8 * i);
}
std::uint64_t get(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | std::uint8_t(bytes[at + std::size_t(i)]);
  return value;
}

struct Slot {
  std::uint64_t count = 0;  // of writes: the higher one is the newer
  StoredPosition position;
};

std::string slot_bytes(const Slot& slot) {
  std::string out(kMagic);
  for (const std::uint64_t value : {slot.count, slot.position.acknowledged.segment, slot.position.acknowledged.offset,
                                    slot.position.in_flight.segment, slot.position.in_flight.offset})
    put(out, value);
  put(out, crc32c(out));
  out.resize(kSlot);
  return out;
}

std::optional<Slot> read_slot(std::string_view bytes) {
  constexpr std::size_t kChecked = 8 + 5 * 8;
  if (bytes.size() < kSlot || !bytes.starts_with(kMagic)) return std::nullopt;
  if (get(bytes, kChecked) != crc32c(bytes.substr(0, kChecked))) return std::nullopt;
  return Slot{get(bytes, 8), {{get(bytes, 16), get(bytes, 24)}, {get(bytes, 32), get(bytes, 40)}}};
}

}  // namespace

PositionFile::~PositionFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<StoredPosition> PositionFile::open(const std::string& path) {
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) return file_error("cannot open " + path, errno);
  const auto bytes = read_at(fd_, 0, 2 * kSlot, path);
  if (!bytes) return bytes.error();
  std::optional<Slot> newest;
  for (const std::size_t at : {std::size_t(0), kSlot}) {
    const auto slot = read_slot(bytes->size() >= at + kSlot ? std::string_view(*bytes).substr(at, kSlot) : "");
    if (slot && (!newest || slot->count > newest->count)) newest = slot;
  }
  if (!newest) return StoredPosition{};
  writes_ = newest->count;
  return newest->position;
}

Result<void> PositionFile::store(const StoredPosition& position) {
  const Slot slot{++writes_, position};
  if (const int why = write_at(fd_, slot_bytes(slot), slot.count % 2 * kSlot))
    return file_error("cannot write " + path_, why);
  return {};
}

Result<void> PositionFile::sync() {
  if (::fdatasync(fd_) != 0) return file_error("cannot sync " + path_, errno);
  return {};
}

}  // namespace paramedic::remote_write
