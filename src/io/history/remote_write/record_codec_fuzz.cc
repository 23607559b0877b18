// Any bytes as the payload of a queue record: refused or read, and what was read encodes and reads back the same.
#include <cstdlib>

#include "io/history/remote_write/record_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic::remote_write;
  const auto rows = decode_record({reinterpret_cast<const char*>(data), size});
  if (!rows || rows->empty()) return 0;
  std::vector<Row> again;
  for (const EncodedRecord& record : encode_records(*rows, 50)) {
    const auto part = decode_record(record.payload);
    if (!part) std::abort();
    again.insert(again.end(), part->begin(), part->end());
  }
  if (again.size() != rows->size()) std::abort();
  for (std::size_t i = 0; i < again.size(); ++i)
    if (again[i].worker_id != (*rows)[i].worker_id || again[i].at_ms != (*rows)[i].at_ms ||
        again[i].samples() != (*rows)[i].samples() || *again[i].columns != *(*rows)[i].columns)
      std::abort();
  return 0;
}
