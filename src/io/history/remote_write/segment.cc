#include "io/history/remote_write/segment.h"

#include "base/checksum.h"
#include "io/history/remote_write/record_codec.h"

namespace paramedic::remote_write {

namespace {

constexpr std::string_view kMagic{"PMRWQ\0\0\1", 8};

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += char(value >> 8 * i);
}
std::uint64_t get(std::string_view bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | std::uint8_t(bytes[at + std::size_t(i)]);
  return value;
}

}  // namespace

std::string segment_header(std::uint64_t sequence) {
  std::string out(kMagic);
  put(out, sequence, 8);
  return out;
}

bool valid_segment_header(std::string_view bytes, std::uint64_t sequence) {
  return bytes.size() >= kSegmentHeader && bytes.starts_with(kMagic) && get(bytes, 8, 8) == sequence;
}

std::string record_head(std::string_view payload, std::uint32_t samples) {
  std::string out;
  put(out, payload.size(), 4);
  put(out, samples, 4);
  put(out, crc32c(out, payload), 4);
  return out;
}

std::optional<RecordHead> read_record_head(std::string_view bytes) {
  const RecordHead head{std::uint32_t(get(bytes, 0, 4)), std::uint32_t(get(bytes, 4, 4)),
                        std::uint32_t(get(bytes, 8, 4))};
  if (head.length == 0 || head.length > kMaxRecordBytes) return std::nullopt;
  return head;
}

bool matches(const RecordHead& head, std::string_view payload) {
  std::string front;
  put(front, head.length, 4);
  put(front, head.samples, 4);
  return payload.size() == head.length && crc32c(front, payload) == head.checksum;
}

SegmentScan scan_segment(std::string_view file, std::uint64_t sequence) {
  SegmentScan out;
  if (!valid_segment_header(file, sequence)) return out;
  out.good_bytes = kSegmentHeader;
  while (file.size() - out.good_bytes >= kRecordHead) {
    const auto head = read_record_head(file.substr(out.good_bytes, kRecordHead));
    if (!head || file.size() - out.good_bytes - kRecordHead < head->length) break;
    if (!matches(*head, file.substr(out.good_bytes + kRecordHead, head->length))) break;
    out.good_bytes += kRecordHead + head->length;
    ++out.records;
    out.samples += head->samples;
  }
  return out;
}

}  // namespace paramedic::remote_write
