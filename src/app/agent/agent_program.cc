#include "app/agent/agent_program.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "app/agent/agent.h"
#include "base/ids.h"
#include "io/config/yaml.h"

namespace paramedic::agent {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "paramedic-agent: %s\n", error.message.c_str());
  return exit_code(error.code);
}

LogLevel log_level(const std::string& word) {
  if (word == "debug") return LogLevel::debug;
  if (word == "warning") return LogLevel::warning;
  return word == "error" ? LogLevel::error : LogLevel::info;
}

// `last_exit`: of the only worker, when it ended on purpose.
Result<void> run_agent(AgentOptions options, std::optional<ExitInfo>* last_exit) {
  const auto logger = make_stderr_logger(log_level(options.config.log_level));
  const SystemClock clock;
  boost::asio::io_context io(1);
  Agent agent(std::move(options), *logger, clock);
  auto done = agent.run(io);
  if (done && last_exit && !agent.workers().empty()) *last_exit = agent.workers().front()->last_exit();
  return done;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Only what an id may hold.
std::string default_id(const std::string& command) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  std::string id = std::string(host) + "." + file_name(command);
  for (char& c : id)
    if (!valid_id(std::string(1, c))) c = '-';
  return id.substr(0, kMaxIdBytes);
}

Result<std::string> default_data_dir(const std::string& id) {
  const auto setting = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  auto base = setting("XDG_STATE_HOME");
  if (base.empty() && !setting("HOME").empty()) base = setting("HOME") + "/.local/state";
  if (base.empty())
    return make_error(Errc::invalid_argument, "neither XDG_STATE_HOME nor HOME is set; give --data-dir");
  return base + "/paramedic/run-" + hash_hex(stable_hash(id));
}

// Whether exec would find it: a typing mistake at the terminal is told at once instead of being retried for ever.
Result<void> check_command(const std::string& command) {
  if (command.find('/') != std::string::npos) {
    if (::access(command.c_str(), X_OK) == 0) return {};
    return errno_error("cannot run " + command, errno);
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/usr/bin:/bin";
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    if (::access((std::string(rest.substr(0, colon)) + "/" + command).c_str(), X_OK) == 0) return {};
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return make_error(Errc::not_found, "cannot run " + command + ": no such program in PATH");
}

Result<AgentOptions> single_options(const SingleWorker& single) {
  if (single.command.empty()) return make_error(Errc::invalid_argument, "no command; write it after --");
  if (const auto runnable = check_command(single.command[0]); !runnable) return runnable.error();
  config::WorkerSpec spec;
  spec.id = single.id.empty() ? default_id(single.command[0]) : single.id;
  if (!valid_id(spec.id)) return make_error(Errc::invalid_argument, "--id: " + explain_bad_id(spec.id));
  spec.pool = single.pool;
  if (!spec.pool.empty() && !valid_id(spec.pool))
    return make_error(Errc::invalid_argument, "--pool: " + explain_bad_id(spec.pool));
  spec.command = single.command;
  AgentOptions options;
  auto& config = options.config;
  config.monitor_url = single.monitor_url;
  config.token_file = single.token_file;
  // One agent per command: several on one host must not be taken for each other.
  config.agent_id = ("run." + spec.id).substr(0, kMaxIdBytes);
  config.data_dir = single.data_dir;
  if (config.data_dir.empty()) {
    auto folder = default_data_dir(spec.id);
    if (!folder) return folder.error();
    config.data_dir = std::move(*folder);
  }
  config.workers.push_back(std::move(spec));
  options.end_with_workers = true;
  return options;
}

}  // namespace

int run_agent_file(const std::string& config_file, const std::string& version) {
  Problems problems;
  const auto tree = config::load_yaml_file(config_file, problems);
  AgentOptions options;
  if (tree) options.config = config::parse_agent_config(*tree, problems);
  if (!problems.empty()) return fail(make_error(Errc::invalid_argument, config::format_problems(problems)));
  options.version = version;
  options.subreaper = true;
  const auto done = run_agent(std::move(options), nullptr);
  return done ? 0 : fail(done.error());
}

int run_single_worker(const SingleWorker& single, const std::string& version) {
  auto options = single_options(single);
  if (!options) return fail(options.error());
  options->version = version;
  options->subreaper = true;
  std::optional<ExitInfo> last;
  const auto done = run_agent(std::move(*options), &last);
  if (!done) return fail(done.error());
  return last && last->code ? *last->code : 0;
}

}  // namespace paramedic::agent
