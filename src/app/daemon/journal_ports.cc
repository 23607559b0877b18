// The journal of all inputs as the daemon wires it: configuration in, API, metrics and readiness out.
#include <fmt/format.h>

#include "app/daemon/ports.h"
#include "base/build_id.h"

namespace paramedic::daemon {

journal::JournalOptions journal_options(const config::MonitorConfig& config, const std::string& version) {
  journal::JournalOptions out;
  out.store.dir = config.data_dir + "/inputs";
  out.store.max_bytes = config.history.record_max_bytes;
  out.build_id = fmt::format("{} {}", version, build_id());
  out.config_hash = config.hash;
  return out;
}

telemetry::InputJournalRow journal_row(const journal::InputJournal& journal) {
  const journal::JournalStats stats = journal.stats();
  return {.size_bytes = stats.size_bytes,
          .queued_bytes = stats.queued_bytes,
          .written_bytes = stats.written_bytes,
          .records = stats.records,
          .dropped = stats.dropped_inputs,
          .errors = stats.errors,
          .degraded = stats.degraded};
}

api::ReadinessPart journal_readiness(const journal::JournalStats& stats) {
  api::ReadinessPart part{"inputs"};
  if (!stats.degraded) return part;
  part.state = api::PartState::degraded;
  part.text = fmt::format("cannot record inputs, {} are missing so far: {}", stats.dropped_inputs, stats.problem);
  return part;
}

api::RecordedInputs InputsPort::recorded() const {
  const journal::JournalStats stats = journal_.stats();
  api::RecordedInputs out{.degraded = stats.degraded,
                          .problem = stats.problem,
                          .bytes = stats.size_bytes,
                          .max_bytes = journal_.options().store.max_bytes,
                          .dropped_inputs = stats.dropped_inputs};
  for (const journal::SegmentInfo& segment : journal_.segments())
    out.segments.push_back({.file = segment.file,
                            .run = segment.header.run,
                            .build_id = segment.header.build_id,
                            .config_hash = segment.header.config_hash,
                            .from = segment.header.at.wall,
                            .to = segment.to,
                            .bytes = segment.bytes,
                            .first_record = segment.header.first_record,
                            .current = segment.current});
  return out;
}

}  // namespace paramedic::daemon
