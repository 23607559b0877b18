// The payload of one queue record: rows of remote write as bytes and back (docs/formats/remote-write-queue.md).
// Pure; any thread. The decoder trusts nothing: it allocates no more than a small multiple of its input.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/history/remote_write/series.h"

namespace paramedic::remote_write {

inline constexpr std::size_t kMaxRecordBytes = 4u << 20;  // of a payload
inline constexpr std::size_t kMaxColumns = 4096;          // of a row
inline constexpr std::size_t kMaxText = 1024;             // bytes of a name or worker id

struct EncodedRecord {
  std::string payload;
  std::uint32_t samples = 0;
};

// Rows → records of about `samples` samples each (a row is never divided), in the order given.
std::vector<EncodedRecord> encode_records(std::span<const Row> rows, std::size_t samples);

// Errors: corrupt, with the place.
Result<std::vector<Row>> decode_record(std::string_view payload);

}  // namespace paramedic::remote_write
