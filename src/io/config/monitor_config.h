// Configuration of the monitor (docs/configuration.md, examples/paramedic.yaml). A plain value with the defaults in
// place, so that the monitor also runs without any file. Keys of pools (checks, recovery, min_healthy, weights) are
// kept as Params and read by the parts of core that own them.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/params.h"
#include "io/config/remote_write_config.h"
#include "model/input.h"

namespace paramedic::config {

inline constexpr std::string_view kDefaultPool = "default";

struct ListenConfig {
  std::string address = "127.0.0.1";  // numeric; "::1" without brackets
  std::uint16_t port = 8420;          // 0 = any free one, told in the log
  bool loopback() const;
};

struct SourceConfig {
  SourceKind type = SourceKind::agent;
  bool enabled = true;
};

enum class StoreKind { sqlite, redis };
// What is recorded of the engine's inputs. samples: rows of history, and in the ledger the inputs that are no samples.
// full: beside that every input as it came, for an exact replay (docs/formats/inputs.md).
enum class RecordKind { samples, full };

// Keys of ledger.redis and history.redis; the password itself never stands in the configuration.
struct RedisConfig {
  std::string address = "127.0.0.1:6379";  // or unix:/path
  bool tls = false;
  std::string ca_file;        // empty = the system's certificates
  std::string username;       // empty = the default user
  std::string password_file;  // empty = $PARAMEDIC_REDIS_PASSWORD, if set
  int database = 0;
  std::string name = "default";               // keys begin with {paramedic:<name>}:
  Duration timeout = 2s;                      // of a command and of connecting
  std::uint64_t spool_max_bytes = 64u << 20;  // ledger alone
};

struct HistoryConfig {
  Duration resolution = 30s;    // one row per worker and step; default = interval
  Duration retention = 168h;    // 7 days
  std::uint64_t max_bytes = 0;  // of history.db, or of the chunks on Redis; beyond it the oldest goes; 0 = no cap
  StoreKind store = StoreKind::sqlite;
  RedisConfig redis;
  RecordKind record = RecordKind::samples;
  std::uint64_t record_max_bytes = 1u << 30;  // of data_dir/inputs; beyond it the oldest goes
};

struct LedgerConfig {
  StoreKind store = StoreKind::sqlite;
  RedisConfig redis;
};

struct LimitsConfig {
  int max_workers = 20'000;
  int new_ids_per_second = 100;
  int max_agents = 2'000;
  int max_event_clients = 200;  // dashboards and other readers of /health/events
  int inbox_reports = 100'000;  // waiting inputs; beyond it reading stops and HTTP answers 503
};

struct HttpConfig {
  int max_connections = 12'000;
  int threads = 2;
  std::uint64_t max_body_bytes = 1024 * 1024;       // one report
  std::uint64_t max_bulk_bytes = 16 * 1024 * 1024;  // bulk reports, WebSocket frames
  Duration header_timeout = 10s;
  Duration body_timeout = 30s;
  Duration idle_timeout = 75s;  // a kept-alive connection
  Duration write_timeout = 30s;
};

// A sign of life to somebody outside, who alarms when it stays away. Off without url and url_file.
struct DeadManConfig {
  std::string url;       // http or https
  std::string url_file;  // holds the URL: it is often a secret
  Duration every = 60s;
  bool on() const { return !url.empty() || !url_file.empty(); }
  bool operator==(const DeadManConfig&) const = default;
};

struct MonitorConfig {
  ListenConfig listen;
  std::string data_dir = "/var/lib/paramedic";
  std::string token_file;                  // empty = loopback only, everybody may do everything
  std::vector<std::string> allowed_hosts;  // Host header, besides localhost and the listen address
  Duration interval = 30s;                 // between two rounds of one worker
  std::string log_level = "info";          // debug, info, warning, error
  Duration shutdown_grace = 10s;
  std::vector<SourceConfig> sources = {{SourceKind::agent, true}, {SourceKind::http, true}};
  HistoryConfig history;
  LedgerConfig ledger;
  LimitsConfig limits;
  HttpConfig http;
  std::vector<RemoteWriteConfig> remote_write;
  // Where this monitor is reached from outside, for links in messages: "https://paramedic.example.org"; empty = none.
  std::string external_url;
  DeadManConfig dead_man;
  // Keys of core/alerting, io/notify and io/probes, kept as written; null when absent. `channels`: name → channel,
  // `probes`: name → probe; each kind reads its own keys.
  Params alerting, analysis, channels, route, inhibitions, notifications, maintenance_windows, probes;
  // Key of io/restart, kept as written: what the executors of pools may run or call.
  Params executors;
  // Another id of a worker → its id, where two sources name one worker differently.
  std::map<std::string, std::string> aliases;
  // Each named pool over `default`; always holds "default". Values are maps.
  std::map<std::string, Params> pools = {{std::string(kDefaultPool), Params::map()}};

  // A hash of all that was written, whatever the order of keys, comments and blanks: 16 hex digits.
  std::string hash;

  // Settings of any pool: its own, else the default ones.
  const Params& pool(std::string_view name) const;
  bool source_enabled(SourceKind kind) const;
};

// Reads everything and adds a Problem per mistake; use the value only when none was added. Relative paths are left as
// written.
MonitorConfig parse_monitor_config(const Params& tree, Problems& problems);

}  // namespace paramedic::config

namespace paramedic {
PARAMEDIC_ENUM_NAMES(config::StoreKind, "sqlite", "redis")
PARAMEDIC_ENUM_NAMES(config::RecordKind, "samples", "full")
}  // namespace paramedic
