// Numbers about the monitor itself that are not in FleetView: filled by the daemon for each metrics page. A plain
// value.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace paramedic::telemetry {

struct HttpCount {
  std::string method, route;  // the pattern, "/health/workers/{worker_id}", never the path: few series
  int status = 0;
  std::uint64_t count = 0;
};
struct InboxLane {
  std::string lane;  // "urgent", "live", "backlog"
  std::uint64_t depth = 0;
  std::uint64_t refused = 0;  // cumulative
};

// One receiver of remote write.
struct RemoteWriteRow {
  std::string destination;
  std::uint64_t pending_samples = 0, queue_bytes = 0, sent_samples = 0, requests = 0;
  double lag_seconds = 0;
  std::vector<std::pair<std::string_view, std::uint64_t>> dropped, failed;  // reason → cumulative
};

struct MonitorStats {
  std::string version;
  WallTime started_at{};

  std::vector<InboxLane> inbox;
  Duration inbox_oldest_age{};  // of the oldest live input that waits

  std::vector<HttpCount> http;
  std::uint64_t http_connections = 0;        // open now
  std::uint64_t http_connections_total = 0;  // accepted
  std::uint64_t http_errors = 0;             // connections that ended in a protocol error or deadline
  std::uint64_t http_refused_connections = 0;
  std::uint64_t auth_failures = 0;
  std::uint64_t unknown_report_members = 0;

  std::uint64_t event_clients = 0;  // of /health/events now
  std::uint64_t event_overflows = 0;

  std::uint64_t history_rows = 0, history_errors = 0, history_damaged = 0, history_open_bytes = 0;
  std::optional<std::uint64_t> history_bytes;  // on disk
  double history_flush_seconds = 0;            // the latest group commit
  bool history_degraded = false;               // rows wait in memory
  std::uint64_t history_waiting = 0, history_dropped = 0;
  std::uint64_t ledger_commits = 0, ledger_errors = 0, ledger_pruned = 0;
  bool ledger_reserve_spent = false;
  bool ledger_store_away = false;  // the shared store takes no commits: they go to the spool
  std::uint64_t ledger_spool_bytes = 0, ledger_spool_waiting = 0, ledger_spooled = 0, ledger_replayed = 0;
  std::vector<RemoteWriteRow> remote_write;

  double process_cpu_seconds = 0;
  std::uint64_t process_resident_bytes = 0;
};

}  // namespace paramedic::telemetry
