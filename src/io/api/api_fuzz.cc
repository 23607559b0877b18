// Bytes from outside that io/api itself reads: query strings, command bodies, token files. Nothing may crash.
#include "io/api/command_body.h"
#include "io/api/tokens.h"
#include "io/api/worker_query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic::api;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0: {
      QueryReader reader(text);
      const WorkerQuery query = read_worker_query(reader);
      (void)select_workers(paramedic::FleetView{}, query);
      reader.time("start");
      reader.duration("step", paramedic::Duration{1}, paramedic::Duration::max());
      (void)reader.finish();
      break;
    }
    case 1:
      (void)parse_command_body(text, {"reason", "force", "worker_id", "pool", "fleet", "on", "duration", "mode"});
      break;
    default: {
      paramedic::Problems problems;
      const TokenTable table = TokenTable::parse(text, "tokens", problems);
      (void)table.identify(text);
    }
  }
  return 0;
}
