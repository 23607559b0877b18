// Spool: a bounded file of records that wait for the shared store, oldest first. What append() acknowledged survives
// kill -9 and power loss. Format: docs/formats/ledger-spool.md.
// One thread at a time (the owner's mutex); waiting() and bytes() from any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paramedic {

struct SpoolOptions {
  std::string file;
  std::uint64_t max_bytes = 64u << 20;
  // Disk space kept allocated behind the end, so that decisions still find room on a full disk. As far as the file
  // system can do that.
  std::uint64_t reserve_bytes = 4u << 20;
};

struct SpoolRecord {
  std::uint64_t offset = 0, next = 0;  // in the file
  std::string_view payload;
};
// The record at `offset` of a spool's bytes; nothing when it is torn or damaged. Pure; the file is not trusted.
std::optional<SpoolRecord> read_spool_record(std::string_view bytes, std::uint64_t offset);

class Spool {
 public:
  // Creates the file when missing. A torn tail is cut off; what follows a damaged record is moved to FILE.damaged and
  // told by `repaired()`. Errors: io, forbidden, corrupt (not a spool), invalid_argument (of a newer version).
  static Result<std::unique_ptr<Spool>> open(const SpoolOptions& options);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // On disk when it returns. Errors: too_large (the spool is full), unavailable (the disk is full), io; nothing of the
  // record stays then.
  Result<void> append(std::string_view payload);
  // The oldest record; nothing when empty. Error: io.
  Result<std::optional<std::string>> front();
  // Drops the oldest. Only when the last is gone the file shrinks: after a crash in between, records come again, so
  // taking one must be idempotent.
  Result<void> pop();

  bool empty() const { return waiting_ == 0; }
  std::uint64_t waiting() const { return waiting_; }  // records
  std::uint64_t bytes() const { return bytes_; }      // of the file
  const std::string& repaired() const { return repaired_; }

 private:
  Spool(SpoolOptions options, int fd) : options_(std::move(options)), fd_(fd) {}
  Result<void> recover();
  Result<void> move_damage(std::string_view rest);
  void reserve();
  Error failed(std::string_view what) const;

  const SpoolOptions options_;
  const int fd_;
  std::uint64_t first_ = 0, end_ = 0;  // offsets of the oldest record and behind the newest
  std::atomic<std::uint64_t> waiting_ = 0, bytes_ = 0;
  std::string repaired_;
};

}  // namespace paramedic
