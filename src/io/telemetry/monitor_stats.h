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
#include "model/histogram.h"

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

// The journal of all inputs, with `record: full`.
struct InputJournalRow {
  std::uint64_t size_bytes = 0, queued_bytes = 0, written_bytes = 0, records = 0, dropped = 0, errors = 0;
  bool degraded = false;
};

// One channel of notifications. Counts are cumulative.
struct NotificationRow {
  std::string channel;
  std::uint64_t queued = 0, throttled = 0, degraded = 0;
  double oldest_age_seconds = 0;
  bool failing = false;
  std::vector<std::pair<std::string_view, std::uint64_t>> ended, sends;  // result → count
  DurationHistogram send_seconds, delivery_seconds;
};
struct DeadManRow {
  std::vector<std::pair<std::string_view, std::uint64_t>> pings;  // result → cumulative
  std::optional<WallTime> last;
};

// One active probe that was tried.
struct ProbeRow {
  std::string probe;
  bool up = false;              // the latest try
  double duration_seconds = 0;  // of it
  std::uint64_t failures = 0;   // cumulative
};

// One kind of executor of one pool that was given a job.
struct ExecutorRow {
  std::string pool, kind;
  std::vector<std::pair<std::string_view, std::uint64_t>> jobs;  // outcome → cumulative
  DurationHistogram seconds;
};

struct MonitorStats {
  std::string version;
  WallTime started_at{};

  std::optional<WallTime> config_reloaded;  // when the configuration in force was read; unset without a file
  bool config_reload_ok = true;             // of the latest try

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
  bool history_degraded = false;                            // the latest group commit failed
  std::uint64_t history_buffered = 0, history_dropped = 0;  // rows
  std::optional<std::uint64_t> history_bytes;               // on disk
  double history_flush_seconds = 0;                         // the latest group commit
  std::uint64_t ledger_commits = 0, ledger_errors = 0, ledger_pruned = 0;
  bool ledger_reserve_spent = false;
  bool ledger_store_away = false;  // the shared store takes no commits: they go to the spool
  std::uint64_t ledger_spool_bytes = 0, ledger_spool_waiting = 0, ledger_spooled = 0, ledger_replayed = 0;
  std::vector<RemoteWriteRow> remote_write;
  std::optional<InputJournalRow> input_journal;
  std::vector<NotificationRow> notifications;
  std::optional<DeadManRow> dead_man;  // none is configured
  std::vector<ProbeRow> probes;
  std::vector<ExecutorRow> executors;

  double process_cpu_seconds = 0;
  std::uint64_t process_resident_bytes = 0;
};

}  // namespace paramedic::telemetry
