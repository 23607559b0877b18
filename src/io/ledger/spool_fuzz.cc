// The bytes of a spool file and of the batches in it, as damage or another program may leave them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "io/ledger/ledger_rows.h"
#include "io/ledger/spool.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::uint64_t at = 0;
  while (const auto record = paramedic::read_spool_record(bytes, at)) {
    if (record->next <= at || record->next > size) std::abort();
    at = record->next;
    (void)paramedic::decode_batch(record->payload);
  }
  // A checksum is hard to guess: the batch itself as well. What decodes encodes to the same bytes.
  if (const auto batch = paramedic::decode_batch(bytes); batch && paramedic::encode_batch(*batch) != bytes)
    std::abort();
  (void)paramedic::LedgerCursor::parse(bytes);
  return 0;
}
