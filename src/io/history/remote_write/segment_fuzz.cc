// Any bytes as a file of the queue: how far it is good never reaches beyond it, and every good record passes its
// checksum and is read or refused by the codec.
#include <cstdlib>

#include "io/history/remote_write/record_codec.h"
#include "io/history/remote_write/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic::remote_write;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The header is given, so that the records behind it are reached; the checksums are made right where the input says
  // so (first bit), or nearly no record would ever be whole.
  const bool repair = size > 0 && (data[0] & 1) != 0;
  std::string file = segment_header(7);
  file += bytes.substr(std::min<std::size_t>(size, 1));
  if (repair) {
    for (std::size_t at = kSegmentHeader; file.size() - at >= kRecordHead;) {
      const auto head = read_record_head(std::string_view(file).substr(at, kRecordHead));
      if (!head || file.size() - at - kRecordHead < head->length) break;
      const std::string payload = file.substr(at + kRecordHead, head->length);
      file.replace(at, kRecordHead, record_head(payload, head->samples));
      at += kRecordHead + head->length;
    }
  }
  const SegmentScan scan = scan_segment(file, 7);
  if (scan.good_bytes > file.size() || scan.good_bytes < kSegmentHeader) std::abort();
  std::size_t at = kSegmentHeader;
  for (std::uint64_t i = 0; i < scan.records; ++i) {
    const auto head = read_record_head(std::string_view(file).substr(at, kRecordHead));
    if (!head) std::abort();
    (void)decode_record(std::string_view(file).substr(at + kRecordHead, head->length));
    at += kRecordHead + head->length;
  }
  if (at != scan.good_bytes) std::abort();
  (void)scan_segment(bytes, 7);
  return 0;
}
