#include "app/replay/row_reports.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace paramedic::replay {

namespace {

constexpr Duration kUsualRow = 30s;
constexpr Duration kNewer = 500ms;  // ages are stored in milliseconds, rows stand beside them: less is the same sign

// Names of the monitor's own that reports carry in fields of their own, or that the engine computes from what it is
// given. All others are metrics of the worker's.
constexpr std::array<std::string_view, 13> kOwnNames = {
    "avg_duration_seconds", "completed_tasks",    "cpu_percent",     "disk_percent",           "error_rate",
    "failed_tasks",         "gpu_memory_percent", "gpu_utilization", "last_heartbeat_seconds", "memory_mb",
    "memory_percent",       "tasks_per_minute",   "total_tasks"};

bool own(std::string_view name) { return std::binary_search(kOwnNames.begin(), kOwnNames.end(), name); }

std::optional<WallTime> sign_of_life(const HistoryColumns& columns, std::size_t index) {
  RecordedRow row{.columns = &columns, .index = index};
  const auto age = row.metric("last_heartbeat_seconds");
  if (!age || !(*age >= 0) || *age > 1e8) return std::nullopt;
  return WallTime{std::chrono::milliseconds(columns.at[index])} - from_seconds(*age);
}

}  // namespace

Report RowReports::base(std::size_t worker, const std::string& worker_id, WallTime at) const {
  const WorkerFacts& facts = facts_[worker];
  const State& state = state_[worker];
  Report r;
  r.worker_id = worker_id;
  r.pool = facts.pool;
  r.host = facts.host;
  r.version = facts.version;
  r.incarnation = state.incarnation;
  r.sent_at = at;
  r.period = kVoiceEvery;
  if (state.started_at != WallTime{}) r.process = ProcessPart{.started_at = state.started_at};
  return r;
}

void RowReports::take(const RecordedRow& row, std::vector<Timed>& out) {
  State& state = state_[row.worker];
  const std::optional<WallTime> before = std::exchange(state.last_row, row.at);
  if (row.backlog) return;
  const std::optional<WallTime> alive = sign_of_life(*row.columns, row.index);
  const bool newer = alive && (!state.alive_at || *alive > *state.alive_at + kNewer);
  if (state.died_at) {
    if (!newer || *alive <= *state.died_at + kNewer) return;
    begins_life(row.worker, "", *alive);  // nobody told who started it
  }
  if (alive && !newer && !row.tasks) return;
  if (alive) state.alive_at = alive;

  Report report = base(row.worker, *row.worker_id, row.at);
  report.alive_at = alive;
  report.capabilities = Capabilities{.voice = alive.has_value(), .tasks = !state.tasks.empty() || row.tasks};
  report.state = WorkerState::running;
  if (!alive) report.period = kUsualRow;
  add_readings(row, report);
  add_tasks(row, state, report);
  out.push_back({row.at, row.worker, std::move(report)});

  // Until the sign of life that the next row tells of. At the end of a window that row is not known yet: as long as the
  // row before was away.
  WallTime until = row.at;
  if (row.index + 1 < row.columns->size()) {
    if (const auto next = sign_of_life(*row.columns, row.index + 1); alive && next) until = *next;
  } else if (alive && newer) {
    until = row.at + (before ? std::min<Duration>(row.at - *before, kUsualRow) : kUsualRow) - 1s;
  }
  for (WallTime at = row.at + kVoiceEvery; at < until; at += kVoiceEvery) {
    Report voice = base(row.worker, *row.worker_id, at);
    voice.alive_at = at;
    out.push_back({at, row.worker, std::move(voice)});
    state.alive_at = at;
  }
}

void RowReports::add_readings(const RecordedRow& row, Report& report) const {
  ResourcesPart resources;
  resources.cpu_percent = row.metric("cpu_percent");
  resources.memory_percent = row.metric("memory_percent");
  resources.memory_mb = row.metric("memory_mb");
  GpuPart gpu{.id = "recorded"};
  gpu.memory_percent = row.metric("gpu_memory_percent");
  gpu.utilization = row.metric("gpu_utilization");
  if (gpu.memory_percent || gpu.utilization) resources.gpus.push_back(std::move(gpu));
  if (resources.cpu_percent || resources.memory_percent || resources.memory_mb || !resources.gpus.empty())
    report.resources = std::move(resources);
  if (const auto used = row.metric("disk_percent"))
    report.disks = std::vector<DiskPart>{{.mount = "recorded", .used_percent = used}};
  for (const HistoryColumn& column : row.columns->metrics)
    if (!own(column.metric) && !std::isnan(column.values[row.index]) && report.metrics.size() < kMaxMetrics)
      report.metrics.emplace_back(column.metric, column.values[row.index]);
}

void RowReports::add_tasks(const RecordedRow& row, State& state, Report& report) const {
  if (row.tasks)
    for (const TaskIncrease& more : *row.tasks) {
      if (!state.tasks.contains(more.type) && state.tasks.size() >= kMaxTaskTypesPerWorker) continue;
      TaskPart& sum = state.tasks[more.type];
      sum.type = more.type;
      sum.completed += more.completed;
      sum.failed += more.failed;
      sum.retried += more.retried;
      sum.revoked += more.revoked;
      sum.lost += more.lost;
      sum.started += more.completed + more.failed + more.retried + more.revoked + more.lost;
      if (!sum.durations) sum.durations.emplace();
      sum.durations->add(more.durations);
    }
  if (state.tasks.empty()) return;
  auto& tasks = report.tasks.emplace();
  for (const auto& [type, sum] : state.tasks) tasks.push_back(sum);
}

Report RowReports::exit(std::size_t worker, const std::string& worker_id, const ExitInfo& how, WallTime at) {
  State& state = state_[worker];
  state.died_at = at;
  Report r = base(worker, worker_id, at);
  if (!r.process) r.process.emplace();
  r.process->exit = how;
  return r;
}

void RowReports::begins_life(std::size_t worker, const std::string& incarnation, WallTime at) {
  State& state = state_[worker];
  ++state.lives;
  state.incarnation = incarnation.empty() ? fmt::format("life {}", state.lives) : incarnation;
  state.started_at = at;
  state.died_at.reset();
  state.tasks.clear();
}

}  // namespace paramedic::replay
