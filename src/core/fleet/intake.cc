// Part by part from a report into the facts of its worker. Absent parts leave what is known; its age speaks for itself.
#include <algorithm>
#include <cmath>

#include "core/fleet/fleet_impl.h"

namespace paramedic {

namespace {

// Untrusted numbers: what is not finite or below zero is not known. Kept as the history stores it.
std::optional<double> clean(const std::optional<double>& value, std::string_view name) {
  if (!value || !std::isfinite(*value) || *value < 0) return std::nullopt;
  return quantise(*value, metric_decimals(name));
}

PartStamp stamp_of(const Arrival& a) { return {a.measured, fresh_for(a.period)}; }

}  // namespace

void Fleet::Impl::take(WorkerHandle h, SourceTrack& track, const Arrival& a, ReportOutcome& out) {
  WorkerSlot& slot = at(h);
  WorkerFacts& w = slot.facts;
  const Life life = life_of(slot, track, a);
  const Order order = order_of(track, a, life == Life::same && track.life == slot.life);
  const bool ghost =
      life == Life::same && w.dead() && !(a.report.process && a.report.process->exit);  // sent before the end
  if (life == Life::older) note_older(slot, a);
  if (order == Order::duplicate) {
    ++stats.reports_duplicate;
    out.duplicate = true;
    return;
  }
  if (life == Life::older || order == Order::late || ghost) {
    ++stats.reports_late;
    out.late = late_row(a.report, w.worker_id, a.measured, a.now);
    return;
  }
  const WorkerState before = w.state;
  if (life == Life::newer) {
    out.is_new_incarnation = true;
    if (w.state == WorkerState::gone) out.is_new_worker = true;
    out.previous_incarnation = w.incarnation;
    begin_life(slot, a);
  }
  track.life = slot.life;
  track.session = sources[track.source].session;
  if (a.report.seq) track.seq = a.report.seq;
  take_parts(slot, track, a, out);
  track.newest = std::max(track.newest.value_or(a.measured), a.measured);
  update_shares(slot, a.now);
  out.state_changed = out.is_new_worker || before != w.state;
  out.judge = true;
}

void Fleet::Impl::take_parts(WorkerSlot& slot, SourceTrack& track, const Arrival& a, ReportOutcome& out) {
  WorkerFacts& w = slot.facts;
  take_identity(slot, track, a);
  const bool spoke = take_voice(slot, track, a);
  slot.ever_heard = true;
  w.last_report = std::max(w.last_report.value_or(a.measured), a.measured);
  w.evidence_at = std::max(w.evidence_at, a.measured);
  take_resources(slot, a, spoke);
  take_tasks(slot, a);
  take_in_flight(slot, a);
  take_free_slot(slot, a);
  take_queues(slot, a);
  take_models(slot, a);
  take_disks(slot, a);
  take_metrics(slot, a);
  take_state(slot, a, spoke);
  take_process(slot, a, out);
}

void Fleet::Impl::take_identity(WorkerSlot& slot, SourceTrack& track, const Arrival& a) {
  WorkerFacts& w = slot.facts;
  const Report& r = a.report;
  if (!a.incarnation.empty()) {
    track.incarnation = a.incarnation;
    if (w.incarnation.empty()) w.incarnation = a.incarnation;
  }
  if (!r.host.empty()) w.host = r.host;
  if (w.host.empty()) w.host = sources[a.source].host;
  if (!r.version.empty()) w.version = r.version;
  if (r.labels) w.labels = *r.labels;
  if (r.concurrency && *r.concurrency > 0) w.concurrency = r.concurrency;
  w.period = a.period;
  if (!r.capabilities) return;
  Capabilities c = *r.capabilities;
  track.observer = !c.voice;
  if (slot.tracks.size() > 1) {  // what any of its sources can know
    c.voice = c.voice || w.capabilities.voice;
    c.tasks = c.tasks || w.capabilities.tasks;
    c.queues = c.queues || w.capabilities.queues;
    c.models = c.models || w.capabilities.models;
    c.process = c.process || w.capabilities.process;
  }
  w.capabilities = c;
}

// True when the worker was heard anew. A time that did not change is no new sign of life, however the sender's clock
// moved; one that changed happened after the report before this one.
bool Fleet::Impl::take_voice(WorkerSlot& slot, SourceTrack& track, const Arrival& a) {
  VoiceFacts& voice = slot.facts.voice;
  if (a.report.capabilities && (a.report.capabilities->voice || (slot.tracks.size() == 1 && !voice.heard)))
    voice.expected = a.report.capabilities->voice;
  std::optional<SteadyTime> heard;
  if (a.report.alive_at) {
    if (track.alive_at != a.report.alive_at) {
      heard = std::min(a.steady_of(*a.report.alive_at).value_or(a.measured), a.measured);
      if (track.alive_at && track.newest) heard = std::max(*heard, std::min(*track.newest, a.measured));
    }
    track.alive_at = a.report.alive_at;
    voice.expected = true;
    voice.period = a.period;
  } else if (sources[a.source].kind == SourceKind::http && !track.observer) {
    heard = a.measured;
    voice.expected = true;
    voice.period = a.period;
  }
  if (!heard || (voice.heard && *heard <= *voice.heard)) return false;
  voice.heard = heard;
  voice.silent_cores_sum = 0;
  voice.silent_cores_count = 0;
  return true;
}

void Fleet::Impl::take_process(WorkerSlot& slot, const Arrival& a, ReportOutcome& out) {
  if (!a.report.process) return;
  const ProcessPart& part = *a.report.process;
  WorkerFacts& w = slot.facts;
  ProcessFacts& p = w.process;
  if (part.pid) p.pid = part.pid;
  if (part.started_at) p.started_at = part.started_at;
  if (p.pid && !w.host.empty() && !part.exit && slot.indexed_pid != p.pid) {
    by_process[{w.host, *p.pid}] = w.handle;
    slot.indexed_pid = p.pid;
  }
  if (part.state != 0) {
    if (p.state != part.state || !p.stamp.known(a.measured)) p.state_since = a.measured;
    p.state = part.state;
  }
  if (part.threads) p.threads = part.threads;
  if (part.open_files) p.open_files = part.open_files;
  p.stamp = stamp_of(a);
  if (!part.exit || w.dead()) return;
  p.exit = slot.last_exit = part.exit;
  p.exited_at = a.measured;
  w.free_since.reset();
  out.exited = true;
  const auto& quiet = config.pools.contains(w.pool) ? config.pools.find(w.pool)->second : config.defaults;
  const bool intended = part.exit->code && !part.exit->signal &&
                        std::find(quiet.no_restart_exit_codes.begin(), quiet.no_restart_exit_codes.end(),
                                  *part.exit->code) != quiet.no_restart_exit_codes.end();
  if (w.stop || intended) {
    set_state(slot, WorkerState::stopped, a.measured);
    if (!w.stop) {
      w.stop = StopNotice{};
      w.stop_at = a.measured;
    }
  }
}

void Fleet::Impl::take_resources(WorkerSlot& slot, const Arrival& a, bool spoke) {
  if (!a.report.resources) return;
  const ResourcesPart& part = *a.report.resources;
  WorkerFacts& w = slot.facts;
  ResourceFacts& r = w.resources;
  // CPU is a mean since the sample before: only one that began after the last sign of life tells what silence burns.
  const bool within_silence = !spoke && w.voice.heard && r.stamp.at && *r.stamp.at >= *w.voice.heard;
  r.stamp = stamp_of(a);
  r.cpu_percent = clean(part.cpu_percent, "cpu_percent");
  if (part.cpu_cores) r.cpu_cores = clean(part.cpu_cores, "cpu_cores");
  r.memory_percent = clean(part.memory_percent, "memory_percent");
  r.memory_mb = clean(part.memory_mb, "memory_mb");
  r.memory_limit_mb = clean(part.memory_limit_mb, "memory_limit_mb");
  r.memory_limit_kind = part.memory_limit_kind;
  stats.samples += std::uint64_t(r.cpu_percent.has_value()) + r.memory_percent.has_value() + r.memory_mb.has_value();
  if (r.cpu_percent) {
    r.cpu.add(a.measured, *r.cpu_percent);
    if (within_silence && r.cpu_cores) {
      w.voice.silent_cores_sum += float(*r.cpu_percent / 100 * *r.cpu_cores);
      ++w.voice.silent_cores_count;
    }
  }
  std::vector<GpuFacts> gpus;
  for (const GpuPart& gpu : part.gpus) {
    if (gpus.size() == kMaxListItems) break;
    GpuFacts facts;
    const auto old = std::find_if(r.gpus.begin(), r.gpus.end(), [&](const GpuFacts& g) { return g.id == gpu.id; });
    if (old != r.gpus.end()) facts.xids = old->xids;
    facts.id = gpu.id;
    facts.utilization = clean(gpu.utilization, "gpu_utilization");
    facts.memory_percent = clean(gpu.memory_percent, "gpu_memory_percent");
    facts.temperature_celsius = clean(gpu.temperature_celsius, "temperature_celsius");
    if (gpu.xid && *gpu.xid > 0 && *gpu.xid <= UINT16_MAX) {
      const auto xid = std::uint16_t(*gpu.xid);
      auto same = std::find(facts.xids.begin(), facts.xids.end(), xid);
      if (same == facts.xids.end()) same = facts.xids.end() - 1;
      std::rotate(facts.xids.begin(), same, same + 1);
      facts.xids.front() = xid;
    }
    stats.samples += std::uint64_t(facts.utilization.has_value()) + facts.memory_percent.has_value();
    gpus.push_back(std::move(facts));
  }
  gpus.shrink_to_fit();
  r.gpus = std::move(gpus);
}

void Fleet::Impl::take_models(WorkerSlot& slot, const Arrival& a) {
  if (!a.report.models) return;
  WorkerFacts& w = slot.facts;
  PoolMemory& memory = pools[slot.pool].memory;
  std::vector<ModelFacts> list;
  for (const ModelPart& part : *a.report.models) {
    if (list.size() == kMaxListItems) break;
    const auto old =
        std::find_if(w.models.begin(), w.models.end(), [&](const ModelFacts& m) { return m.name == part.name; });
    ModelFacts m;
    m.name = part.name;
    m.state_since = m.progress_at = a.measured;
    if (old != w.models.end() && old->state == part.state) {
      m.state_since = old->state_since;
      m.progress_at = old->progress_at;
      if (part.progress && *part.progress > old->progress.value_or(0)) m.progress_at = a.measured;
    }
    m.state = part.state;
    m.load_seconds = clean(part.load_seconds, "load_seconds");
    if (part.progress && std::isfinite(*part.progress)) m.progress = part.progress;
    m.smoke_ok = part.smoke_ok;
    m.error = part.error.substr(0, 512);
    const bool became_ready =
        m.state == ModelState::ready && (old == w.models.end() || old->state != ModelState::ready);
    if (became_ready && m.load_seconds)
      memory.learn_load(m.name, *m.load_seconds);
    else if (became_ready && old != w.models.end() && old->state == ModelState::loading)
      memory.learn_load(m.name, to_seconds(a.measured - old->state_since));
    list.push_back(std::move(m));
  }
  list.shrink_to_fit();
  w.models = std::move(list);
  w.model_stamp = stamp_of(a);
}

void Fleet::Impl::take_disks(WorkerSlot& slot, const Arrival& a) {
  if (!a.report.disks) return;
  std::vector<DiskFacts> list;
  for (const DiskPart& part : *a.report.disks) {
    if (list.size() == kMaxListItems) break;
    DiskFacts disk;
    disk.mount = part.mount;
    disk.used_percent = clean(part.used_percent, "used_percent");
    disk.inodes_used_percent = clean(part.inodes_used_percent, "inodes_used_percent");
    disk.free_bytes = part.free_bytes;
    stats.samples += 3;
    list.push_back(std::move(disk));
  }
  list.shrink_to_fit();
  slot.facts.disks = std::move(list);
  slot.facts.disk_stamp = stamp_of(a);
}

// The shape only grows within one incarnation, so that a metric that pauses leaves no new shape behind. What a report
// leaves out is not known at that instant.
void Fleet::Impl::take_metrics(WorkerSlot& slot, const Arrival& a) {
  if (a.report.metrics.empty()) return;
  MetricSet& set = slot.facts.metrics;
  const bool fits = std::all_of(a.report.metrics.begin(), a.report.metrics.end(), [&](const auto& m) {
    return set.names && std::binary_search(set.names->begin(), set.names->end(), m.first);
  });
  if (!fits) {
    MetricNames names = set.names ? *set.names : MetricNames{};
    for (const auto& [name, value] : a.report.metrics) {
      const auto place = std::lower_bound(names.begin(), names.end(), name);
      if (place != names.end() && *place == name) continue;
      if (names.size() >= kMaxMetrics) break;
      names.insert(place, name);
    }
    set.names = schemas.intern(std::move(names));
  }
  set.values.assign(set.size(), std::numeric_limits<double>::quiet_NaN());
  for (const auto& [name, value] : a.report.metrics) {
    const auto place = std::lower_bound(set.names->begin(), set.names->end(), name);
    if (place == set.names->end() || *place != name || !std::isfinite(value)) continue;
    set.values[std::size_t(place - set.names->begin())] = quantise(value, metric_decimals(name));
    ++stats.samples;
  }
  slot.facts.metrics_stamp = stamp_of(a);
}

void Fleet::Impl::take_state(WorkerSlot& slot, const Arrival& a, bool spoke) {
  WorkerFacts& w = slot.facts;
  const Report& r = a.report;
  const auto announce = [&](StopReason reason) {
    if (w.stop) return;
    w.stop = StopNotice{.reason = reason};
    w.stop_at = a.measured;
  };
  if (r.stop) {
    if (!w.stop) w.stop_at = a.measured;
    w.stop = r.stop;
  }
  const auto said = r.state.value_or(WorkerState::gone);
  if (said == WorkerState::draining) announce(StopReason::drain);
  if (said == WorkerState::stopping || said == WorkerState::stopped) announce(StopReason::operator_request);
  if ((said == WorkerState::running || said == WorkerState::starting) && !r.stop) w.stop.reset();
  if (said <= WorkerState::stopping || said == WorkerState::stopped) return set_state(slot, said, a.measured);
  if (r.stop && !is_inactive(w.state))
    return set_state(slot, r.stop->reason == StopReason::drain ? WorkerState::draining : WorkerState::stopping,
                     a.measured);
  if (w.state == WorkerState::stopped && spoke) {  // speaks again after its announced stop: it did not stop
    w.stop.reset();
    set_state(slot, WorkerState::running, a.measured);
  }
  if (w.state == WorkerState::starting && (w.voice.heard || !w.voice.expected))
    set_state(slot, WorkerState::running, a.measured);
}

}  // namespace paramedic
