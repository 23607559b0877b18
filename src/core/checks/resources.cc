// resources: CPU, memory, GPU memory and GPU errors. Busy is not ill: only the worker's own memory limit and a fatal
// GPU error ask for a remedy.
#include <algorithm>

#include "core/checks/check.h"
#include "core/checks/checks.h"

namespace paramedic {

ResourcesConfig ResourcesConfig::parse(ParamsReader& reader) {
  ResourcesConfig c;
  reader.read("cpu_warning_percent", c.cpu_warning_percent, 1, 1000);
  reader.read("cpu_critical_percent", c.cpu_critical_percent, 1, 1000);
  reader.read("cpu_window", c.cpu_window, 30s, 5min);
  reader.read("memory_warning_percent", c.memory_warning_percent, 1, 1000);
  reader.read("memory_critical_percent", c.memory_critical_percent, 1, 1000);
  reader.read("gpu_memory_critical_percent", c.gpu_memory_critical_percent, 1, 1000);
  reader.read("fatal_xids", c.fatal_xids, 1, 65535);
  if (c.cpu_warning_percent >= c.cpu_critical_percent)
    reader.problem("cpu_warning_percent", "must be below cpu_critical_percent");
  if (c.memory_warning_percent >= c.memory_critical_percent)
    reader.problem("memory_warning_percent", "must be below memory_critical_percent");
  return c;
}

namespace {

constexpr double kNoLevel = std::numeric_limits<double>::infinity();

// Adds the cause when it is bad or would hold a bad one.
void add_percent(Finding& f, Reason reason, double value, const Thresholds& limits, RemedyKind remedy,
                 const std::string& subject = {}) {
  Cause cause;
  cause.reason = reason;
  cause.unit = "%";
  cause.remedy = remedy;
  if (!judge_sampled(cause, value, limits, clear_percent)) return;
  cause.subject = subject;
  f.causes.push_back(std::move(cause));
}

// A mean is judged once four fifths of its window are covered: 20 s of start-up are not 5 min.
bool judge_cpu(Finding& f, const Snapshot& s, const ResourcesConfig& c) {
  const auto mean = s.worker.resources.cpu.mean(s.taken_at, c.cpu_window);
  if (!mean || mean->covered < c.cpu_window * 4 / 5) return false;
  add_percent(f, Reason::cpu_high, mean->value, {c.cpu_warning_percent, c.cpu_critical_percent}, RemedyKind::none);
  return true;
}

bool judge_memory(Finding& f, const ResourceFacts& r, const ResourcesConfig& c) {
  if (!r.memory_percent) return false;
  const bool own = r.memory_limit_kind == MemoryLimitKind::cgroup || r.memory_limit_kind == MemoryLimitKind::configured;
  add_percent(f, Reason::memory_high, *r.memory_percent, {c.memory_warning_percent, c.memory_critical_percent},
              own ? RemedyKind::drain_restart : RemedyKind::none);
  return true;
}

bool judge_gpu(Finding& f, const GpuFacts& gpu, const ResourcesConfig& c) {
  if (gpu.memory_percent)
    add_percent(f, Reason::gpu_memory_high, *gpu.memory_percent, {kNoLevel, c.gpu_memory_critical_percent},
                RemedyKind::none, gpu.id);
  for (const int xid : gpu.xids) {
    if (xid == 0 || std::find(c.fatal_xids.begin(), c.fatal_xids.end(), xid) == c.fatal_xids.end()) continue;
    Cause cause;  // an event, not a threshold: counts at once
    cause.reason = Reason::gpu_error;
    cause.status = cause.hold_status = FindingStatus::critical;
    cause.value = xid;
    cause.subject = gpu.id;
    cause.remedy = RemedyKind::restart;
    f.causes.push_back(std::move(cause));
    return true;
  }
  return gpu.memory_percent.has_value() || gpu.utilization.has_value();
}

void add_metrics(Finding& f, const ResourceFacts& r) {
  f.metrics.reserve(5);
  const auto add = [&](std::string_view name, const std::optional<double>& value) {
    if (value) f.metrics.emplace_back(name, *value);
  };
  add("cpu_percent", r.cpu_percent);
  add("memory_percent", r.memory_percent);
  add("memory_mb", r.memory_mb);
  std::optional<double> utilization, memory;
  for (const GpuFacts& gpu : r.gpus) {
    if (gpu.utilization) utilization = std::max(utilization.value_or(0), *gpu.utilization);
    if (gpu.memory_percent) memory = std::max(memory.value_or(0), *gpu.memory_percent);
  }
  add("gpu_utilization", utilization);
  add("gpu_memory_percent", memory);
}

}  // namespace

// not_applicable to a worker that never told its resources; unknown while none of them can be judged.
Finding check_resources(const Snapshot& s, const ResourcesConfig& c) {
  Finding f = make_finding("resources", s);
  const ResourceFacts& r = s.worker.resources;
  if (!r.stamp.at) return std::move(set_not_applicable(f, "no resource data is reported"));
  if (s.worker.dead()) return std::move(set_unknown(f, "the process has ended"));
  if (!s.known(r.stamp)) return std::move(set_unknown(f, stale_note("resource", r.stamp, s)));
  f.evidence_at = *r.stamp.at;
  add_metrics(f, r);
  bool known = judge_cpu(f, s, c);
  known = judge_memory(f, r, c) || known;
  for (const GpuFacts& gpu : r.gpus) known = judge_gpu(f, gpu, c) || known;
  if (!known) return std::move(set_unknown(f, "too few samples for a mean yet"));
  settle(f);
  return f;
}

std::optional<SteadyTime> deadline_resources(const Snapshot&, const ResourcesConfig&) { return std::nullopt; }

}  // namespace paramedic
