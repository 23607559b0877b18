// Remote write as the daemon wires it: configuration in, metrics and readiness out.
#include <fmt/format.h>

#include "app/daemon/ports.h"

namespace paramedic::daemon {

remote_write::RemoteWriteOptions remote_write_options(const config::MonitorConfig& config) {
  remote_write::RemoteWriteOptions out;
  out.dir = config.data_dir + "/remote_write";
  for (const config::RemoteWriteConfig& one : config.remote_write) {
    remote_write::DestinationOptions to;
    to.name = one.name;
    to.url = one.url;
    to.bearer_token_file = one.bearer_token_file;
    to.username = one.username;
    to.password_file = one.password_file;
    to.ca_file = one.ca_file;
    to.cert_file = one.cert_file;
    to.key_file = one.key_file;
    to.headers = one.headers;
    to.external_labels = one.labels;
    to.timeout = one.timeout;
    to.max_samples = std::size_t(one.max_samples);
    to.max_wait = one.max_wait;
    to.backoff_first = one.backoff_first;
    to.backoff_cap = one.backoff_cap;
    to.queue_bytes = one.queue_bytes;
    to.send_out_of_order = one.late_samples == LateSamples::send;
    out.destinations.push_back(std::move(to));
  }
  return out;
}

namespace {
template <NamedEnum E, class Counts>
std::vector<std::pair<std::string_view, std::uint64_t>> by_name(const Counts& counts) {
  std::vector<std::pair<std::string_view, std::uint64_t>> out;
  for (std::size_t i = 0; i < counts.size(); ++i) out.emplace_back(to_string(static_cast<E>(i)), counts[i]);
  return out;
}
}  // namespace

std::vector<telemetry::RemoteWriteRow> remote_write_rows(const remote_write::RemoteWrite& remote) {
  std::vector<telemetry::RemoteWriteRow> out;
  for (const remote_write::DestinationStats& s : remote.stats())
    out.push_back({.destination = s.name,
                   .pending_samples = s.pending_samples,
                   .queue_bytes = s.queue_bytes,
                   .sent_samples = s.sent_samples,
                   .requests = s.requests,
                   .lag_seconds = s.lag_seconds,
                   .dropped = by_name<RemoteWriteDrop>(s.dropped),
                   .failed = by_name<RemoteWriteFailure>(s.failures)});
  return out;
}

std::vector<api::ReadinessPart> remote_write_parts(const remote_write::RemoteWrite& remote) {
  std::vector<api::ReadinessPart> out;
  for (const remote_write::DestinationStats& s : remote.stats()) {
    api::ReadinessPart part{"remote_write/" + s.name};
    if (!s.not_writing.empty()) {
      part.state = api::PartState::degraded;
      part.text = s.not_writing + "; samples wait in memory";
    } else if (!s.failing.empty()) {
      part.state = api::PartState::degraded;
      part.text = fmt::format("{}; {} samples wait", s.failing, s.pending_samples);
    }
    out.push_back(std::move(part));
  }
  return out;
}

}  // namespace paramedic::daemon
