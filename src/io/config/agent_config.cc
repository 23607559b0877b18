#include "io/config/agent_config.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include "base/ids.h"

namespace paramedic::config {

namespace {

constexpr int kMaxWorkers = 1000;  // of one agent
constexpr std::string_view kIndex = "%i";

std::string replace_index(std::string text, int index) {
  const std::string number = std::to_string(index);
  for (std::size_t at = 0; (at = text.find(kIndex, at)) != std::string::npos; at += number.size())
    text.replace(at, kIndex.size(), number);
  return text;
}

WorkerSpec numbered(const WorkerSpec& pattern, int index) {
  WorkerSpec w = pattern;
  w.id = replace_index(w.id, index);
  for (auto& word : w.command) word = replace_index(word, index);
  for (auto& word : w.diagnostics.command) word = replace_index(word, index);
  for (auto& word : w.smoke.command) word = replace_index(word, index);
  for (auto& [name, text] : w.env) text = replace_index(text, index);
  w.cwd = replace_index(w.cwd, index);
  w.disk_quota_dir = replace_index(w.disk_quota_dir, index);
  w.stdout_to = replace_index(w.stdout_to, index);
  return w;
}

void read_signal(ParamsReader& r, std::string_view key, int& out) {
  std::string text;
  r.read(key, text);
  if (text.empty()) return;
  const auto number = parse_signal(text);
  if (!number)
    r.problem(key, fmt::format("'{}' is no signal; write a name as TERM or USR1", text));
  else if (*number == SIGKILL || *number == SIGSTOP)
    r.problem(key, fmt::format("{} cannot be handled by a worker; choose another signal", text));
  else
    out = *number;
}

void read_labels(ParamsReader& r, Labels& out) {
  std::map<std::string, std::string> labels;
  r.read("labels", labels);
  if (labels.size() > kMaxLabels)
    return r.problem("labels", fmt::format("has {} labels; at most {}", labels.size(), kMaxLabels));
  for (const auto& [name, text] : labels) {
    if (name.empty() || name.size() > kMaxLabelBytes || text.size() > kMaxLabelBytes)
      return r.problem("labels", fmt::format("'{}': names and values have at most {} bytes", name, kMaxLabelBytes));
  }
  out.assign(labels.begin(), labels.end());
}

void read_limit_mb(ParamsReader& r, std::string_view key, std::optional<std::uint64_t>& out) {
  int mb = 0;
  r.read(key, mb, 1, std::numeric_limits<int>::max());
  if (mb > 0) out = std::uint64_t(mb);
}

void read_diagnostics(ParamsReader& r, DiagnosticsHook& hook) {
  const Params* node = r.take("diagnostics");
  if (!node || node->kind == Params::Kind::null) return;
  ParamsReader own(node, r.path() + ".diagnostics", r.problems());
  if (!node->is_map()) return r.problem("diagnostics", "must be a map with command, signal or both");
  own.read("command", hook.command);
  if (!hook.command.empty() && hook.command[0].empty())
    own.problem("command", "must be a list: the program and its arguments");
  read_signal(own, "signal", hook.signal);
  own.read("timeout", hook.timeout, 100ms, 1min);
  own.finish();
  if (!hook.on()) r.problem("diagnostics", "needs a command, a signal or both");
}

void read_smoke(ParamsReader& r, SmokeHook& hook) {
  const Params* node = r.take("smoke");
  if (!node || node->kind == Params::Kind::null) return;
  ParamsReader own(node, r.path() + ".smoke", r.problems());
  if (!node->is_map()) return r.problem("smoke", "must be a map with at least a command");
  own.read("command", hook.command);
  if (hook.command.empty() || hook.command[0].empty())
    own.problem("command", "must be a list: the program and its arguments");
  own.read("interval", hook.interval, 1s, 1h);
  own.read("deadline", hook.deadline, 100ms, 5min);
  own.read("model", hook.model);
  if (!valid_id(hook.model)) own.problem("model", explain_bad_id(hook.model));
  own.finish();
}

// Everything but id and count.
void read_settings(ParamsReader& r, WorkerSpec& w) {
  r.read("pool", w.pool);
  if (!w.pool.empty() && !valid_id(w.pool)) r.problem("pool", explain_bad_id(w.pool));
  r.read("command", w.command);
  if (w.command.empty() || w.command[0].empty()) r.problem("command", "must be a list: the program and its arguments");
  r.read("cwd", w.cwd);
  r.read("env", w.env);
  for (const auto& [name, text] : w.env)
    if (name.empty() || name.find('=') != std::string::npos)
      r.problem("env", fmt::format("'{}' is no variable name", name));
  read_limit_mb(r, "memory_limit_mb", w.memory_limit_mb);
  read_limit_mb(r, "disk_quota_mb", w.disk_quota_mb);
  r.read("disk_quota_dir", w.disk_quota_dir);
  if (w.disk_quota_mb.has_value() == w.disk_quota_dir.empty())
    r.problem("disk_quota_mb", "disk_quota_mb and disk_quota_dir go together");
  r.read("no_restart_exit_codes", w.no_restart_exit_codes, 0, 255);
  read_signal(r, "drain_signal", w.drain_signal);
  read_signal(r, "resume_signal", w.resume_signal);
  if (w.resume_signal && !w.drain_signal) r.problem("resume_signal", "needs a drain_signal");
  r.read("term_grace", w.term_grace, 0s, 24h);
  read_diagnostics(r, w.diagnostics);
  read_smoke(r, w.smoke);
  r.read("user", w.user);
  read_labels(r, w.labels);
  r.read("concurrency", w.concurrency, 1, 1'000'000);
  r.read("period", w.period, 100ms, 1h);
  r.read("version", w.version);
  r.read("heartbeat_deadline", w.heartbeat_deadline, 100ms, 24h);
  r.read("watchdog", w.watchdog, 0s, 24h);
  r.read_bytes("last_words", w.last_words_bytes, 0, kMaxLastWords);
  r.read("stdout", w.stdout_to);
  if (w.stdout_to != "inherit" && w.stdout_to != "null" && w.stdout_to.find('/') == std::string::npos)
    r.problem("stdout", fmt::format("'{}' must be inherit, null or the path of a file", w.stdout_to));
}

void read_worker(const Params& node, std::size_t index, Problems& problems, std::vector<WorkerSpec>& out) {
  ParamsReader r(&node, fmt::format("workers[{}]", index), problems);
  if (!node.is_map()) {
    if (node.kind == Params::Kind::null)
      problems.push_back({node.file, node.line, r.path(), "must be a map of settings"});
    return;
  }
  WorkerSpec pattern;
  int count = 1;
  r.read("id", pattern.id);
  r.read("count", count, 1, kMaxWorkers);
  read_settings(r, pattern);
  r.finish();
  const bool many = pattern.id.find(kIndex) != std::string::npos;
  if (count > 1 && !many)
    return r.problem("id", fmt::format("must hold %i, since count is {}: the ids would be equal", count));
  if (out.size() + std::size_t(count) > std::size_t(kMaxWorkers))
    return r.problem("count", fmt::format("more than {} workers in one agent", kMaxWorkers));
  const std::string first = many ? replace_index(pattern.id, 1) : pattern.id;
  if (!valid_id(first)) return r.problem("id", r.has("id") ? explain_bad_id(first) : "is missing");
  for (int i = 1; i <= count; ++i) out.push_back(many ? numbered(pattern, i) : pattern);
}

void read_workers(ParamsReader& r, std::vector<WorkerSpec>& out) {
  const Params* workers = r.take("workers");
  if (!workers || workers->kind == Params::Kind::null)
    return r.problem("workers", "is missing: a list of the workers to run");
  if (workers->kind != Params::Kind::list) return r.problem("workers", "must be a list of workers");
  for (std::size_t i = 0; i < workers->items.size(); ++i) read_worker(workers->items[i], i, r.problems(), out);
  std::set<std::string> seen;
  for (const WorkerSpec& w : out)
    if (!seen.insert(w.id).second) r.problem("workers", fmt::format("two workers have the id '{}'", w.id));
}

void read_monitor(ParamsReader& r, AgentConfig& c) {
  ParamsReader monitor = r.child("monitor");
  monitor.read("url", c.monitor_url);
  monitor.read("token_file", c.token_file);
  monitor.read("ca_file", c.ca_file);
  monitor.finish();
  const bool http = c.monitor_url.starts_with("http://"), https = c.monitor_url.starts_with("https://");
  if ((!http && !https) || c.monitor_url.size() <= (https ? 8u : 7u) ||
      c.monitor_url.find_first_of(" \t\"'") != std::string::npos)
    monitor.problem("url", fmt::format("'{}' must be http://HOST:PORT or https://HOST:PORT", c.monitor_url));
  if (!c.ca_file.empty() && http) monitor.problem("ca_file", "means nothing with an http address; write https");
}

}  // namespace

std::optional<int> parse_signal(std::string_view text) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed == std::errc{} && end == text.data() + text.size()) {
    if (number < 1 || number >= NSIG) return std::nullopt;
    return number;
  }
  if (text.starts_with("SIG")) text.remove_prefix(3);
  for (int i = 1; i < NSIG; ++i)
    if (const char* name = ::sigabbrev_np(i); name && text == name) return i;
  return std::nullopt;
}

AgentConfig parse_agent_config(const Params& tree, Problems& problems) {
  AgentConfig c;
  ParamsReader r(&tree, "", problems);
  read_monitor(r, c);
  r.read("agent_id", c.agent_id);
  if (!c.agent_id.empty() && !valid_id(c.agent_id)) r.problem("agent_id", explain_bad_id(c.agent_id));
  r.read("host", c.host);
  if (!c.host.empty() && !valid_id(c.host)) r.problem("host", explain_bad_id(c.host));
  r.read("data_dir", c.data_dir);
  if (c.data_dir.empty()) r.problem("data_dir", "must name a directory");
  r.read("socket_dir", c.socket_dir);
  r.read("report_period", c.report_period, 100ms, 1h);
  r.read_enum("on_exit", c.on_exit);
  r.read("log_level", c.log_level);
  if (c.log_level != "debug" && c.log_level != "info" && c.log_level != "warning" && c.log_level != "error")
    r.problem("log_level", fmt::format("'{}' must be one of: debug, info, warning, error", c.log_level));
  read_workers(r, c.workers);
  r.finish();
  return c;
}

}  // namespace paramedic::config
