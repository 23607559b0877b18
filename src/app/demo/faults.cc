#include "app/demo/faults.h"

#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "app/demo/unix_socket.h"

namespace paramedic::demo {

namespace {
constexpr std::size_t kMiB = 1 << 20;
}

std::uint64_t resident_mb() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * std::uint64_t(::sysconf(_SC_PAGESIZE)) / kMiB;
}

std::uint64_t folder_bytes(const std::filesystem::path& dir) {
  std::uint64_t total = 0;
  std::error_code failed;
  for (auto at = std::filesystem::recursive_directory_iterator(dir, failed);
       at != std::filesystem::recursive_directory_iterator(); at.increment(failed)) {
    if (failed) break;
    const auto size = at->is_regular_file(failed) ? at->file_size(failed) : 0;
    if (!failed) total += size;
  }
  return total;
}

CostlyFaults::CostlyFaults(FaultLimits limits) : limits_(std::move(limits)) {}

CostlyFaults::~CostlyFaults() { set_busy(false); }

void CostlyFaults::clear_disk() {
  std::error_code ignored;
  std::filesystem::remove(limits_.dir / "fill.bin", ignored);
  filled_ = false;
}

void CostlyFaults::drive(Fault wanted, SteadyTime now) {
  if (wanted == Fault::leak)
    leak(now);
  else if (!blocks_.empty())
    blocks_.clear();
  if (wanted == Fault::disk) {
    if (!filled_) fill_disk();
  } else if (filled_) {
    clear_disk();
  }
  set_busy(wanted == Fault::busy);
}

// 20 MB each second from the first call on, until the whole process reaches its limit; then it holds what it has.
void CostlyFaults::leak(SteadyTime now) {
  if (blocks_.empty()) leak_since_ = now;
  const auto due = std::uint64_t(to_seconds(now - leak_since_) * double(limits_.leak_mb_per_second)) + 1;
  while (blocks_.size() < due && blocks_.size() < limits_.memory_limit_mb && resident_mb() < limits_.memory_limit_mb) {
    blocks_.push_back(std::make_unique<unsigned char[]>(kMiB));
    std::memset(blocks_.back().get(), 0x5a, kMiB);
  }
}

void CostlyFaults::fill_disk() {
  filled_ = true;  // also when it fails half way: it is tried once per order
  const auto wanted = std::uint64_t(double(limits_.disk_quota_mb * kMiB) * limits_.disk_fill_ratio);
  const auto used = folder_bytes(limits_.dir);
  const auto path = limits_.dir / "fill.bin";
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return;
  const std::vector<char> block(kMiB, 'x');
  for (std::uint64_t left = wanted > used ? wanted - used : 0; left > 0;) {
    const ssize_t count = ::write(fd.get(), block.data(), std::min<std::uint64_t>(left, block.size()));
    if (count <= 0) return;
    left -= std::uint64_t(count);
  }
}

void CostlyFaults::set_busy(bool on) {
  if (on == !burners_.empty()) return;
  burning_ = on;
  for (int i = 0; on && i < limits_.busy_threads; ++i)
    burners_.emplace_back([this] {
      volatile std::uint64_t sink = 1;
      while (burning_.load(std::memory_order_relaxed)) sink = sink * 6364136223846793005ULL + 1442695040888963407ULL;
    });
  if (on) return;
  for (auto& t : burners_) t.join();
  burners_.clear();
}

}  // namespace paramedic::demo
