#include "io/sqlite/fault_vfs.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include <sqlite3.h>
#include <unistd.h>

namespace paramedic::sqlite {

namespace {

constexpr std::size_t kSector = 512;
constexpr std::int64_t kShmRegion = 32 * 1024;

// A change that no sync has made durable yet, with what it takes to undo it.
struct Change {
  bool truncate = false;
  std::size_t offset = 0;    // of a truncate: the new size
  std::string bytes{};       // written
  std::string before{};      // what stood there; of a truncate: the tail
  std::size_t old_size = 0;  // of the file
};

// One file, however many connections have it open.
struct Tracked {
  std::vector<Change> unsynced;
  int shm_regions = 0;
};

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xFF51AFD7ED558CCDu;
  x ^= x >> 33;
  x *= 0xC4CEB9FE1A85EC53u;
  return x ^ x >> 33;
}

void put(std::string& file, std::size_t offset, std::string_view bytes) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size(), '\0');
  bytes.copy(file.data() + offset, bytes.size());
}

// The file as the last sync left it.
void undo(std::string& file, const std::vector<Change>& changes) {
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    put(file, change->offset, change->before);
    file.resize(change->old_size, '\0');
  }
}

// Some of the changes again: a disk writes its sectors in any order.
void redo_some(std::string& file, const std::vector<Change>& changes, std::uint64_t seed) {
  for (const Change& change : changes) {
    if (change.truncate) {
      if ((seed = mix(seed + 1)) & 1) file.resize(std::min(file.size(), change.offset));
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::size_t size = std::min(kSector - (change.offset + at) % kSector, change.bytes.size() - at);
      if ((seed = mix(seed + 1)) & 1) put(file, change.offset + at, std::string_view(change.bytes).substr(at, size));
      at += size;
    }
  }
}

}  // namespace

class FaultVfs::Impl {
 public:
  Impl();
  ~Impl();
  enum class Verdict { go_on, fail, half, last };

  void arm(std::optional<FaultPlan> plan, std::optional<std::uint64_t> room) {
    const std::lock_guard lock(mutex_);
    plan_ = plan;
    room_ = room;
    counts_ = {};
    struck_ = false;
  }
  bool struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
  }
  std::uint64_t count(Operation operation) const {
    const std::lock_guard lock(mutex_);
    return counts_[std::size_t(operation)];
  }
  void power_on(Loss loss, std::uint64_t seed);

  // What becomes of an operation that is about to be done.
  Verdict judge(Operation operation);
  // Whether the disk has room for a file to grow by this much.
  bool take_room(std::uint64_t growth);
  void give_room(std::uint64_t bytes);
  Tracked& tracked(const std::string& path) { return files_[path]; }

  mutable std::mutex mutex_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  sqlite3_io_methods methods_{};

 private:
  std::map<std::string, Tracked> files_;  // by path; guarded by mutex_, as all below
  std::optional<FaultPlan> plan_;
  std::optional<std::uint64_t> room_;
  std::array<std::uint64_t, std::size_t(Operation::change) + 1> counts_{};
  bool struck_ = false, power_off_ = false;
};

// REQUIRES: mutex_ held (the two below as well).
FaultVfs::Impl::Verdict FaultVfs::Impl::judge(Operation operation) {
  const std::uint64_t count = ++counts_[std::size_t(operation)];
  const bool changes = operation != Operation::read && operation != Operation::open;
  const std::uint64_t all = changes ? ++counts_[std::size_t(Operation::change)] : 0;
  if (power_off_) return Verdict::fail;
  if (!plan_) return Verdict::go_on;
  if (plan_->operation != operation && !(plan_->operation == Operation::change && changes)) return Verdict::go_on;
  const std::uint64_t at = plan_->operation == Operation::change ? all : count;
  if (at < plan_->nth || (at > plan_->nth && !plan_->lasting)) return Verdict::go_on;
  struck_ = true;
  if (plan_->harm == Harm::half && operation == Operation::write) return Verdict::half;
  if (plan_->harm != Harm::power_off) return Verdict::fail;
  power_off_ = true;
  return operation == Operation::write || operation == Operation::truncate ? Verdict::last : Verdict::fail;
}

bool FaultVfs::Impl::take_room(std::uint64_t growth) {
  if (!room_) return true;
  if (growth > *room_) {
    struck_ = true;
    return false;
  }
  *room_ -= growth;
  return true;
}

void FaultVfs::Impl::give_room(std::uint64_t bytes) {
  if (room_) *room_ += bytes;
}

void FaultVfs::Impl::power_on(Loss loss, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  for (auto& [path, file] : files_) {
    file.shm_regions = 0;
    ::unlink((path + "-shm").c_str());
    if (loss == Loss::nothing || file.unsynced.empty() || ::access(path.c_str(), F_OK) != 0) continue;
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    undo(bytes, file.unsynced);
    if (loss == Loss::torn) redo_some(bytes, file.unsynced, mix(seed + bytes.size()));
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), std::streamsize(bytes.size()));
  }
  files_.clear();
  power_off_ = false;
  plan_.reset();
  room_.reset();
}

// ---- SQLite's side --------------------------------------------------------------------------------------------------

namespace {

using Impl = FaultVfs::Impl;
using Verdict = Impl::Verdict;

// SQLite allocates it, with room for the real file behind.
struct File {
  sqlite3_file base;
  Impl* impl;
  std::string* path;  // null: a temporary file, which is neither counted nor lost
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& self(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
Impl& impl(sqlite3_vfs* vfs) { return *static_cast<Impl*>(vfs->pAppData); }

std::size_t size_of(File& file) {
  sqlite3_int64 size = 0;
  file.real()->pMethods->xFileSize(file.real(), &size);
  return std::size_t(size);
}

std::string content(File& file, std::size_t offset, std::size_t size) {
  std::string out(size, '\0');
  if (size > 0) file.real()->pMethods->xRead(file.real(), out.data(), int(size), sqlite3_int64(offset));
  return out;
}

int close_file(sqlite3_file* raw) {
  File& file = self(raw);
  delete file.path;
  return file.real()->pMethods->xClose(file.real());
}

int read_file(sqlite3_file* raw, void* to, int size, sqlite3_int64 offset) {
  File& file = self(raw);
  if (file.path) {
    const std::lock_guard lock(file.impl->mutex_);
    if (file.impl->judge(Operation::read) != Verdict::go_on) return SQLITE_IOERR_READ;
  }
  return file.real()->pMethods->xRead(file.real(), to, size, offset);
}

int write_file(sqlite3_file* raw, const void* from, int size, sqlite3_int64 offset) {
  File& file = self(raw);
  const auto write = [&](int bytes) { return file.real()->pMethods->xWrite(file.real(), from, bytes, offset); };
  if (!file.path) return write(size);
  const std::lock_guard lock(file.impl->mutex_);
  const Verdict verdict = file.impl->judge(Operation::write);
  if (verdict == Verdict::fail) return SQLITE_IOERR_WRITE;
  if (verdict == Verdict::half) size /= 2;
  const std::size_t old_size = size_of(file), begin = std::size_t(offset), end = begin + std::size_t(size);
  if (end > old_size && !file.impl->take_room(end - old_size)) return SQLITE_FULL;
  const std::size_t overwritten = begin < old_size ? std::min(end, old_size) - begin : 0;
  Change change{.offset = begin,
                .bytes = std::string(static_cast<const char*>(from), std::size_t(size)),
                .before = content(file, begin, overwritten),
                .old_size = old_size};
  file.impl->tracked(*file.path).unsynced.push_back(std::move(change));
  const int done = size > 0 ? write(size) : SQLITE_OK;
  return verdict == Verdict::go_on ? done : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* raw, sqlite3_int64 size) {
  File& file = self(raw);
  if (!file.path) return file.real()->pMethods->xTruncate(file.real(), size);
  const std::lock_guard lock(file.impl->mutex_);
  const Verdict verdict = file.impl->judge(Operation::truncate);
  if (verdict == Verdict::fail) return SQLITE_IOERR_TRUNCATE;
  const std::size_t old_size = size_of(file), new_size = std::size_t(size);
  const std::size_t gone = old_size > new_size ? old_size - new_size : 0;
  Change change{
      .truncate = true, .offset = new_size, .bytes = {}, .before = content(file, new_size, gone), .old_size = old_size};
  file.impl->tracked(*file.path).unsynced.push_back(std::move(change));
  file.impl->give_room(gone);
  const int done = file.real()->pMethods->xTruncate(file.real(), size);
  return verdict == Verdict::go_on ? done : SQLITE_IOERR_TRUNCATE;
}

// Never syncs for real: what would be lost is decided here.
int sync_file(sqlite3_file* raw, int) {
  File& file = self(raw);
  if (!file.path) return SQLITE_OK;
  const std::lock_guard lock(file.impl->mutex_);
  if (file.impl->judge(Operation::sync) != Verdict::go_on) return SQLITE_IOERR_FSYNC;
  file.impl->tracked(*file.path).unsynced.clear();
  return SQLITE_OK;
}

// The index of the write-ahead log lies in a file as well: one that grows meets a full disk.
int map_shm(sqlite3_file* raw, int region, int size, int extend, void volatile** at) {
  File& file = self(raw);
  if (file.path) {
    const std::lock_guard lock(file.impl->mutex_);
    Tracked& tracked = file.impl->tracked(*file.path);
    if (extend && region >= tracked.shm_regions) {
      if (!file.impl->take_room(kShmRegion)) return SQLITE_IOERR_SHMSIZE;
      tracked.shm_regions = region + 1;
    }
  }
  return file.real()->pMethods->xShmMap(file.real(), region, size, extend, at);
}

// What SQLite asks of a file besides goes to the real one.
sqlite3_io_methods file_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;  // no memory mapping: reads would not be seen
  m.xClose = close_file;
  m.xRead = read_file;
  m.xWrite = write_file;
  m.xTruncate = truncate_file;
  m.xSync = sync_file;
  m.xShmMap = map_shm;
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return self(f).real()->pMethods->xFileSize(self(f).real(), size);
  };
  m.xLock = [](sqlite3_file* f, int how) { return self(f).real()->pMethods->xLock(self(f).real(), how); };
  m.xUnlock = [](sqlite3_file* f, int how) { return self(f).real()->pMethods->xUnlock(self(f).real(), how); };
  m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return self(f).real()->pMethods->xCheckReservedLock(self(f).real(), out);
  };
  m.xFileControl = [](sqlite3_file* f, int what, void* with) {
    return self(f).real()->pMethods->xFileControl(self(f).real(), what, with);
  };
  m.xSectorSize = [](sqlite3_file* f) { return self(f).real()->pMethods->xSectorSize(self(f).real()); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return self(f).real()->pMethods->xDeviceCharacteristics(self(f).real());
  };
  m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    return self(f).real()->pMethods->xShmLock(self(f).real(), offset, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* f) { self(f).real()->pMethods->xShmBarrier(self(f).real()); };
  m.xShmUnmap = [](sqlite3_file* f, int remove) { return self(f).real()->pMethods->xShmUnmap(self(f).real(), remove); };
  return m;
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* raw, int flags, int* out_flags) {
  File& file = self(raw);
  file.base.pMethods = nullptr;  // SQLite closes nothing then
  file.impl = &impl(vfs);
  file.path = nullptr;
  if (name) {
    const std::lock_guard lock(file.impl->mutex_);
    if (file.impl->judge(Operation::open) != Verdict::go_on) return SQLITE_CANTOPEN;
  }
  const int done = file.impl->real_->xOpen(file.impl->real_, name, file.real(), flags, out_flags);
  if (done != SQLITE_OK) return done;
  if (name) file.path = new std::string(name);
  file.base.pMethods = &file.impl->methods_;
  return done;
}

int remove_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  Impl& owner = impl(vfs);
  const std::lock_guard lock(owner.mutex_);
  if (owner.judge(Operation::remove) != Verdict::go_on) return SQLITE_IOERR_DELETE;
  std::ifstream file(name, std::ios::binary | std::ios::ate);
  if (file) owner.give_room(std::uint64_t(file.tellg()));
  owner.tracked(name).unsynced.clear();
  return owner.real_->xDelete(owner.real_, name, sync_folder);
}

sqlite3_vfs file_system(sqlite3_vfs& real, Impl* owner) {
  sqlite3_vfs out = real;  // what is not about files goes to the real one as it is
  out.iVersion = 2;
  out.szOsFile = int(sizeof(File)) + real.szOsFile;
  out.pNext = nullptr;
  out.zName = "paramedic-faults";
  out.pAppData = owner;
  out.xOpen = open_file;
  out.xDelete = remove_file;
  out.xAccess = [](sqlite3_vfs* vfs, const char* name, int flags, int* found) {
    return impl(vfs).real_->xAccess(impl(vfs).real_, name, flags, found);
  };
  out.xFullPathname = [](sqlite3_vfs* vfs, const char* name, int size, char* to) {
    return impl(vfs).real_->xFullPathname(impl(vfs).real_, name, size, to);
  };
  return out;
}

}  // namespace

FaultVfs::Impl::Impl() {
  real_ = sqlite3_vfs_find(nullptr);
  assert(real_ && std::strcmp(real_->zName, "paramedic-faults") != 0);
  methods_ = file_methods();
  vfs_ = file_system(*real_, this);
  sqlite3_vfs_register(&vfs_, 1);
}

FaultVfs::Impl::~Impl() {
  sqlite3_vfs_register(real_, 1);
  sqlite3_vfs_unregister(&vfs_);
}

FaultVfs::FaultVfs() : impl_(std::make_unique<Impl>()) {}
FaultVfs::~FaultVfs() = default;
void FaultVfs::arm(const FaultPlan& plan) { impl_->arm(plan, std::nullopt); }
void FaultVfs::fill(std::uint64_t room) { impl_->arm(std::nullopt, room); }
void FaultVfs::heal() { impl_->arm(std::nullopt, std::nullopt); }
bool FaultVfs::struck() const { return impl_->struck(); }
std::uint64_t FaultVfs::count(Operation operation) const { return impl_->count(operation); }
void FaultVfs::power_on(Loss loss, std::uint64_t seed) { impl_->power_on(loss, seed); }

}  // namespace paramedic::sqlite
