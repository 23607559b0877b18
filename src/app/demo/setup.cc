#include "app/demo/setup.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "app/demo/control.h"
#include "app/demo/unix_socket.h"
#include "app/demo/work.h"

namespace paramedic::demo {

namespace {

constexpr std::size_t kModelBytes = 4 << 20;
constexpr int kMemoryLimitMb = 200;
constexpr int kDiskQuotaMb = 64;
constexpr std::string_view kPools[] = {"thumbs", "hashes"};

int workers_of(const DemoSetupOptions& options, std::size_t pool) {
  return (options.workers + (pool == 0 ? 1 : 0)) / 2;
}

// Everything that differs from a production set-up, and why it is so: each fault must show itself within a minute.
constexpr std::string_view kMonitorYaml = R"(# Written by `paramedic demo`; every start writes it anew.
listen: {listen}
data_dir: {data_dir}
interval: 1s
history:
  resolution: 1s
pools:
  default:
    min_healthy: 1
    checks:
      heartbeat:
        warning_after: 5s
        critical_after: 10s
        start_grace: 20s
        start_grace_model: 30s
        stopped_after: 10s
      resources:
        cpu_window: 30s
        cpu_warning_percent: 35
        cpu_critical_percent: 50
      task_performance:
        window: 1m
        min_tasks: 10
        expected_durations: {{resize: 150ms, crop: 150ms, digest: 150ms, pack: 150ms}}
        task_limits: {{resize: 20s, crop: 20s, digest: 20s, pack: 20s}}
      queue_connection:
        disconnected_after: 10s
        restart_disconnected_after: 1m
        not_consuming_after: 15s
      model_loading:
        expected: 10s
        deadline: 20s
      disk_space:
        ignore_mounts: [{mount}]
    recovery:
      stops_window: 5m
      stop_interval: 2s
      hourly_min: 30
      settle: 1s
      young_monitor: 5s
      drain: 5s
      max_drain: 20s
      term_grace: 5s
      verify_grace: 20s
      verify_grace_model: 30s
      verify_proof: 30s
      verify_alive: 10s
      backoff_first: 2s
      healthy_reset: 1m
      freeze_thaw_after: 5s
  thumbs: {{}}
  hashes: {{}}
)";

constexpr std::string_view kAgentYaml = R"(# Written by `paramedic demo`; every start writes it anew.
monitor:
  url: {url}
agent_id: demo
host: demo
data_dir: {data_dir}
report_period: 1s
on_exit: stop
workers:
)";

constexpr std::string_view kWorkerYaml = R"(  - id: {pool}-%i
    count: {count}
    pool: {pool}
    version: "1.0"
    command: [{program}, demo-worker, --root, {root}, --id, "{pool}-%i", --pool, {pool}, --memory-limit-mb, "{memory}", --disk-quota-mb, "{disk}", --cpu, "%i"]
    cwd: {workers}
    stdout: {log}
    memory_limit_mb: {memory}
    disk_quota_mb: {disk}
    disk_quota_dir: {quota_dir}
    drain_signal: USR1
    resume_signal: USR2
    term_grace: 5s
    concurrency: 1
)";

// A YAML double-quoted scalar.
// refused.
std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The highest folder above `path` on the same file system, as the agent names it.
std::filesystem::path mount_of(std::filesystem::path path) {
  struct ::stat here {};
  struct ::stat above {};
  if (::stat(path.c_str(), &here) != 0) return path;
  while (path.has_parent_path() && path != path.parent_path() && ::stat(path.parent_path().c_str(), &above) == 0 &&
         above.st_dev == here.st_dev)
    path = path.parent_path();
  return path;
}

std::vector<std::string> shortenings() {
  return {
      "reports and rounds every 1 s instead of 5 s and 30 s",
      "heartbeat: warning after 5 s, critical after 10 s of silence (usually 30 s and 60 s); stopped after 10 s (60 s)",
      "CPU: mean of 30 s, warning above 35 %, critical above 50 % (5 min, 90 %, 95 %): a busy worker shares this "
      "machine",
      "tasks: window of 1 min and 10 tasks (5 min, 20), expected 0.15 s each, hung after 20 s (learned, at least 300 "
      "s)",
      "queue: not consuming after 15 s, disconnected after 10 s, restarted for it after 1 min (60 s, 30 s, 2 min)",
      "model: deadline 20 s (300 s)",
      fmt::format("memory limit {} MB, disk quota {} MB per worker; the file system of this machine is not judged",
                  kMemoryLimitMb, kDiskQuotaMb),
      "recovery: first stop 5 s after the start of the monitor (60 s), 2 s apart (10 s), at least 30 an hour per pool "
      "(5), "
      "3 per worker in 5 min (30 min); a frozen pool thaws 5 s after its cause is gone (60 s)",
      "ladder: drain 5 s, TERM 5 s (30 s each); cure proven within 30 s (120 s); second start after 2 s (10 s)"};
}

Result<void> make_folder(const std::filesystem::path& dir) {
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) return errno_error("cannot create " + dir.string() + "; choose another --data-dir", failed.value());
  return {};
}

Result<void> prepare_pool(const DemoSetupOptions& options, std::size_t pool, DemoSetup& setup) {
  const DemoLayout layout{options.root};
  const std::string name(kPools[pool]);
  if (auto made = write_model(layout.model(name), kModelBytes, pool + 1); !made) return made.error();
  for (int i = 1; i <= workers_of(options, pool); ++i) {
    const std::string id = fmt::format("{}-{}", name, i);
    if (auto made = make_folder(layout.worker(id)); !made) return made.error();
    std::error_code ignored;
    std::filesystem::remove(layout.control(id), ignored);
    setup.worker_ids.push_back(id);
  }
  return {};
}

}  // namespace

std::string monitor_yaml(const DemoSetupOptions& options) {
  return fmt::format(kMonitorYaml, fmt::arg("listen", yaml_text(options.listen)),
                     fmt::arg("data_dir", yaml_text((options.root / "monitor").string())),
                     fmt::arg("mount", yaml_text(mount_of(options.root).string())));
}

std::string agent_yaml(const DemoSetupOptions& options) {
  const DemoLayout layout{options.root};
  std::string out = fmt::format(kAgentYaml, fmt::arg("url", yaml_text(options.monitor_url)),
                                fmt::arg("data_dir", yaml_text((options.root / "agent").string())));
  for (std::size_t pool = 0; pool < std::size(kPools); ++pool) {
    if (workers_of(options, pool) == 0) continue;
    const std::string quota_dir = layout.worker(fmt::format("{}-%i", kPools[pool])).string();
    out += fmt::format(
        kWorkerYaml, fmt::arg("pool", kPools[pool]), fmt::arg("count", workers_of(options, pool)),
        fmt::arg("program", yaml_text(options.program.string())), fmt::arg("root", yaml_text(options.root.string())),
        fmt::arg("workers", yaml_text(options.root.string())),
        fmt::arg("log", yaml_text((options.root / "workers.log").string())), fmt::arg("memory", kMemoryLimitMb),
        fmt::arg("disk", kDiskQuotaMb), fmt::arg("quota_dir", yaml_text(quota_dir)));
  }
  return out;
}

Result<void> write_agent_yaml(const DemoSetupOptions& options) {
  return write_file(options.root / "agent.yaml", agent_yaml(options));
}

Result<DemoSetup> prepare_demo(const DemoSetupOptions& options) {
  if (options.workers < 1 || options.workers > kMaxDemoWorkers)
    return make_error(Errc::invalid_argument,
                      fmt::format("--workers must be 1 to {}, not {}", kMaxDemoWorkers, options.workers));
  if (options.root.string().find("%i") != std::string::npos)
    return make_error(Errc::invalid_argument, "the data directory's name must not contain '%i'");
  const DemoLayout layout{options.root};
  for (const auto& dir :
       {layout.workers(), layout.broker(), layout.root / "models", layout.root / "monitor", layout.root / "agent"})
    if (auto made = make_folder(dir); !made) return made.error();
  DemoSetup setup{.shortenings = shortenings(),
                  .monitor_yaml = options.root / "monitor.yaml",
                  .agent_yaml = options.root / "agent.yaml"};
  for (std::size_t pool = 0; pool < std::size(kPools); ++pool)
    if (auto made = prepare_pool(options, pool, setup); !made) return made.error();
  // Two takes a second and worker, a quarter more than that, so that work is always waiting.
  setup.broker_tasks_per_second = 2.5 * workers_of(options, 0) + 1;
  if (auto on = set_broker(options.root, true); !on) return on.error();
  if (auto written = write_file(setup.monitor_yaml, monitor_yaml(options)); !written) return written.error();
  if (auto written = write_agent_yaml(options); !written) return written.error();
  return setup;
}

}  // namespace paramedic::demo
