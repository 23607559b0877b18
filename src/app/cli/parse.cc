// argv → option structs. The only file that knows CLI11.
#include "app/cli/parse.h"

#include <iostream>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/version.h"
#include "app/demo/process_main.h"

namespace paramedic::cli {

namespace {

void add_client(CLI::App& command, ClientOptions& client) {
  command.add_option("--monitor", client.monitor, "URL of the monitor")
      ->envname("PARAMEDIC_MONITOR")
      ->capture_default_str();
  command.add_option("--token-file", client.token_file, "File with the bearer token")->envname("PARAMEDIC_TOKEN_FILE");
  command.add_flag("--json", client.json, "Print the monitor's JSON instead of a table");
}

struct Program {
  CLI::App app{
      "Paramedic keeps fleets of task workers alive: it watches them, tells you early and once, restarts what is "
      "broken."};
  int exit = 0;
  ServeOptions serve_options;
  AgentOptions agent_options;
  RunOptions run_options;
  DemoOptions demo_options;
  DemoBreakOptions break_options;
  CheckConfigOptions check_options;
  TestRulesOptions test_rules_options;
  SimulateOptions simulate_options;
  AnalyzeOptions analyze_options;
  ReplayOptions replay_options;
  BacktestOptions backtest_options;
  TestNotifyOptions notify_options;
  ClientOptions client;
  ActOptions act_options;
  RestartsOptions restarts_options;
  RollingOptions rolling_options;
  TopOptions top_options;
  HistoryOptions history_options;
  MaintenanceOptions maintenance_options;
  IncidentsOptions incidents_options;
  AcknowledgeOptions acknowledge_options;
  SilenceOptions silence_options;
  TokenOptions token_options;
  BackupOptions backup_options;
  CheckDataOptions check_data_options;
  ExportOptions export_options;
  ImportOptions import_options;
  std::string worker;
  bool all = false;

  void add_servers();
  void add_simulate();
  void add_analyze();
  void add_replay();
  void add_backtest();
  void add_test_notify();
  void add_care();
  void add_demo();
  void add_client_commands();
  void add_looking();
  void add_maintenance();
  void add_rolling();
  void add_alert_commands();
  CLI::App* add_asking(const char* name, const char* help);
  void add_act(const char* verb, const char* help, bool of_worker);
};

void Program::add_servers() {
  auto* serve_command = app.add_subcommand("serve", "Run the monitor");
  serve_command->add_option("--config", serve_options.config_file, "Configuration (YAML); without it all defaults");
  serve_command->add_option("--data-dir", serve_options.data_dir, "Where history.db and ledger.db live");
  serve_command->add_option("--listen", serve_options.listen, "ADDRESS:PORT; port 0 = any free one");
  serve_command->callback([this] { exit = serve(serve_options); });

  auto* agent_command =
      app.add_subcommand("agent", "Run the agent of this host: starts, measures and restarts workers");
  agent_command->add_option("--config", agent_options.config_file, "Configuration (YAML)")->required();
  agent_command->add_option("--parent", agent_options.parent, "End when this process ends")
      ->group("");  // hidden: for the demo
  agent_command->callback([this] { exit = agent(agent_options); });

  auto* run_command =
      app.add_subcommand("run", "Supervise one command: paramedic run --pool thumbs -- python worker.py");
  run_command->add_option("--id", run_options.id, "Worker id; default: host name and the command's name");
  run_command->add_option("--pool", run_options.pool, "Pool of the worker; default: default");
  run_command->add_option("--monitor", run_options.monitor, "URL of the monitor")
      ->envname("PARAMEDIC_MONITOR")
      ->capture_default_str();
  run_command->add_option("--token-file", run_options.token_file, "File with the agent's token")
      ->envname("PARAMEDIC_TOKEN_FILE");
  run_command->add_option("--data-dir", run_options.data_dir, "Where the supervisor keeps its journal");
  run_command->add_option("command", run_options.command, "The command and its arguments, after --")->required();
  run_command->callback([this] { exit = run(run_options); });

  auto* check = app.add_subcommand("check-config", "Say all that is wrong with configuration files");
  check->add_option("files", check_options.files, "Files of monitor or agent")->required();
  check->add_flag("--print", check_options.print, "Print the effective configuration, secrets as stars");
  check->add_option("--monitor", check_options.monitor, "Say what each rule would match now in this running monitor");
  check->add_option("--token-file", check_options.token_file, "File with the bearer token")
      ->envname("PARAMEDIC_TOKEN_FILE");
  check->callback([this] { exit = check_config(check_options); });

  auto* rule_tests = app.add_subcommand("test-rules", "Run unit tests of rules (docs/rules.md)");
  rule_tests->add_option("files", test_rules_options.files, "Files with tests")->required();
  rule_tests->callback([this] { exit = test_rules(test_rules_options); });

  auto* token_command = app.add_subcommand("token", "Make a token: prints the secret once and the line for token_file");
  token_command->add_option("name", token_options.name, "Whom it is for")->required();
  token_command->add_option("--scope", token_options.scopes, "report, operate (repeat for several)")->required();
  token_command->add_option("--pool", token_options.pool, "The only pool it may report for");
  token_command->callback([this] { exit = token(token_options); });
}

void Program::add_simulate() {
  auto* command = app.add_subcommand("simulate", "A simulated fleet under the real engine: what would be done");
  SimulateOptions& o = simulate_options;
  command->add_option("--workers", o.workers, "Simulated workers")->check(CLI::Range(2, 20000))->capture_default_str();
  command->add_option("--pools", o.pools, "Pools of the same size")->check(CLI::Range(1, 500))->capture_default_str();
  command->add_option("--days", o.days, "Simulated days")->check(CLI::Range(0.1, 60.0))->capture_default_str();
  command->add_option("--seed", o.seed, "The same seed gives the same run")->capture_default_str();
  command->add_option("--monitor-restarts", o.monitor_restarts, "How often the monitor is killed and begins anew")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->add_flag("--json", o.json, "Print JSON instead of text");
  command->callback([this] { exit = simulate_fleet(simulate_options); });
}

void Program::add_analyze() {
  auto* command =
      app.add_subcommand("analyze", "Score a series of your own with the anomaly detector: CSV in, CSV out");
  command->add_option("file", analyze_options.file, "CSV with the columns timestamp and value; - = standard input")
      ->required();
  command->add_flag("--forecast", analyze_options.forecast, "Also when the series will reach --limit, with an 80 % interval");
  command->add_option("--limit", analyze_options.limit, "The value whose crossing is foretold");
  command
      ->add_option("--kind", analyze_options.kind,
                   "How it degrades: memory, disk, gpu_memory, temperature, error_rate, latency, heartbeat_jitter, queue_age")
      ->check(CLI::IsMember({"memory", "disk", "gpu_memory", "temperature", "error_rate", "latency", "heartbeat_jitter",
                             "queue_age"}))
      ->capture_default_str();
  command->callback([this] { exit = analyze_file(analyze_options); });
}

void Program::add_replay() {
  auto* command = app.add_subcommand("replay", "Recorded days once more: what another configuration would have done");
  ReplayOptions& o = replay_options;
  command->add_option("--config", o.config_file, "The new configuration of the monitor (YAML)")->required();
  command->add_option("--old", o.old_config_file, "The old one, replayed too; default: what the ledger tells");
  command->add_option("--data-dir", o.data_dir, "Data directory or a backup; default: that of --config");
  command->add_option("--from", o.from, "Instant (RFC 3339) or how long ago; default: all that is recorded");
  command->add_option("--to", o.to, "Instant (RFC 3339) or how long ago; default: now");
  command->add_flag("--approximate", o.approximate, "From the history, even when inputs are recorded");
  command->add_flag("--json", o.json, "Print JSON instead of text");
  command->add_flag("--all", o.all, "Every single difference, not only the first ones");
  command->callback([this] { exit = replay_days(replay_options); });
}

void Program::add_backtest() {
  auto* command =
      app.add_subcommand("backtest", "Would anomalies and forecasts have seen the incidents of stored days coming?");
  BacktestOptions& o = backtest_options;
  command->add_option("--data-dir", o.data_dir, "Data directory of a monitor, or a backup")->required();
  command->add_option("--from", o.from, "Instant (RFC 3339) or how long ago")->capture_default_str();
  command->add_option("--to", o.to, "Instant (RFC 3339) or how long ago; default: now");
  command->add_flag("--json", o.json, "Print JSON instead of text");
  command->add_flag("--all", o.all, "Every single alarm, not only the first ones");
  command->callback([this] { exit = backtest_days(backtest_options); });
}

void Program::add_test_notify() {
  auto* command = app.add_subcommand("test-notify", "Send a marked test through a channel and print the answer");
  command->add_option("channel", notify_options.channel, "Name under `channels:`")->required();
  command->add_option("--config", notify_options.config_file, "Configuration of the monitor (YAML)")->required();
  command
      ->add_option("--kind", notify_options.kind,
                   "test; or firing, update, acknowledged, resolved: to see how a story looks")
      ->capture_default_str();
  command->add_option("--story", notify_options.story, "The story it belongs to (dedup key, thread)")
      ->capture_default_str();
  command->add_option("--remote-id", notify_options.remote_id, "As printed for the first message of the story");
  command->callback([this] { exit = test_notify(notify_options); });
}

void Program::add_care() {
  auto* backup_command = app.add_subcommand("backup", "Copy ledger and history while the monitor runs");
  backup_command->add_option("target", backup_options.target, "Directory to make; a data directory of its own")
      ->required();
  backup_command->add_option("--data-dir", backup_options.data_dir, "Data directory of the monitor")->required();
  backup_command->callback([this] { exit = backup(backup_options); });

  auto* check = app.add_subcommand("check-data", "Verify ledger, history and what waits to be sent");
  check->add_option("dir", check_data_options.data_dir, "Data directory of a monitor, or a backup")->required();
  check->add_flag("--repair", check_data_options.repair, "Set what is damaged aside; not while a monitor runs");
  check->add_flag("--json", check_data_options.json, "Print JSON instead of a table");
  check->callback([this] { exit = check_data(check_data_options); });

  auto* exporter = app.add_subcommand("export", "Print the history of one worker as text");
  exporter->add_option("worker", export_options.worker, "Worker id")->required();
  exporter->add_option("--data-dir", export_options.data_dir, "Read a data directory or a backup");
  exporter->add_option("--monitor", client.monitor, "URL of the monitor")
      ->envname("PARAMEDIC_MONITOR")
      ->capture_default_str();
  exporter->add_option("--token-file", client.token_file, "File with the bearer token")
      ->envname("PARAMEDIC_TOKEN_FILE");
  exporter->add_option("--format", export_options.format, "csv or openmetrics")
      ->check(CLI::IsMember({"csv", "openmetrics"}))
      ->capture_default_str();
  exporter->add_option("--from", export_options.from, "Instant (RFC 3339) or how long ago")->capture_default_str();
  exporter->add_option("--to", export_options.to, "Instant (RFC 3339) or how long ago")->capture_default_str();
  exporter->callback([this] { exit = export_history(client, export_options); });

  auto* importer = app.add_subcommand("import", "Put an export into the history of a data directory");
  importer->add_option("file", import_options.file, "CSV or OpenMetrics text of one worker")->required();
  importer->add_option("--data-dir", import_options.data_dir, "Data directory; no monitor may run on it")->required();
  importer->callback([this] { exit = import_history(import_options); });
}

void Program::add_demo() {
  auto* command =
      app.add_subcommand("demo", "A monitor, an agent and example workers that really work and can be broken");
  command->add_option("--data-dir", demo_options.data_dir,
                      "Keep its data here; default: a temporary directory, removed at the end");
  command->add_option("--listen", demo_options.listen, "ADDRESS:PORT; port 0 = any free one")->capture_default_str();
  command->add_option("--workers", demo_options.workers, "Example workers in two pools")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  auto* broken = command->add_subcommand("break", "Make a worker of a running demo misbehave");
  broken->add_option("id", break_options.target, "Worker id, or broker")->required();
  broken->add_option("mode", break_options.mode,
                     "crash hang leak errors slow starve disk model busy none; for broker: on or off");
  broken->add_option("--monitor", break_options.monitor, "URL of the demo")
      ->envname("PARAMEDIC_MONITOR")
      ->capture_default_str();
  broken->callback([this] { exit = demo_break(break_options); });
  command->callback([this, broken] {
    if (!broken->parsed()) exit = demo(demo_options);
  });
}

void Program::add_act(const char* verb, const char* help, bool of_worker) {
  auto* command = app.add_subcommand(verb, help);
  add_client(*command, client);
  if (of_worker) command->add_option("worker", act_options.worker, "Worker id")->required();
  command->add_option("--reason", act_options.reason, "For the audit");
  if (std::string_view(verb) == "restart")
    command->add_flag("--force", act_options.force,
                      "Also the last healthy worker of its pool, also under the big switch");
  if (std::string_view(verb) == "restart")
    command->add_flag("--dry-run", act_options.dry_run,
                      "Only tell what it would do, and what becomes of each task in flight");
  command->callback([this, verb] {
    act_options.verb = verb;
    exit = act(client, act_options);
  });
}

void Program::add_client_commands() {
  auto* status_command = app.add_subcommand("status", "Table of all workers");
  add_client(*status_command, client);
  status_command->callback([this] { exit = status(client); });
  auto* show_command = app.add_subcommand("show", "One worker with all findings");
  add_client(*show_command, client);
  show_command->add_option("worker", worker, "Worker id")->required();
  show_command->callback([this] { exit = show(client, worker); });
  auto* restarts_command = app.add_subcommand("restarts", "What was done to workers, newest first, step by step");
  add_client(*restarts_command, client);
  restarts_command->add_option("worker", restarts_options.worker, "Only this worker");
  restarts_command->add_option("--pool", restarts_options.pool, "Only this pool");
  restarts_command->add_option("--limit", restarts_options.limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  restarts_command->callback([this] { exit = restarts(client, restarts_options); });
  auto* reload_command = app.add_subcommand("reload", "Let the monitor read its configuration file again");
  add_client(*reload_command, client);
  reload_command->callback([this] { exit = reload(client); });
  add_act("restart", "Restart a worker", true);
  add_act("drain", "Ask a worker to take no new task", true);
  add_act("resume", "Ask a drained worker to take tasks again", true);
  add_act("quarantine", "Leave a worker as it is: no automatic start or stop", true);
  add_act("release", "End a quarantine; clears backoff and budget", true);
  add_act("approve", "Let a waiting remedy run", true);
  add_act("reject", "Say no to a waiting remedy: asked again in an hour, or when the worker turns ill anew", true);
  add_act("forget", "Forget a worker that is gone", true);
  add_act("freeze", "Big switch: hold all automatic action, starts included", false);
  add_act("thaw", "End the big switch", false);
}

void Program::add_looking() {
  auto* top_command = add_asking("top", "The worst workers, drawn anew every few seconds");
  top_command->add_option("--every", top_options.every_seconds, "Seconds between two drawings")
      ->check(CLI::Range(0.2, 3600.0))
      ->capture_default_str();
  top_command->add_option("--rows", top_options.rows, "Workers shown")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  top_command->add_option("--times", top_options.times, "So many drawings; 0 = until interrupted")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  top_command->callback([this] { exit = top(client, top_options); });
  auto* history_command = add_asking("history", "Stored points of one worker");
  history_command->add_option("worker", history_options.worker, "Worker id")->required();
  history_command->add_option("--hours", history_options.hours, "So far back")
      ->check(CLI::Range(1, 24 * 400))
      ->capture_default_str();
  history_command->add_option("--step", history_options.step, "One point per this time")->capture_default_str();
  history_command->add_option("--metrics", history_options.metrics, "Columns, with commas")->capture_default_str();
  history_command->callback([this] { exit = history(client, history_options); });
}

void Program::add_maintenance() {
  MaintenanceOptions& o = maintenance_options;
  auto* list = add_asking("maintenance", "What is in maintenance; on and off begin and end it");
  for (const bool on : {true, false}) {
    auto* change = list->add_subcommand(on ? "on" : "off", on ? "Mute alerts and hold remedies" : "End it");
    add_client(*change, client);
    auto* target = change->add_option_group("target");
    target->add_option("--worker", o.worker, "Of one worker");
    target->add_option("--pool", o.pool, "Of a pool");
    target->add_flag("--fleet", o.fleet, "Of the whole fleet");
    target->require_option(1);
    if (on) change->add_option("--for", o.duration, "How long, as 2h; default: until it is ended");
    change->add_option("--reason", o.reason, "For the audit");
    change->callback([this, on] {
      maintenance_options.on = on;
      exit = change_maintenance(client, maintenance_options);
    });
  }
  list->callback([this, list] {
    if (list->get_subcommands().empty()) exit = maintenance(client);
  });
}

void Program::add_rolling() {
  RollingOptions& o = rolling_options;
  auto* rolling = app.add_subcommand("rolling", "Restart a pool or the fleet, a few workers at a time");
  rolling->require_subcommand(1);
  auto* start = rolling->add_subcommand("start", "Begin one; each worker must prove itself before the next");
  add_client(*start, client);
  start->add_option("pool", o.pool, "Pool");
  start->add_flag("--all", o.all, "The whole fleet");
  start->add_option("--at-once", o.at_once, "So many at a time, as 3 or 10%; never more than may be down")
      ->check(CLI::Validator(
          [](const std::string& text) {
            const auto digits = text.find_first_not_of("0123456789");
            const bool good = !text.empty() && text.size() <= 4 && digits != 0 &&
                              (digits == text.npos || (digits == text.size() - 1 && text.back() == '%'));
            return good ? std::string() : "must be a number or a share, as 3 or 10%";
          },
          "N|N%"));
  start->add_option("--version", o.version, "Only workers of this version");
  start->add_option("--host", o.host, "Only workers of this host");
  start->add_flag("--go-on", o.go_on, "Do not pause when a restart fails");
  start->add_option("--reason", o.reason, "For the audit");
  start->add_flag("--wait", o.wait, "Stay until it is over or paused; 4 when not all were cured");
  start->callback([this] { exit = rolling_start(client, rolling_options); });
  auto* status_command = rolling->add_subcommand("status", "All of them, or one with its notes");
  add_client(*status_command, client);
  status_command->add_option("id", o.id, "Id of a rolling restart");
  status_command->add_flag("--wait", o.wait, "Stay until it is over or paused");
  status_command->callback([this] { exit = rolling_status(client, rolling_options); });
  const std::pair<const char*, const char*> changes[] = {{"pause", "Begin no further restart; what began ends"},
                                                         {"resume", "Go on with the next worker"},
                                                         {"abort", "End it for good; what began ends"}};
  for (const auto& [name, help] : changes) {
    const char* verb = name;  // clang 14 captures no structured binding
    auto* change = rolling->add_subcommand(verb, help);
    add_client(*change, client);
    change->add_option("id", o.id, "Id of a rolling restart")->required();
    change->add_option("--reason", o.reason, "For the audit");
    change->callback([this, verb] {
      rolling_options.verb = verb;
      exit = rolling_change(client, rolling_options);
    });
  }
}

CLI::App* Program::add_asking(const char* name, const char* help) {
  auto* command = app.add_subcommand(name, help);
  add_client(*command, client);
  return command;
}

void Program::add_alert_commands() {
  auto* incidents_command = add_asking("incidents", "Open incidents; with an id the whole story of one");
  incidents_command->add_option("incident", incidents_options.incident, "Incident id");
  incidents_command->add_flag("--all", incidents_options.all, "Ended ones too, newest first");
  incidents_command->callback([this] { exit = incidents(client, incidents_options); });
  add_asking("alerts", "Alerts that fire now")->callback([this] { exit = alerts(client); });

  auto* ack = add_asking("ack", "Take an incident: no reminders and no escalation while you work on it");
  ack->add_option("incident", acknowledge_options.target, "Incident id, or the key of an alert")->required();
  ack->add_option("--comment", acknowledge_options.comment, "What you know or do");
  ack->add_option("--author", acknowledge_options.author, "Who takes it; default: the token's name");
  ack->add_option("--for", acknowledge_options.duration, "How long, as 30m; default 8h");
  ack->callback([this] { exit = acknowledge(client, acknowledge_options); });
  auto* unack = add_asking("unack", "Give an incident back: reminders and escalation go on");
  unack->add_option("incident", acknowledge_options.target, "Incident id, or the key of an alert")->required();
  unack->add_option("--comment", acknowledge_options.comment, "Why");
  unack->callback([this] {
    acknowledge_options.on = false;
    exit = acknowledge(client, acknowledge_options);
  });

  auto* silence_command = add_asking("silence", "Send no messages about what all matchers select");
  silence_command->add_option("matchers", silence_options.matchers, "As pool=thumbs, host!=h1, worker_id=~w-.*")
      ->required();
  auto* until = silence_command->add_option("--until", silence_options.until, "End, as 2026-11-25T04:00:00Z");
  silence_command->add_option("--for", silence_options.duration, "How long, as 2h")->excludes(until);
  silence_command->add_option("--from", silence_options.from, "Start, as 2026-11-25T04:00:00Z; default: now");
  silence_command->add_option("--comment", silence_options.comment, "Why");
  silence_command->add_option("--author", silence_options.author, "Who wants it; default: the token's name");
  silence_command->callback([this] { exit = silence(client, silence_options); });
  auto* silences_command = add_asking("silences", "Silences and maintenance windows in force");
  silences_command->add_flag("--all", all, "Ended ones too, newest first");
  silences_command->callback([this] { exit = silences(client, all); });
  auto* unsilence_command = add_asking("unsilence", "End a silence now");
  unsilence_command->add_option("silence", worker, "Silence id")->required();
  unsilence_command->callback([this] { exit = unsilence(client, worker); });
  auto* messages = add_asking("notifications", "Messages and what became of them, newest first");
  messages->add_flag("--open", all, "Only those under way");
  messages->callback([this] { exit = notifications(client, all); });
}

}  // namespace

int parse_and_run(int argc, char** argv) {
  // The demo's own processes come first: they must run before any library starts a thread.
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (!args.empty() && args[0] == "demo-broker") return demo::demo_broker_main({args.begin() + 1, args.end()});
  if (!args.empty() && args[0] == "demo-worker") return demo::demo_worker_main({args.begin() + 1, args.end()});
  Program program;
  program.app.set_version_flag("--version", std::string("paramedic ") + kVersion);
  program.app.require_subcommand(1);
  program.add_servers();
  program.add_simulate();
  program.add_analyze();
  program.add_replay();
  program.add_backtest();
  program.add_test_notify();
  program.add_care();
  program.add_demo();
  program.add_client_commands();
  program.add_looking();
  program.add_maintenance();
  program.add_rolling();
  program.add_alert_commands();
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = program.app.exit(error);
    return code == 0 ? 0 : exit_code(Errc::invalid_argument);
  }
  return program.exit;
}

}  // namespace paramedic::cli
