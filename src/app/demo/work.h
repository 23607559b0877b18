// What a demo worker really does: makes data, digests it (SHA-256), packs it (zlib), writes the result; and loads a
// "model": a file whose digest must be right. Blocking, no shared state: any thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::demo {

// `size` bytes that look like log text; the same seed gives the same bytes.
std::string make_data(std::uint64_t seed, std::size_t size);
// SHA-256 as 64 hex digits.
std::string sha256_hex(std::string_view data);
Result<std::string> pack(std::string_view data);
Result<std::string> unpack(std::string_view packed, std::size_t limit);

struct WorkResult {
  std::string digest;
  std::size_t packed_bytes = 0;
};
// One task: data → digest → packed file `dir`/result-SLOT (SLOT 0…15, so that a worker's disk use is bounded).
Result<WorkResult> do_task(const std::filesystem::path& dir, std::uint64_t id, std::string_view type,
                           std::size_t bytes);

// Model file: "PMDEMO1\n", 64 hex digits of the SHA-256 of the weights, "\n", the weights.
Result<void> write_model(const std::filesystem::path& path, std::size_t bytes, std::uint64_t seed);
struct ModelLoad {
  std::filesystem::path path;
  Duration pace = 1s;   // how long a good load takes at least, as moving weights to a device would
  bool damage = false;  // one bit is flipped on the way: the digest does not match, as with a broken download
};
// Calls `progress` with 0…1 sixteen times. Errors: io, corrupt.
Result<void> load_model(const ModelLoad& load, const std::function<void(double)>& progress);

}  // namespace paramedic::demo
