#include "app/daemon/daemon.h"

#include <cerrno>
#include <fstream>
#include <iterator>

#include "app/daemon/command_router.h"
#include "app/daemon/engine_loop.h"
#include "app/daemon/ports.h"
#include "io/api/api.h"
#include "io/api/guard.h"
#include "io/config/yaml.h"
#include "io/history/redis_history.h"
#include "io/ledger/redis_ledger.h"
#include "io/net/blocking_pool.h"
#include "io/net/http_server.h"
#include "io/restart/agent.h"
#include "io/telemetry/exporter.h"

namespace paramedic::daemon {

EngineConfig make_engine_config(const config::MonitorConfig& config, Problems& problems) {
  EngineConfig out;
  out.interval = config.interval;
  out.resolution = config.history.resolution;
  out.limits.max_workers = std::size_t(config.limits.max_workers);
  out.limits.new_ids_per_second = config.limits.new_ids_per_second;
  out.aliases.insert(config.aliases.begin(), config.aliases.end());
  out.alerting = parse_alerting_config(&config.alerting, "alerting", problems);
  for (const auto& [name, params] : config.pools) {
    PoolSettings settings = parse_pool_settings(params, "pools." + name, problems);
    if (name == config::kDefaultPool) out.defaults = settings;
    out.pools[name] = std::move(settings);
  }
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
  std::uint16_t port() const override { return server_ ? server_->port() : 0; }
  void stop() override;
  std::string text(api::MetricsFormat format) override;

 private:
  Result<void> open_stores();
  Result<void> open_remote_write();
  void store(std::vector<HistoryRow> rows);
  void build_engine();
  Result<void> listen();
  void perform(const Act& act);
  void log_alert(const Alert& alert);
  Duration prune_ledger();

  DaemonOptions options_;
  const Clock& clock_;
  Logger& log_;
  const Now started_;
  bool stopped_ = false;

  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<History> history_;
  std::unique_ptr<HistoryWriter> history_writer_;
  std::unique_ptr<remote_write::RemoteWrite> remote_write_;  // null when nothing is configured
  std::unique_ptr<Inbox> inbox_;
  ViewHub hub_;
  std::unique_ptr<api::DeltaFeed::Subscription> gone_workers_;
  std::unique_ptr<CommandRouter> router_;
  std::unique_ptr<InboxSink> sink_;
  std::unique_ptr<AgentLinks> links_;
  std::unique_ptr<AgentExecutor> executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineLoop> loop_;
  std::unique_ptr<BlockingPool> pool_;
  std::unique_ptr<IntakePort> intake_;
  std::unique_ptr<HistoryPort> history_port_;
  std::unique_ptr<LedgerPort> ledger_port_;
  std::unique_ptr<AgentPort> agent_port_;
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
  history_writer_ = std::make_unique<HistoryWriter>(*history_, clock_, log_);
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

// Never blocks: on the engine's thread.
void DaemonImpl::store(std::vector<HistoryRow> rows) {
  if (remote_write_) remote_write_->push(rows);
  history_writer_->push(std::move(rows));
}

void DaemonImpl::build_engine() {
  inbox_ = std::make_unique<Inbox>(InboxLimits{.live = std::size_t(options_.config.limits.inbox_reports)});
  router_ = std::make_unique<CommandRouter>(*inbox_, clock_);
  sink_ = std::make_unique<InboxSink>(*inbox_, clock_);
  links_ = std::make_unique<AgentLinks>(
      *sink_, clock_, log_,
      AgentLinkOptions{.max_agents = std::size_t(options_.config.limits.max_agents), .version = options_.version});
  executor_ = std::make_unique<AgentExecutor>(
      [this](const std::string& source, const wire::MonitorFrame& frame) { return links_->send(source, frame); });
  dispatcher_ = std::make_unique<Dispatcher>(
      Dispatcher::Ports{
          .commit = [this](std::span<const LedgerEntry> entries) { return ledger_->commit(entries); },
          .perform = [this](const Act& act) { perform(act); },
          .tell_engine = [this](Input input) { (void)inbox_->push(std::move(input), clock_.now().steady); },
          .care = [this] { return prune_ledger(); }},
      log_);
  engine_ = std::make_unique<Engine>(options_.engine, started_);
}

Result<void> DaemonImpl::open() {
  if (const auto opened = open_stores(); !opened) return opened.error();
  // Before the dispatcher exists: its thread owns the ledger from then on, and begins with a retention pass.
  const auto state = ledger_->load(started_);
  if (!state) return state.error();
  build_engine();
  engine_->restore(*state, started_);
  log_.info(
      "restored",
      {{"workers", state->workers.size()}, {"actions", state->actions.size()}, {"incidents", state->incidents.size()}});
  SourceInput http;
  http.source = "http";
  http.kind = SourceKind::http;
  http.received = started_.steady;
  (void)inbox_->push(Input(std::move(http)), started_.steady);
  loop_ = std::make_unique<EngineLoop>(
      EngineLoop::Parts{*engine_, *inbox_, *dispatcher_, hub_,
                        [this](std::vector<HistoryRow> rows) { store(std::move(rows)); }, clock_, log_});
  loop_->start();
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
  readiness_ = std::make_unique<ReadinessPort>(*loop_, *inbox_, *dispatcher_, *ledger_, *history_writer_,
                                               remote_write_.get(), clock_);
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
  const HistoryWriterStats writer = history_writer_->stats();
  stats.history_flush_seconds = writer.last_flush_seconds;
  stats.history_degraded = writer.degraded;
  stats.history_waiting = history.buffered + writer.queued;
  stats.history_dropped = history.dropped + writer.dropped;
  const LedgerStats ledger = ledger_->stats();
  stats.ledger_commits = ledger.commits;
  stats.ledger_errors = ledger.failures;
  stats.ledger_reserve_spent = ledger.reserve_spent;
  if (remote_write_) stats.remote_write = remote_write_rows(*remote_write_);
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
  if (executor_->perform(act)) return;
  if (const auto* answer = std::get_if<Answer>(&act)) return router_->answer(*answer);
  if (const auto* notify = std::get_if<Notify>(&act)) return log_alert(notify->alert);
}

// Channels come with "Alerting"; until then the log tells.
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

// Returns when to come again: soon when the reserve is to be taken back.
Duration DaemonImpl::prune_ledger() {
  const auto pruned = ledger_->prune(clock_.now());
  if (!pruned) log_.warning("ledger_not_pruned", {{"reason", pruned.error().message}});
  if (pruned && pruned->deleted > 0) log_.info("ledger_pruned", {{"records", pruned->deleted}});
  return ledger_->stats().reserve_spent ? Duration(30s) : Duration(1h);
}

void DaemonImpl::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (server_) server_->stop(options_.config.shutdown_grace);
  if (loop_) loop_->stop();
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
