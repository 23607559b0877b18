// What the API needs from the rest of the monitor. The daemon implements these and owns the implementations, which must
// outlive the Api. Every function may be called from any thread and from several at once.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "io/net/websocket.h"
#include "model/effects.h"
#include "model/history_columns.h"
#include "model/input.h"
#include "model/view.h"

namespace paramedic::api {

// degraded = works with less (said in the text); failed = do not send traffic.
enum class PartState { ok, degraded, failed };
enum class MetricsFormat { text, openmetrics };

}  // namespace paramedic::api

namespace paramedic {

PARAMEDIC_ENUM_NAMES(api::PartState, "ok", "degraded", "failed")
PARAMEDIC_ENUM_NAMES(api::MetricsFormat, "text", "openmetrics")

}  // namespace paramedic

namespace paramedic::api {

// The latest published fleet. Never null; cheap (a pointer copy).
class FleetReader {
 public:
  virtual ~FleetReader() = default;
  virtual std::shared_ptr<const FleetView> view() const = 0;
};

// Hands an operator's wish to the engine and waits for its Answer. The implementation sets command_id and received.
// A refusal is CommandResult.error; no answer within the deadline (10 s) is Errc::timeout.
class Commands {
 public:
  virtual ~Commands() = default;
  virtual boost::asio::awaitable<CommandResult> submit(CommandInput command) = 0;
};

// Takes reports into the engine's inbox.
struct IntakeRefusal {
  std::size_t index = 0;  // into the vector that was pushed
  Error error;
};
class Intake {
 public:
  virtual ~Intake() = default;
  // All or nothing for lack of room: Errc::unavailable = inbox full (503, Retry-After: 1). Otherwise every report
  // without a refusal was accepted: it will reach the engine. Never blocks.
  virtual Result<std::vector<IntakeRefusal>> push(std::vector<ReportInput> reports) = 0;
};

// Stored points of one worker, oldest first. Blocking: called on the blocking pool.
struct HistoryQuery {
  std::string worker_id;
  WallTime from{}, to{};             // from <= t < to
  std::optional<Duration> step;      // one point per step (the means of gauges); none = as stored
  std::vector<std::string> metrics;  // empty = all
  bool p95 = false;                  // with a step: NAME_p95 too
};
struct TaskHistoryQuery {
  std::string worker_id;
  WallTime from{}, to{};  // from <= t < to
  Duration step = 10min;
  std::string type;  // empty = all
};
class HistoryReader {
 public:
  virtual ~HistoryReader() = default;
  // A worker without stored points yields none. Errors: too_large, io, corrupt.
  virtual Result<HistoryColumns> read(const HistoryQuery& query) = 0;
  // What the worker's task types did per step, oldest first; steps in which nothing happened are left out.
  virtual Result<std::vector<TaskHistoryPoint>> read_tasks(const TaskHistoryQuery& query) = 0;
};

// What the ledger remembers, newest first. Blocking: called on the blocking pool.
struct LedgerQuery {
  std::string worker_id, pool;     // empty = any
  std::optional<WallTime> before;  // strictly older than this; for paging
  std::size_t limit = 100;
  bool open_only = false;  // notifications: still under way
};
class LedgerReader {
 public:
  virtual ~LedgerReader() = default;
  virtual Result<std::vector<ActionRecord>> restarts(const LedgerQuery& query) = 0;
  virtual Result<std::vector<Incident>> incidents(const LedgerQuery& query) = 0;  // open and ended
  virtual Result<std::optional<Incident>> incident(const std::string& id) = 0;
  virtual Result<std::vector<NotificationRecord>> notifications(const LedgerQuery& query) = 0;
  virtual Result<std::vector<Silence>> silences(const LedgerQuery& query) = 0;   // over ones too
  virtual Result<std::vector<AuditRecord>> audit(const LedgerQuery& query) = 0;  // worker_id = target; pool unused
};

// The journal of all inputs (`record: full`).
struct RecordedSegment {
  std::string file, run, build_id, config_hash;
  WallTime from{}, to{};
  std::uint64_t bytes = 0;
  std::uint64_t first_record = 0;  // 0: a run of the monitor begins here
  bool current = false;            // still being written
};
struct RecordedInputs {
  bool degraded = false;  // cannot write now
  std::string problem;
  std::uint64_t bytes = 0, max_bytes = 0, dropped_inputs = 0;
  std::vector<RecordedSegment> segments;  // oldest first
};
class InputRecorder {
 public:
  virtual ~InputRecorder() = default;
  virtual RecordedInputs recorded() const = 0;  // cheap
};

// One line of /readyz.
struct ReadinessPart {
  std::string name;  // "engine", "ledger", "history", "inbox"
  PartState state = PartState::ok;
  std::string text;
};
class Readiness {
 public:
  virtual ~Readiness() = default;
  virtual std::vector<ReadinessPart> parts() const = 0;  // cheap
};

// The Prometheus page. Called on the blocking pool, since it may be megabytes.
class MetricsPage {
 public:
  virtual ~MetricsPage() = default;
  virtual std::string text(MetricsFormat format) = 0;
};

// Publications, in order of generation.
class DeltaFeed {
 public:
  virtual ~DeltaFeed() = default;
  using Callback = std::function<void(const FleetDelta&)>;
  // The callback runs on the publishing thread and must be quick. Destroying the subscription ends the calls: when its
  // destructor has returned, none runs any more.
  struct Subscription {
    virtual ~Subscription() = default;
  };
  virtual std::unique_ptr<Subscription> subscribe(Callback callback) = 0;
};

// The agents' WebSocket. `pool` = the only pool that the agent's token may report for (empty = any).
struct AgentCredentials {
  std::string name;  // token name, "anonymous" without token file
  std::string pool;
};
class AgentLink {
 public:
  virtual ~AgentLink() = default;
  // Serves the connection until it ends. Runs on the connection's executor.
  virtual boost::asio::awaitable<void> accept(std::shared_ptr<WebSocket> socket, std::string remote,
                                              AgentCredentials credentials) = 0;
};

// Reads the configuration file again.
class Reload {
 public:
  virtual ~Reload() = default;
  // A sentence about what is in force now. Error: invalid_argument with all problems, a line each (nothing changed);
  // conflict when there is no file. Blocking: called on the blocking pool.
  virtual Result<std::string> reload(std::string_view actor) = 0;
};

// Only in the demonstration: makes a demo worker misbehave.
class DemoControl {
 public:
  virtual ~DemoControl() = default;
  virtual std::vector<std::string> modes() const = 0;  // "crash", "hang", "silent", …
  // Errors: not_found for an unknown worker or mode. Returns a sentence about what was done. Quick.
  virtual Result<std::string> break_worker(const std::string& worker_id, const std::string& mode) = 0;
};

// A file that the browser may fetch.
struct StaticFile {
  std::string content_type;
  std::shared_ptr<const std::string> body;
  std::string etag;  // quoted
};
class StaticFiles {
 public:
  virtual ~StaticFiles() = default;
  virtual std::optional<StaticFile> find(
      std::string_view path) const = 0;  // "/index.html"; "/" is asked as "/index.html"
};

// All of them. Pointers that may be null say so: their routes then answer 404 with the reason.
struct Ports {
  const FleetReader* fleet = nullptr;
  Commands* commands = nullptr;
  Intake* intake = nullptr;
  HistoryReader* history = nullptr;
  LedgerReader* ledger = nullptr;
  const Readiness* readiness = nullptr;
  MetricsPage* metrics = nullptr;
  DeltaFeed* feed = nullptr;
  const StaticFiles* files = nullptr;
  AgentLink* agents = nullptr;            // may be null: no agents accepted
  Reload* reload = nullptr;               // may be null: nothing to reload
  DemoControl* demo = nullptr;            // may be null: not in demo mode
  const InputRecorder* inputs = nullptr;  // may be null: inputs are not recorded
};

}  // namespace paramedic::api
