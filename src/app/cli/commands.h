// The subcommands of `paramedic`, one .cc file each. parse.cc turns argv into these option structs and calls them.
// Each returns the process's exit code (base/result.h's table; docs/cli.md) and tells people what went wrong on
// standard error. Called from main's thread, once.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/net/http.h"

namespace paramedic::cli {

struct ServeOptions {
  std::string config_file;       // empty = all defaults
  std::string data_dir, listen;  // over the file; empty = as in the file
};
int serve(const ServeOptions& options);

struct AgentOptions {
  std::string config_file;
  int parent = 0;  // ends cleanly when this process ends; 0 = on its own. The demo's agent has one.
};
int agent(const AgentOptions& options);

struct RunOptions {
  std::string id, pool, monitor = "http://127.0.0.1:8420", token_file, data_dir;
  std::vector<std::string> command;
};
int run(const RunOptions& options);

struct DemoOptions {
  std::string data_dir, listen = "127.0.0.1:8420";
  int workers = 6;
};
int demo(const DemoOptions& options);
struct DemoBreakOptions {
  std::string target, mode, monitor = "http://127.0.0.1:8420";
};
int demo_break(const DemoBreakOptions& options);

struct CheckConfigOptions {
  std::vector<std::string> files;
  bool print = false;               // the effective configuration too
  std::string monitor, token_file;  // of a running monitor: what would each rule match now; empty = not asked
};
int check_config(const CheckConfigOptions& options);

// Unit tests of rules.
struct TestRulesOptions {
  std::vector<std::string> files;
};
int test_rules(const TestRulesOptions& options);
// A simulated fleet under the real engine.
struct SimulateOptions {
  int workers = 1000, pools = 10;
  double days = 7;
  std::uint64_t seed = 1;
  int monitor_restarts = 0;
  bool json = false;
};
int simulate_fleet(const SimulateOptions& options);

// The anomaly detector over a CSV file.
struct AnalyzeOptions {
  std::string file;  // "-" = standard input
  bool forecast = false;
  double limit = 0;           // with forecast
  std::string kind = "disk";  // a ForecastKind
};
int analyze_file(const AnalyzeOptions& options);
// Detectors and forecasts over stored history, beside the incidents of that time.
struct BacktestOptions {
  std::string data_dir;
  std::string from = "7d", to;  // an instant (RFC 3339) or how long ago; to: empty = now
  bool json = false, all = false;
};
int backtest_days(const BacktestOptions& options);

// Recorded days once more, under another configuration.
struct ReplayOptions {
  std::string config_file, old_config_file;  // old: empty = what the ledger tells
  std::string data_dir;                      // empty = that of config_file
  std::string from, to;                      // an instant (RFC 3339) or how long ago; empty = all there is, until now
  bool approximate = false;                  // from the history, even when inputs are recorded
  bool json = false, all = false;
};
int replay_days(const ReplayOptions& options);

struct TestNotifyOptions {
  std::string channel, config_file, kind = "test";
  std::string story = "paramedic/test", remote_id;  // to send several messages of one story
};
// One marked message through one channel of the monitor's configuration; says what the other side answered.
int test_notify(const TestNotifyOptions& options);

// Talks to a running monitor.
struct ClientOptions {
  std::string monitor = "http://127.0.0.1:8420", token_file;
  bool json = false;
};
int status(const ClientOptions& client);
int show(const ClientOptions& client, const std::string& worker);
struct ActOptions {
  std::string verb;    // restart, drain, resume, quarantine, release, approve, reject, forget; freeze, thaw
  std::string worker;  // empty for freeze and thaw
  std::string reason;
  bool force = false;
  bool dry_run = false;  // restart: tell what it would do
};
int act(const ClientOptions& client, const ActOptions& options);
// The worst workers, drawn anew again and again.
struct TopOptions {
  double every_seconds = 2;
  int rows = 40, times = 0;  // 0 = until interrupted
};
int top(const ClientOptions& client, const TopOptions& options);
// Stored points of one worker.
struct HistoryOptions {
  std::string worker, step = "10m", metrics = "cpu_percent,memory_mb,tasks_per_minute";
  int hours = 24;
};
int history(const ClientOptions& client, const HistoryOptions& options);
// What is in maintenance; begins or ends it.
struct MaintenanceOptions {
  std::string worker, pool, duration, reason;
  bool fleet = false, on = true;
};
int maintenance(const ClientOptions& client);
int change_maintenance(const ClientOptions& client, const MaintenanceOptions& options);
// What was done to workers, newest first.
struct RestartsOptions {
  std::string worker, pool;  // empty = any
  int limit = 20;
};
int restarts(const ClientOptions& client, const RestartsOptions& options);
// Restarts of a pool or the fleet, one after the other.
struct RollingOptions {
  std::string id, pool, version, host, reason;
  std::string at_once;  // "3" or "10%"; empty = 1
  std::string verb;     // pause, resume, abort
  bool all = false, go_on = false, wait = false;
};
int rolling_start(const ClientOptions& client, const RollingOptions& options);
int rolling_status(const ClientOptions& client, const RollingOptions& options);
int rolling_change(const ClientOptions& client, const RollingOptions& options);
// What a restart would do to the tasks in flight; does nothing.
int restart_forecast(const ClientOptions& client, const ActOptions& options);
// What is wrong now, who has it, who is not told of it, what was said.
struct IncidentsOptions {
  std::string incident;  // its story; empty = the list
  bool all = false;      // ended ones too
};
int incidents(const ClientOptions& client, const IncidentsOptions& options);
int alerts(const ClientOptions& client);
struct AcknowledgeOptions {
  std::string target;  // an incident's id or an alert's key
  std::string comment, author, duration;
  bool on = true;  // false: gives it back
};
int acknowledge(const ClientOptions& client, const AcknowledgeOptions& options);
struct SilenceOptions {
  std::vector<std::string> matchers;
  std::string duration, from, until, comment, author;
};
int silence(const ClientOptions& client, const SilenceOptions& options);
int silences(const ClientOptions& client, bool all);
int unsilence(const ClientOptions& client, const std::string& id);
int notifications(const ClientOptions& client, bool open);
// Lets the monitor read its configuration file again.
int reload(const ClientOptions& client);

// The body of a good answer to GET. Errors as the monitor's, or why it does not answer.
Result<std::string> get_text(const ClientOptions& client, const std::string& path);
// "/health/workers/ID"
std::string worker_path(const std::string& id);

struct TokenOptions {
  std::string name, pool;
  std::vector<std::string> scopes;
};
int token(const TokenOptions& options);

// The data directory of a monitor, looked after from outside.
struct BackupOptions {
  std::string target, data_dir;
};
int backup(const BackupOptions& options);
struct CheckDataOptions {
  std::string data_dir;
  bool repair = false, json = false;
};
int check_data(const CheckDataOptions& options);
struct ExportOptions {
  std::string worker, data_dir, format = "csv";
  std::string from = "7d", to = "0s";  // an instant (RFC 3339), or how long ago
};
// One worker's history as text on standard output: from the directory when one is named, else from the monitor.
int export_history(const ClientOptions& client, const ExportOptions& options);
struct ImportOptions {
  std::string file, data_dir;
};
int import_history(const ImportOptions& options);

// Prints the `message` of a good answer, or the `detail` of a problem document on standard error; returns the exit
// code.
int report_answer(const HttpResponse& answer);

// Prints "paramedic: MESSAGE" and returns the exit code of its kind.
int fail(const Error& error);

}  // namespace paramedic::cli
