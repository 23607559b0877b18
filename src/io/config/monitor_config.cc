#include "io/config/monitor_config.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/endpoint.h"
#include "base/ids.h"

namespace paramedic::config {

namespace {

constexpr int kMaxPools = 1000;

bool numeric_address(const std::string& text) {
  in6_addr out{};
  return ::inet_pton(AF_INET, text.c_str(), &out) == 1 || ::inet_pton(AF_INET6, text.c_str(), &out) == 1;
}

// "127.0.0.1:8420", "[::1]:8420" or ":8420" (all addresses).
void read_listen(ParamsReader& r, ListenConfig& out) {
  std::string text;
  r.read("listen", text);
  if (!r.has("listen") || text.empty()) {
    if (r.has("listen")) r.problem("listen", "must be ADDRESS:PORT, as 127.0.0.1:8420 or [::1]:8420");
    return;
  }
  const auto colon = text.rfind(':');
  std::string address = colon == std::string::npos ? text : text.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (address.size() >= 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  else if (address.find(':') != std::string::npos)
    address = "?";  // an IPv6 address without brackets: where does it end?
  if (address.empty()) address = "0.0.0.0";
  std::uint16_t number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (failed != std::errc{} || end != port.data() + port.size() || port.empty() || !numeric_address(address))
    return r.problem(
        "listen",
        fmt::format("'{}' must be ADDRESS:PORT with a numeric address, as 127.0.0.1:8420 or [::1]:8420", text));
  out = {std::move(address), number};
}

void read_sources(ParamsReader& r, std::vector<SourceConfig>& out) {
  ParamsReader sources = r.child("sources");
  for (SourceConfig& source : out) {
    ParamsReader one = sources.child(to_string(source.type));
    one.read("enabled", source.enabled);
    one.finish();
  }
  sources.finish();
}

void read_redis(ParamsReader& r, RedisConfig& out, bool spool) {
  ParamsReader redis = r.child("redis");
  redis.read("address", out.address);
  redis.read("tls", out.tls);
  redis.read("ca_file", out.ca_file);
  redis.read("username", out.username);
  redis.read("password_file", out.password_file);
  redis.read("database", out.database, 0, 1'000'000);
  redis.read("name", out.name);
  redis.read("timeout", out.timeout, 100ms, 1min);
  if (spool) redis.read_bytes("spool_max", out.spool_max_bytes, 1 << 20, std::uint64_t{16} << 30);
  const auto where = Endpoint::parse(out.address, "6379");
  if (!where) redis.problem("address", where.error().message);
  if (!valid_id(out.name)) redis.problem("name", explain_bad_id(out.name));
  if (!out.ca_file.empty() && !out.tls) redis.problem("ca_file", "needs tls: true");
  if (out.tls && where && where->unix_socket) redis.problem("tls", "a unix socket needs no TLS; leave it out");
  redis.finish();
}

void read_history(ParamsReader& r, HistoryConfig& out) {
  ParamsReader history = r.child("history");
  history.read("resolution", out.resolution, 1s, 1h);
  history.read("retention", out.retention, 1h, 24h * 366);
  // 0 = no cap; a cap below a few MiB would leave nothing but today.
  history.read_bytes("max_bytes", out.max_bytes, 0, std::uint64_t{1} << 50);
  history.read_enum("store", out.store);
  read_redis(history, out.redis, false);
  history.read_enum("record", out.record);
  history.read_bytes("record_max_bytes", out.record_max_bytes, 16 << 20, std::uint64_t{1} << 50);
  history.finish();
}

void read_ledger(ParamsReader& r, LedgerConfig& out) {
  ParamsReader ledger = r.child("ledger");
  ledger.read_enum("store", out.store);
  read_redis(ledger, out.redis, true);
  ledger.finish();
}

void read_limits(ParamsReader& r, LimitsConfig& out) {
  ParamsReader limits = r.child("limits");
  limits.read("max_workers", out.max_workers, 1, 1'000'000);
  limits.read("new_ids_per_second", out.new_ids_per_second, 1, 100'000);
  limits.read("max_agents", out.max_agents, 1, 100'000);
  limits.read("max_event_clients", out.max_event_clients, 1, 10'000);
  limits.read("inbox_reports", out.inbox_reports, 1000, 10'000'000);
  limits.finish();
}

void read_http(ParamsReader& r, HttpConfig& out) {
  ParamsReader http = r.child("http");
  http.read("max_connections", out.max_connections, 10, 1'000'000);
  http.read("threads", out.threads, 1, 64);
  http.read_bytes("max_body", out.max_body_bytes, 1024, 1 << 30);
  http.read_bytes("max_bulk", out.max_bulk_bytes, 1024, 1 << 30);
  http.read("header_timeout", out.header_timeout, 100ms, 10min);
  http.read("body_timeout", out.body_timeout, 100ms, 10min);
  http.read("idle_timeout", out.idle_timeout, 1s, 1h);
  http.read("write_timeout", out.write_timeout, 100ms, 10min);
  http.finish();
}

bool http_url(const std::string& url) {
  const std::size_t from = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  const auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  return from > 0 && url.size() > from && url[from] != '/' && std::all_of(url.begin(), url.end(), plain);
}

void read_dead_man(ParamsReader& r, DeadManConfig& out) {
  ParamsReader man = r.child("dead_man");
  man.read("url", out.url);
  man.read("url_file", out.url_file);
  man.read("every", out.every, 1s, 1h);
  if (!out.url.empty() && !http_url(out.url)) man.problem("url", "must be an http or https URL");
  if (!out.url.empty() && !out.url_file.empty()) man.problem("url_file", "cannot stand beside url");
  man.finish();
}

void read_external_url(ParamsReader& r, std::string& out) {
  r.read("external_url", out);
  if (!out.empty() && !http_url(out))
    r.problem("external_url", "must be an http or https URL, as https://paramedic.example.org");
  while (out.ends_with('/')) out.pop_back();
}

// Map by map, but for the executor: keys of one kind mean nothing to another.
Params over_default(const Params& base, const Params& settings) {
  Params out = merge(base, settings);
  if (const Params* own = settings.find("executor")) out.set("executor", *own);
  return out;
}

void read_pools(ParamsReader& r, std::map<std::string, Params>& out) {
  const Params* pools = r.take("pools");
  if (!pools || pools->kind == Params::Kind::null) return;
  if (!pools->is_map()) return r.problem("pools", "must be a map of pools");
  if (pools->members.size() > std::size_t(kMaxPools))
    return r.problem("pools", fmt::format("more than {} pools", kMaxPools));
  const auto bad = [&](const std::string& name, const Params& at, std::string why) {
    r.problems().push_back({at.file, at.line, "pools." + name, std::move(why)});
  };
  Params base = Params::map();
  if (const Params* common = pools->find(kDefaultPool); common && common->is_map()) base = *common;
  for (const auto& [name, settings] : pools->members) {
    if (!valid_id(name))
      bad(name, settings, explain_bad_id(name));
    else if (!settings.is_map() && settings.kind != Params::Kind::null)
      bad(name, settings, "must be a map of settings");
    else
      out[name] = name == kDefaultPool ? base : over_default(base, settings);
  }
}

void read_aliases(ParamsReader& r, std::map<std::string, std::string>& out) {
  r.read("aliases", out);
  for (const auto& [alias, id] : out)
    if (!valid_id(alias) || !valid_id(id)) r.problem("aliases", explain_bad_id(valid_id(alias) ? id : alias));
}

void read_log_level(ParamsReader& r, std::string& out) {
  r.read("log_level", out);
  if (out != "debug" && out != "info" && out != "warning" && out != "error")
    r.problem("log_level", fmt::format("'{}' must be one of: debug, info, warning, error", out));
}

std::uint64_t tree_hash(const Params& node) {
  std::uint64_t hash = hash_mix(stable_hash(node.scalar), std::uint64_t(node.kind));
  for (const Params& item : node.items) hash = hash_mix(hash, tree_hash(item));
  std::map<std::string_view, std::uint64_t> members;
  for (const auto& [key, value] : node.members) members[key] = tree_hash(value);
  for (const auto& [key, value] : members) hash = hash_mix(hash_mix(hash, stable_hash(key)), value);
  return hash;
}

// Rules over several keys.
void cross_check(ParamsReader& r, const MonitorConfig& c) {
  if (!c.listen.loopback() && c.token_file.empty())
    r.problem(
        "listen",
        "an address that others reach needs a token_file; listen on 127.0.0.1 or create one with `paramedic token`");
  if (c.data_dir.empty()) r.problem("data_dir", "must name a directory");
  if (c.http.max_bulk_bytes < c.http.max_body_bytes) r.problem("http", "max_bulk must not be smaller than max_body");
  if (c.history.max_bytes > 0 && c.history.max_bytes < 8u << 20)
    r.problem("history", "max_bytes must be 0 (no cap) or at least 8MiB");
  if (c.history.resolution > c.history.retention) r.problem("history", "resolution must not be longer than retention");
}

}  // namespace

bool ListenConfig::loopback() const { return address == "::1" || address.starts_with("127."); }

const Params& MonitorConfig::pool(std::string_view name) const {
  const auto found = pools.find(std::string(name));
  return found != pools.end() ? found->second : pools.at(std::string(kDefaultPool));
}

bool MonitorConfig::source_enabled(SourceKind kind) const {
  return std::any_of(sources.begin(), sources.end(),
                     [&](const SourceConfig& s) { return s.type == kind && s.enabled; });
}

MonitorConfig parse_monitor_config(const Params& tree, Problems& problems) {
  MonitorConfig c;
  c.hash = hash_hex(tree_hash(tree));
  ParamsReader r(&tree, "", problems);
  read_listen(r, c.listen);
  r.read("data_dir", c.data_dir);
  r.read("token_file", c.token_file);
  r.read("allowed_hosts", c.allowed_hosts);
  r.read("interval", c.interval, 1s, 1h);
  read_log_level(r, c.log_level);
  r.read("shutdown_grace", c.shutdown_grace, 0s, 10min);
  read_sources(r, c.sources);
  c.history.resolution = c.interval;
  read_history(r, c.history);
  read_ledger(r, c.ledger);
  read_limits(r, c.limits);
  read_http(r, c.http);
  read_remote_write(r, c.remote_write);
  read_external_url(r, c.external_url);
  if (const Params* channels = r.take("channels")) c.channels = *channels;
  read_dead_man(r, c.dead_man);
  if (const Params* probes = r.take("probes")) c.probes = *probes;
  read_pools(r, c.pools);
  if (const Params* executors = r.take("executors")) c.executors = *executors;
  read_aliases(r, c.aliases);
  if (const Params* alerting = r.take("alerting")) c.alerting = *alerting;
  if (const Params* analysis = r.take("analysis")) c.analysis = *analysis;
  if (const Params* route = r.take("route")) c.route = *route;
  if (const Params* inhibitions = r.take("inhibitions")) c.inhibitions = *inhibitions;
  if (const Params* notifications = r.take("notifications")) c.notifications = *notifications;
  if (const Params* windows = r.take("maintenance_windows")) c.maintenance_windows = *windows;
  cross_check(r, c);
  r.finish();
  return c;
}

}  // namespace paramedic::config
