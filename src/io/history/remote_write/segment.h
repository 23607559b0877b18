// One file of the remote-write queue (docs/formats/remote-write-queue.md): a header of 16 bytes, then records of a
// 12-byte head and a payload. Pure reading and writing of bytes; the files are SegmentQueue's. Any thread.
//
//   header   "PMRWQ" 0 0 VERSION, sequence number of the file (8 bytes)
//   record   length of the payload (4), samples in it (4), CRC-32C over both and the payload (4), payload
// Numbers are little-endian.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paramedic::remote_write {

inline constexpr std::size_t kSegmentHeader = 16;
inline constexpr std::size_t kRecordHead = 12;

std::string segment_header(std::uint64_t sequence);
// False: not such a file, another version, or another sequence number than its name says.
bool valid_segment_header(std::string_view bytes, std::uint64_t sequence);

struct RecordHead {
  std::uint32_t length = 0, samples = 0, checksum = 0;
};
std::string record_head(std::string_view payload, std::uint32_t samples);
// REQUIRES: 12 bytes. Nothing when the length is impossible (0 or over kMaxRecordBytes).
std::optional<RecordHead> read_record_head(std::string_view bytes);
bool matches(const RecordHead& head, std::string_view payload);

// How far a file is good, read from its front: where its first torn or damaged record begins, and what stands before.
struct SegmentScan {
  std::size_t good_bytes = 0;  // 0: not even the header
  std::uint64_t records = 0, samples = 0;
};
SegmentScan scan_segment(std::string_view file, std::uint64_t sequence);

}  // namespace paramedic::remote_write
