#include "app/daemon/daemon.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <thread>

#include "app/daemon/command_router.h"
#include "app/daemon/engine_loop.h"
#include "app/daemon/executors.h"
#include "app/daemon/messenger.h"
#include "app/daemon/ports.h"
#include "io/api/api.h"
#include "io/api/guard.h"
#include "io/config/yaml.h"
#include "io/history/redis_history.h"
#include "io/ledger/redis_ledger.h"
#include "io/net/blocking_pool.h"
#include "io/net/http_server.h"
#include "io/probes/prober.h"
#include "io/restart/agent.h"
#include "io/telemetry/exporter.h"
#include "io/time_zones/time_zones.h"

namespace paramedic::daemon {

EngineConfig make_engine_config(const config::MonitorConfig& config, Problems& problems) {
  EngineConfig out;
  out.interval = config.interval;
  out.resolution = config.history.resolution;
  out.limits.max_workers = std::size_t(config.limits.max_workers);
  out.limits.new_ids_per_second = config.limits.new_ids_per_second;
  out.aliases.insert(config.aliases.begin(), config.aliases.end());
  out.alerting = parse_alerting_config(&config.alerting, "alerting", problems);
  out.analysis = parse_analysis_config(&config.analysis, "analysis", problems);
  out.rules = parse_rules(config.alerting.find("rules"), "alerting.rules", problems);
  out.notifier =
      parse_notifier_config({&config.channels, &config.route, &config.inhibitions, &config.notifications}, problems);
  out.windows = parse_maintenance_windows(&config.maintenance_windows, "maintenance_windows", load_time_zone, problems);
  for (const auto& [name, params] : config.pools) {
    PoolSettings settings = parse_pool_settings(params, "pools." + name, problems);
    if (name == config::kDefaultPool) out.defaults = settings;
    out.pools[name] = std::move(settings);
  }
  (void)restart::read_executors(config.executors, config.pools, problems);
  // Not the engine's, but every file that is read passes here: a mistake in a probe is a problem of the file as well.
  (void)probes::read_probes(config.probes, problems);
  return out;
}

namespace {

HttpServerOptions server_options(const config::MonitorConfig& config) {
  HttpServerOptions out;
  out.address = config.listen.address;
  out.port = config.listen.port;
  out.threads = std::size_t(config.http.threads);
  out.body_limit = config.http.max_body_bytes;
  const std::uint64_t one = config.http.max_body_bytes, bulk = config.http.max_bulk_bytes;
  out.body_limit_for = [one, bulk](std::string_view, std::string_view path) {
    return path == "/health/reports" ? bulk : one;
  };
  out.header_timeout = config.http.header_timeout;
  out.body_timeout = config.http.body_timeout;
  out.idle_timeout = config.http.idle_timeout;
  out.write_timeout = config.http.write_timeout;
  out.max_connections = std::size_t(config.http.max_connections);
  return out;
}

// The members stand in the order in which they are built; they end in the reverse order, after stop().
class DaemonImpl final : public Daemon, public api::MetricsPage {
 public:
  DaemonImpl(DaemonOptions options, const Clock& clock, Logger& log)
      : options_(std::move(options)), clock_(clock), log_(log), started_(clock.now()) {}
  ~DaemonImpl() override { stop(); }

  Result<void> open();
  Result<std::string> reload(std::string_view actor) override { return reload_->reload(actor); }
  std::uint16_t port() const override { return server_ ? server_->port() : 0; }
  void stop() override;
  std::string text(api::MetricsFormat format) override;

 private:
  Result<void> open_stores();
  Result<void> open_remote_write();
  void open_journal(const LedgerState& restored);
  void restore_analysis();
  void store(std::vector<HistoryRow> rows);
  Result<void> build_messenger();
  Result<void> start_prober();
  std::string problem() const;
  restart::PoolExecutor::Ports executor_ports();
  void build_engine();
  Result<void> listen();
  void perform(const Act& act);
  void log_alert(const Alert& alert);
  void prune_ledger();

  DaemonOptions options_;
  const Clock& clock_;
  Logger& log_;
  const Now started_;
  bool stopped_ = false;
  SteadyTime next_prune_{};  // the dispatcher's thread only

  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<History> history_;
  std::unique_ptr<HistoryWriter> history_writer_;
  std::unique_ptr<remote_write::RemoteWrite> remote_write_;  // null when nothing is configured
  std::unique_ptr<journal::InputJournal> journal_;           // null unless all inputs are recorded
  std::unique_ptr<Inbox> inbox_;
  std::unique_ptr<Messenger> messenger_;
  ViewHub hub_;
  std::unique_ptr<api::DeltaFeed::Subscription> gone_workers_;
  std::unique_ptr<CommandRouter> router_;
  std::unique_ptr<InboxSink> sink_;
  std::unique_ptr<AgentLinks> links_;
  std::unique_ptr<AgentExecutor> executor_;
  std::unique_ptr<Executors> executors_;  // of pools, for workers without agent
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineLoop> loop_;
  std::unique_ptr<probes::Prober> prober_;  // null when no probe is configured
  std::unique_ptr<ConfigReload> reload_;
  std::unique_ptr<BlockingPool> pool_;
  std::unique_ptr<IntakePort> intake_;
  std::unique_ptr<HistoryPort> history_port_;
  std::unique_ptr<LedgerPort> ledger_port_;
  std::unique_ptr<AgentPort> agent_port_;
  std::unique_ptr<InputsPort> inputs_port_;  // null as journal_
  std::unique_ptr<ReadinessPort> readiness_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<HttpServer> server_;
};

namespace {
RedisOptions redis_options(const config::RedisConfig& redis) {
  RedisOptions out;
  out.address = redis.address;
  out.tls = redis.tls;
  out.ca_file = redis.ca_file;
  out.username = redis.username;
  out.password_file = redis.password_file;
  out.database = redis.database;
  out.timeout = redis.timeout;
  return out;
}

Result<std::unique_ptr<Ledger>> open_ledger(const config::MonitorConfig& config, Logger& log) {
  if (config.ledger.store == config::StoreKind::sqlite) return open_sqlite_ledger({.data_dir = config.data_dir});
  RedisLedgerOptions out;
  out.data_dir = config.data_dir;
  out.name = config.ledger.redis.name;
  out.spool_max_bytes = config.ledger.redis.spool_max_bytes;
  out.redis = redis_options(config.ledger.redis);
  return open_redis_ledger(std::move(out), log);
}

Result<std::unique_ptr<History>> open_history(const config::MonitorConfig& config, Logger& log) {
  HistoryOptions options{
      .data_dir = config.data_dir, .retention = config.history.retention, .max_bytes = config.history.max_bytes};
  if (config.history.store == config::StoreKind::sqlite) return open_sqlite_history(options);
  RedisHistoryOptions out;
  out.history = std::move(options);
  out.name = config.history.redis.name;
  out.redis = redis_options(config.history.redis);
  return open_redis_history(std::move(out), log);
}
}  // namespace

Result<void> DaemonImpl::open_stores() {
  auto ledger = open_ledger(options_.config, log_);
  if (!ledger) return ledger.error();
  ledger_ = std::move(*ledger);
  auto history = open_history(options_.config, log_);
  if (!history) return history.error();
  history_ = std::move(*history);
  return open_remote_write();
}

Result<void> DaemonImpl::open_remote_write() {
  if (options_.config.remote_write.empty()) return {};
  auto remote = remote_write::RemoteWrite::start(remote_write_options(options_.config), clock_, log_);
  if (!remote) return remote.error();
  remote_write_ = std::move(*remote);
  for (const config::RemoteWriteConfig& one : options_.config.remote_write)
    if (one.credential_in_clear())
      log_.warning(
          "remote_write_in_clear",
          {{"destination", one.name}, {"remedy", "use an https url; the credential crosses the network unencrypted"}});
  gone_workers_ = hub_.subscribe([this](const FleetDelta& delta) {
    // Of a worker that stopped on purpose no rows come either, until it is back.
    for (const auto& worker : delta.changed)
      if (worker->inactive()) remote_write_->gone(worker->worker_id, delta.view->at, false);
    for (const std::string& worker_id : delta.removed) remote_write_->gone(worker_id, delta.view->at, true);
  });
  return {};
}

// No folder that it cannot write keeps the monitor from starting: /readyz says so.
void DaemonImpl::open_journal(const LedgerState& restored) {
  if (options_.config.history.record != config::RecordKind::full) return;
  journal_ = std::make_unique<journal::InputJournal>(journal_options(options_.config, options_.version), log_);
  journal_->begin(restored, started_);
  inputs_port_ = std::make_unique<InputsPort>(*journal_);
}

// Before the history's writer has a thread. What does not decode costs a day of learning, and nothing else.
void DaemonImpl::restore_analysis() {
  std::size_t taken = 0, refused = 0;
  std::string first_problem;
  const auto read = history_->read_states([&](std::string_view name, WallTime, std::string_view bytes) {
    if (journal_) journal_->analysis(name, bytes, started_);
    const auto done = engine_->restore_analysis(name, bytes, started_);
    taken += done ? 1 : 0;
    refused += done ? 0 : 1;
    if (!done && first_problem.empty()) first_problem = std::string(name) + ": " + done.error().message;
  });
  if (!read) first_problem = read.error().message;
  if (!first_problem.empty())
    log_.warning("analysis_not_restored",
                 {{"refused", refused}, {"reason", first_problem}, {"remedy", "it learns anew, which takes a day"}});
  log_.info("analysis_restored", {{"states", taken}});
}

// Never blocks: on the engine's thread.
void DaemonImpl::store(std::vector<HistoryRow> rows) {
  if (remote_write_) remote_write_->push(rows);
  history_writer_->push(std::move(rows));
}

// What the dead-man ping vouches for: the engine turns, keeps up, and the ledger takes what it decides.
std::string DaemonImpl::problem() const {
  constexpr Duration kStuck = 10s, kBehind = 30s;
  const SteadyTime now = clock_.now().steady;
  if (now - loop_->last_step() > kStuck) return "the engine does not step";
  if (inbox_->oldest_wait(now) > kBehind) return "the engine does not keep up with its inputs";
  const DispatcherStats dispatcher = dispatcher_->stats();
  if (dispatcher.degraded) return "the ledger cannot commit";
  return dispatcher.commit_running > kStuck ? "a commit of the ledger hangs" : "";
}

Result<void> DaemonImpl::build_messenger() {
  inbox_ = std::make_unique<Inbox>(InboxLimits{.live = std::size_t(options_.config.limits.inbox_reports)});
  auto made = Messenger::make(
      options_.config, options_.make_channel,
      {.tell_engine = [this](Input input) { return inbox_->push(std::move(input), clock_.now().steady); },
       .problem = [this] { return problem(); },
       .clock = clock_,
       .log = log_});
  if (!made) return made.error();
  messenger_ = std::move(*made);
  return {};
}

restart::PoolExecutor::Ports DaemonImpl::executor_ports() {
  restart::PoolExecutor::Ports out;
  out.tell = [this](ProgressInput progress) {
    progress.received = clock_.now().steady;
    const SteadyTime now = progress.received;
    return inbox_->push(Input(std::move(progress)), now).has_value();
  };
  out.find = [this](const std::string& worker_id) -> std::optional<restart::KnownWorker> {
    // What the last life left may be ordered again before the first publication.
    for (int i = 0; i < 500 && hub_.view()->generation == 0; ++i) std::this_thread::sleep_for(10ms);
    const auto worker = hub_.view()->find(worker_id);
    if (!worker) return std::nullopt;
    return restart::KnownWorker{worker->host, worker->incarnation};
  };
  return out;
}

Result<void> DaemonImpl::start_prober() {
  Problems problems;
  std::vector<probes::ProbeEntry> entries = probes::read_probes(options_.config.probes, problems);
  if (!problems.empty()) return make_error(Errc::invalid_argument, config::format_problems(problems));
  if (entries.empty()) return {};
  // A full inbox refuses it and counts that; the next try is seconds away.
  const auto tell = [this](ProbeInput input) { (void)inbox_->push(Input(std::move(input)), clock_.now().steady); };
  prober_ = std::make_unique<probes::Prober>(std::move(entries), tell, clock_, log_);
  prober_->start();
  return {};
}

void DaemonImpl::build_engine() {
  router_ = std::make_unique<CommandRouter>(*inbox_, clock_);
  sink_ = std::make_unique<InboxSink>(*inbox_, clock_);
  links_ = std::make_unique<AgentLinks>(
      *sink_, clock_, log_,
      AgentLinkOptions{.max_agents = std::size_t(options_.config.limits.max_agents), .version = options_.version});
  executor_ = std::make_unique<AgentExecutor>(
      [this](const std::string& source, const wire::MonitorFrame& frame) { return links_->send(source, frame); });
  executors_ = std::make_unique<Executors>(executors_of(options_.config), executor_ports());
  dispatcher_ = std::make_unique<Dispatcher>(
      Dispatcher::Ports{.commit =
                            [this](std::span<const LedgerEntry> entries) {
                              const auto done = ledger_->commit(entries);
                              if (done) messenger_->committed(entries);
                              return done;
                            },
                        .perform = [this](const Act& act) { perform(act); },
                        .tell_engine =
                            [this](Input input) {
                              // Before its acts are performed: what goes out now is not in the ledger.
                              if (const auto* ledger = std::get_if<LedgerStateInput>(&input))
                                messenger_->set_degraded(ledger->degraded);
                              (void)inbox_->push(std::move(input), clock_.now().steady);
                            },
                        .care = [this] { prune_ledger(); }},
      log_);
  engine_ = std::make_unique<Engine>(options_.engine, started_);
}

Result<void> DaemonImpl::open() {
  if (const auto opened = open_stores(); !opened) return opened.error();
  // Before the dispatcher exists: its thread owns the ledger from then on, and begins with a retention pass.
  const auto state = ledger_->load(started_);
  if (!state) return state.error();
  if (const auto built = build_messenger(); !built) return built;
  messenger_->restore(*ledger_, *state, started_);
  build_engine();
  open_journal(*state);
  engine_->restore(*state, started_);
  restore_analysis();
  history_writer_ = std::make_unique<HistoryWriter>(*history_, clock_, log_);
  log_.info(
      "restored",
      {{"workers", state->workers.size()}, {"actions", state->actions.size()}, {"incidents", state->incidents.size()}});
  SourceInput http;
  http.source = "http";
  http.kind = SourceKind::http;
  http.received = started_.steady;
  (void)inbox_->push(Input(std::move(http)), started_.steady);
  loop_ = std::make_unique<EngineLoop>(EngineLoop::Parts{
      *engine_, *inbox_, *dispatcher_, hub_, [this](std::vector<HistoryRow> rows) { store(std::move(rows)); },
      [this](std::vector<SavedState> states) { history_writer_->push_states(std::move(states)); }, journal_.get(),
      clock_, log_});
  loop_->start();
  messenger_->start();
  if (const auto probing = start_prober(); !probing) return probing;
  reload_ = std::make_unique<ConfigReload>(options_.config_file, clock_, log_,
                                           [this](const config::MonitorConfig& config, EngineConfig engine) {
                                             const auto taken = messenger_->reload(config);
                                             if (taken) executors_->configure(executors_of(config));
                                             if (taken) loop_->configure(std::move(engine), config.hash);
                                             return taken;
                                           });
  return listen();
}

namespace {
// The token table of a file; null when none is configured.
Result<std::shared_ptr<const api::TokenTable>> load_tokens(const std::string& file) {
  std::shared_ptr<const api::TokenTable> none;
  if (file.empty()) return none;
  std::ifstream in(file);
  if (!in) return errno_error("cannot read token_file " + file, errno);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Problems problems;
  auto table = std::make_shared<const api::TokenTable>(api::TokenTable::parse(text, file, problems));
  if (!problems.empty()) return Error{Errc::invalid_argument, config::format_problems(problems)};
  return std::shared_ptr<const api::TokenTable>(std::move(table));
}
}  // namespace

Result<void> DaemonImpl::listen() {
  const config::ListenConfig& where = options_.config.listen;
  const auto tokens = load_tokens(options_.config.token_file);
  if (!tokens) return tokens.error();
  const bool has_tokens = *tokens && (*tokens)->size() > 0;
  if (const auto allowed = api::check_listen(where.address, has_tokens); !allowed) return allowed.error();
  if (!api::is_loopback(where.address))
    log_.warning("listening_in_clear", {{"address", where.address},
                                        {"remedy", "put a TLS proxy in front; tokens cross the network unencrypted"}});

  pool_ = std::make_unique<BlockingPool>(2);
  intake_ = std::make_unique<IntakePort>(*inbox_, hub_, clock_, options_.config.limits.max_workers);
  history_port_ = std::make_unique<HistoryPort>(*history_);
  ledger_port_ = std::make_unique<LedgerPort>(*ledger_);
  agent_port_ = std::make_unique<AgentPort>(*links_);
  readiness_ = std::make_unique<ReadinessPort>(*loop_, *inbox_, *dispatcher_, *ledger_, *history_, *history_writer_,
                                               remote_write_.get(), journal_.get(), *messenger_, clock_);
  api::Ports ports;
  ports.fleet = &hub_;
  ports.commands = router_.get();
  ports.intake = intake_.get();
  ports.history = history_port_.get();
  ports.ledger = ledger_port_.get();
  ports.readiness = readiness_.get();
  ports.metrics = this;
  ports.feed = &hub_;
  ports.files = options_.files;
  ports.agents = options_.config.source_enabled(SourceKind::agent) ? agent_port_.get() : nullptr;
  ports.demo = options_.demo;
  ports.reload = reload_.get();
  ports.inputs = inputs_port_.get();
  api::ApiOptions api_options;
  api_options.guard.listen_address = where.address;
  api_options.guard.allowed_hosts = options_.config.allowed_hosts;
  api_options.events.max_clients = std::size_t(options_.config.limits.max_event_clients);
  api_options.version = options_.version;
  api_ = std::make_unique<api::Api>(std::move(api_options), ports, *tokens, *pool_, clock_, log_);
  server_ = std::make_unique<HttpServer>(server_options(options_.config), *api_, log_);
  if (const auto started = server_->start(); !started) return started.error();
  log_.info("listening", {{"address", where.address}, {"port", int(server_->port())}, {"tokens", has_tokens}});
  return {};
}

std::string DaemonImpl::text(api::MetricsFormat format) {
  telemetry::MonitorStats stats;
  stats.version = options_.version;
  stats.started_at = started_.wall;
  const ConfigReload::State configured = reload_->state();
  stats.config_reloaded = configured.success_at;
  stats.config_reload_ok = configured.ok;
  const InboxStats inbox = inbox_->stats();
  stats.inbox = {{"urgent", inbox.urgent, 0}, {"live", inbox.live, inbox.refused}, {"backlog", inbox.backlog, 0}};
  stats.inbox_oldest_age = inbox_->oldest_wait(clock_.now().steady);
  const api::ApiStats answered = api_->stats();
  for (const api::RouteCount& row : answered.requests)
    stats.http.push_back({std::string(row.method), std::string(row.route), row.status, row.count});
  stats.auth_failures = answered.auth_failures;
  stats.unknown_report_members = answered.unknown_report_members;
  stats.event_clients = answered.event_clients;
  stats.event_overflows = answered.event_overflows;
  const HttpServerStats server = server_->stats();
  stats.http_connections = server.connections_open;
  stats.http_connections_total = server.connections_accepted;
  stats.http_errors = server.parse_errors + server.timeouts;
  stats.http_refused_connections = server.connections_refused;
  const HistoryStats history = history_->stats();
  stats.history_rows = history.rows;
  stats.history_errors = history.failures;
  stats.history_damaged = history.damaged;
  stats.history_open_bytes = history.open_bytes;
  stats.history_bytes = history.file_bytes;
  stats.history_degraded = history.degraded;
  stats.history_buffered = history.buffered;
  const HistoryWriterStats writer = history_writer_->stats();
  stats.history_dropped = history.dropped + writer.dropped;
  stats.history_flush_seconds = writer.last_flush_seconds;
  const LedgerStats ledger = ledger_->stats();
  stats.ledger_commits = ledger.commits;
  stats.ledger_errors = ledger.failures;
  stats.ledger_reserve_spent = ledger.reserve_spent;
  if (remote_write_) stats.remote_write = remote_write_rows(*remote_write_);
  if (journal_) stats.input_journal = journal_row(*journal_);
  if (prober_)
    for (const probes::ProbeStats& probe : prober_->stats())
      if (probe.tries > 0) stats.probes.push_back({probe.name, probe.up, probe.duration, probe.failures});
  stats.executors = executors_->rows();
  messenger_->add_stats(stats);
  stats.ledger_store_away = ledger.store_away;
  stats.ledger_spool_bytes = ledger.spool_bytes;
  stats.ledger_spool_waiting = ledger.spool_waiting;
  stats.ledger_spooled = ledger.spooled;
  stats.ledger_replayed = ledger.replayed;
  stats.ledger_pruned = ledger.pruned;
  add_process_stats(stats);
  return telemetry::render(
      *hub_.view(), stats,
      format == api::MetricsFormat::openmetrics ? telemetry::PageFormat::openmetrics : telemetry::PageFormat::text);
}

void DaemonImpl::perform(const Act& act) {
  if (executors_->perform(act) || executor_->perform(act) || messenger_->perform(act)) return;
  if (const auto* answer = std::get_if<Answer>(&act)) return router_->answer(*answer);
  if (const auto* notify = std::get_if<Notify>(&act)) return log_alert(notify->alert);
}

void DaemonImpl::log_alert(const Alert& alert) {
  log_.warning(alert.state == AlertState::firing ? "alert_firing" : "alert_resolved",
               {{"key", alert.key},
                {"severity", to_string(alert.severity)},
                {"worker", alert.worker_id},
                {"pool", alert.pool},
                {"reason", to_string(alert.reason)},
                {"title", alert.title},
                {"message", alert.message}});
}

// Once an hour, but soon when the reserve is to be taken back.
void DaemonImpl::prune_ledger() {
  const Now now = clock_.now();
  if (now.steady < next_prune_ && !ledger_->stats().reserve_spent) return;
  next_prune_ = now.steady + 1h;
  const auto pruned = ledger_->prune(now);
  if (!pruned) log_.warning("ledger_not_pruned", {{"reason", pruned.error().message}});
  if (pruned && pruned->deleted > 0) log_.info("ledger_pruned", {{"records", pruned->deleted}});
}

void DaemonImpl::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (server_) server_->stop(options_.config.shutdown_grace);
  if (reload_) reload_->close();
  if (prober_) prober_->stop();
  // While the engine still runs, so that what became of the last restarts and messages reaches the ledger.
  if (executors_) executors_->stop(options_.config.shutdown_grace);
  if (messenger_) messenger_->stop(options_.config.shutdown_grace);
  if (loop_) loop_->stop();
  if (journal_) journal_->stop();
  if (dispatcher_) dispatcher_->stop();
  if (history_writer_) history_writer_->stop();
  if (remote_write_) remote_write_->stop();
  if (pool_) pool_->stop();
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(DaemonOptions options, const Clock& clock, Logger& log) {
  auto daemon = std::make_unique<DaemonImpl>(std::move(options), clock, log);
  if (const auto opened = daemon->open(); !opened) return opened.error();
  return std::unique_ptr<Daemon>(std::move(daemon));
}

}  // namespace paramedic::daemon
