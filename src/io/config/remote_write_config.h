// `remote_write:` of the monitor's file: where history rows are sent by Prometheus remote write 1.0
// (docs/configuration.md). A plain value with the defaults in place.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/params.h"

namespace paramedic {

// What to do with rows older than the newest one of their worker: Prometheus refuses them unless told otherwise,
// VictoriaMetrics takes them.
enum class LateSamples { drop, send };
PARAMEDIC_ENUM_NAMES(LateSamples, "drop", "send")

namespace config {

struct RemoteWriteConfig {
  std::string name;  // label of its metrics and name of its queue's folder; default: host and port of the URL
  std::string url;   // http or https, without credentials
  std::string bearer_token_file;
  std::string username, password_file;
  std::string ca_file, cert_file, key_file;
  std::map<std::string, std::string> headers;  // X-Scope-OrgID and the like
  std::map<std::string, std::string> labels;   // for every series, besides worker_id
  Duration timeout = 30s;                      // of one request
  int max_samples = 5000;                      // of one request
  Duration max_wait = 5s;                      // a sample goes out after this even in a small request
  Duration backoff_first = 1s, backoff_cap = 60s;
  std::uint64_t queue_bytes = 512u << 20;  // on disk; beyond it the oldest samples are given up
  LateSamples late_samples = LateSamples::drop;

  // A token or password goes to another host without TLS: worth a warning.
  bool credential_in_clear() const;
};

inline constexpr std::size_t kMaxRemoteWrites = 8;

// Reads the list below the key `remote_write` of `r`, when it is there. Adds a Problem per mistake.
void read_remote_write(ParamsReader& r, std::vector<RemoteWriteConfig>& out);

}  // namespace config
}  // namespace paramedic
