// libFuzzer target: what a lying Redis may give as the ledger's records and members of its index. The first byte is the
// kind of the record.
#include <cstdint>
#include <cstdlib>

#include "io/ledger/redis_store.h"
#include "io/wire/ledger_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  if (size == 0) return 0;
  const auto kind = LedgerKind(data[0] % kEnumCount<LedgerKind>);
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (const auto row = parse_stored_row(bytes)) {
    if (row->worker.size() + row->pool.size() + row->body.size() > bytes.size()) std::abort();
    (void)wire::parse_ledger(kind, row->body);
  }
  (void)wire::parse_ledger(kind, bytes);
  // Nobody may reckon with an instant of another century.
  if (const auto touched = touched_in(bytes); touched && std::abs(touched->time_since_epoch() / 24h) > 54'000)
    std::abort();
  if (const auto number = parse_sortable(bytes); number && bytes.size() == 20 && sortable(*number) != bytes)
    std::abort();
  return 0;
}
