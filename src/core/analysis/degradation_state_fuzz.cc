// Any bytes as the state of a task type: nothing crashes or takes unbounded memory, and what decodes encodes again to
// the same bytes and can be gone on with. The checksum is made right, or nearly nothing would ever be reached.
#include <cstdint>
#include <cstdlib>

#include "base/checksum.h"
#include "core/analysis/degradation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  std::string blob(reinterpret_cast<const char*>(data), size);
  const WallTime now{1'794'960'000s};
  DegradationFinder finder;
  (void)finder.restore(blob, now);
  put_checksum(blob);
  // The time of the state is a part of it: ask at that time, so that it is not too old.
  WallTime as_of = now;
  if (size > 9) {
    std::uint64_t ns = 0;
    for (int i = 0; i < 8; ++i) ns |= std::uint64_t(data[1 + i]) << (8 * i);
    as_of = WallTime{Duration{std::int64_t(ns & ((std::uint64_t{1} << 61) - 1))}};
  }
  const auto key = finder.restore(blob, as_of);
  if (!key) return 0;
  if (finder.encode(*key, as_of) != blob) std::abort();
  TaskIncrease more{.type = key->second, .completed = 30, .failed = 3};
  for (int i = 0; i < 33; ++i) more.durations.observe(0.1 * i);
  for (int block = 0; block < 4; ++block) {
    const WallTime at = as_of + kTaskBlock * block;
    finder.add(key->first, {"w", "h", "1"}, std::span(&more, 1), at);
    finder.advance(at);
  }
  for (const TaskDegradation& d : finder.current()) (void)d.words(as_of);
  return 0;
}
