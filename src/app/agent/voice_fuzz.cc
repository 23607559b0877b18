// Fuzzes what a worker may send to its socket, and what becomes of it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/agent/voice.h"
#include "app/agent/voice_state.h"
#include "io/wire/report_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = agent::parse_voice(text);
  agent::VoiceState state;
  Now now{SteadyTime{1h}, WallTime{1'795'000'000s}};
  for (const auto& event : parsed.events) {
    now.steady += 1ms;
    now.wall += 1ms;
    state.apply(event, now);
  }
  Report report;
  report.worker_id = "w";
  state.fill(report);
  if (report.in_flight && report.in_flight->size() > kMaxInFlight) std::abort();
  if (report.tasks && report.tasks->size() > kMaxTaskTypesPerWorker + 1) std::abort();
  // One refused member would cost the monitor the whole report.
  if (!wire::parse_report(wire::report_json(report))) std::abort();
  return 0;
}
