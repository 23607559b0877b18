// paramedic demo: monitor (in this process), agent (a child, as on any host), queue server and example workers.
// paramedic demo break: tells a running demo over its API.
#include <filesystem>
#include <iostream>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/monitor.h"
#include "app/demo/broker_process.h"
#include "app/demo/control.h"
#include "app/demo/setup.h"
#include "io/net/http_client.h"
#include "io/wire/json_writer.h"

extern char** environ;

namespace paramedic::cli {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

class DemoPort final : public api::DemoControl {
 public:
  explicit DemoPort(fs::path root) : root_(std::move(root)) {}
  std::vector<std::string> modes() const override {
    std::vector<std::string> out;
    for (const std::string_view name : EnumNames<demo::Fault>::kNames) out.emplace_back(name);
    return out;
  }
  Result<std::string> break_worker(const std::string& worker_id, const std::string& mode) override {
    return demo::demo_break(root_, worker_id, mode);
  }

 private:
  fs::path root_;
};

// The data directory: the given one, or a temporary one that goes with this object.
class DemoDirectory {
 public:
  static Result<DemoDirectory> make(const std::string& wanted) {
    if (!wanted.empty()) return DemoDirectory(fs::absolute(wanted), false);
    std::string pattern = (fs::temp_directory_path() / "paramedic-demo-XXXXXX").string();
    if (!mkdtemp(pattern.data())) return errno_error("cannot make a directory " + pattern, errno);
    return DemoDirectory(pattern, true);
  }
  DemoDirectory(DemoDirectory&& other) noexcept
      : path(std::move(other.path)), temporary_(std::exchange(other.temporary_, false)) {}
  DemoDirectory(const DemoDirectory&) = delete;
  ~DemoDirectory() {
    std::error_code ignored;
    if (temporary_) fs::remove_all(path, ignored);
  }
  fs::path path;

 private:
  DemoDirectory(fs::path p, bool temporary) : path(std::move(p)), temporary_(temporary) {}
  bool temporary_;
};

// The agent as its own process and process group: a Ctrl-C at the terminal reaches only the demo, which ends it in
// order.
class AgentProcess {
 public:
  Result<void> start(const fs::path& program, const fs::path& config, const fs::path& log_file) {
    const std::string exe = program.string(), file = config.string();
    std::vector<std::string> words = {exe, "agent", "--config", file, "--parent", std::to_string(getpid())};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);  // the monitor's sockets stay here
    const int failed = posix_spawn(&pid_, exe.c_str(), &files, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) {
      pid_ = 0;
      return errno_error("cannot start the agent " + exe, failed);
    }
    return {};
  }
  // TERM; the agent takes its workers down; KILL when it does not end in time.
  void stop(Duration patience) {
    if (pid_ == 0) return;
    kill(pid_, SIGTERM);
    for (Duration waited{0}; waited < patience; waited += 50ms) {
      if (ended()) return;
      std::this_thread::sleep_for(50ms);
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // True when it is not running (any more).
  bool ended() {
    if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }
  ~AgentProcess() { stop(Duration{1s}); }

 private:
  pid_t pid_ = 0;
};

void print_welcome(const std::string& url, const fs::path& root, const demo::DemoSetup& setup) {
  fmt::print("\nDashboard   {0}/\nMetrics     {0}/metrics\nAPI         {0}/health/workers\nData        {1}\n\n", url,
             root.string());
  fmt::print("Shorter than in production, so that everything shows within a minute:\n");
  for (const std::string& line : setup.shortenings) fmt::print("  {}\n", line);
  fmt::print("\nTry (in another terminal, or with the buttons on the page):\n");
  const std::string& id = setup.worker_ids.front();
  const std::string monitor = url == "http://127.0.0.1:8420" ? "" : " --monitor " + url;
  for (const demo::Fault fault :
       {demo::Fault::crash, demo::Fault::hang, demo::Fault::leak, demo::Fault::errors, demo::Fault::slow,
        demo::Fault::starve, demo::Fault::disk, demo::Fault::model, demo::Fault::busy})
    fmt::print("  paramedic demo break {} {:<7}{}  # {}\n", id, to_string(fault), monitor, demo::describe(fault));
  fmt::print("  paramedic demo break broker off{}  # stops the queue server; `on` starts it again\n", monitor);
  fmt::print("\nCtrl-C ends everything.\n\n");
  std::fflush(stdout);
}

std::string host_for_url(const std::string& address) {
  if (address == "0.0.0.0" || address == "::") return "127.0.0.1";
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

}  // namespace

int demo(const DemoOptions& options) {
  auto directory = DemoDirectory::make(options.data_dir);
  if (!directory) return fail(directory.error());
  std::error_code no_link;
  demo::DemoSetupOptions layout{.root = directory->path,
                                .program = fs::read_symlink("/proc/self/exe", no_link),
                                .listen = options.listen,
                                .workers = options.workers};
  const auto setup = demo::prepare_demo(layout);
  if (!setup) return fail(setup.error());
  auto settings = load_monitor(setup->monitor_yaml.string(), "", options.listen);
  if (!settings) return fail(settings.error());

  asio::io_context loop;
  StopSignal stop(loop);
  const SystemClock clock;
  const auto log = make_stderr_logger(LogLevel::info);
  const EmbeddedFiles files;
  DemoPort control(directory->path);
  const std::string address = settings->config.listen.address;
  daemon::DaemonOptions parts{.config = std::move(settings->config),
                              .engine = std::move(settings->engine),
                              .version = kVersion,
                              .files = &files.files(),
                              .demo = &control};
  auto monitor = daemon::Daemon::start(std::move(parts), clock, *log);
  if (!monitor) return fail(monitor.error());

  layout.monitor_url = fmt::format("http://{}:{}", host_for_url(address), (*monitor)->port());
  if (const auto written = demo::write_agent_yaml(layout); !written) return fail(written.error());
  demo::BrokerProcess broker(layout.program, directory->path, setup->broker_tasks_per_second);
  AgentProcess agent;
  const auto started = agent.start(layout.program, setup->agent_yaml, directory->path / "agent.log");
  if (!started) return fail(started.error());
  print_welcome(layout.monitor_url, directory->path, *setup);

  // The queue server is watched from this thread, which lives as long as it.
  asio::steady_timer tick(loop);
  SteadyTime agent_again{};
  std::function<void()> watch = [&] {
    if (const auto ticked = broker.tick(clock.now().steady); !ticked)
      log->warning("demo_broker", {{"reason", ticked.error().message}});
    if (agent.ended() && clock.now().steady >= agent_again) {  // killed: the next one adopts the workers
      agent_again = clock.now().steady + 2s;
      log->warning("demo_agent_ended",
                   {{"look_at", (directory->path / "agent.log").string()}, {"effect", "started again"}});
      if (const auto again = agent.start(layout.program, setup->agent_yaml, directory->path / "agent.log"); !again)
        log->error("demo_agent", {{"reason", again.error().message}});
    }
    tick.expires_after(std::chrono::milliseconds(200));
    tick.async_wait([&](const boost::system::error_code& failed) {
      if (!failed) watch();
    });
  };
  watch();
  const int signal = stop.wait();
  log->info("stopping", {{"signal", signal}});
  agent.stop(Duration{20s});
  broker.stop();
  (*monitor)->stop();
  return 0;
}

int demo_break(const DemoBreakOptions& options) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object()
      .field("worker_id", options.target)
      .field("mode", options.mode.empty() ? std::string("off") : options.mode)
      .end_object();
  HttpCall call{.method = "POST",
                .url = options.monitor + "/demo/break",
                .body = body,
                .headers = {{"Content-Type", "application/json"}}};
  const auto answer = http_request(std::move(call));
  if (!answer)
    return fail(with_context(answer.error(),
                             "no demo answers at " + options.monitor + " (start `paramedic demo`, or give --monitor)"));
  return report_answer(*answer);
}

}  // namespace paramedic::cli
