// What readers see of the fleet: metrics, workers, pools, queues, sources.
#include <algorithm>
#include <cmath>

#include "core/fleet/fleet_impl.h"

namespace paramedic {

namespace {

using StandardValues = std::array<double, kStandardMetrics>;  // NaN = not known

void set(StandardValues& values, StandardMetric metric, const std::optional<double>& value) {
  const auto i = std::size_t(metric);
  if (value) values[i] = quantise(*value, metric_decimals(standard_metric_name(i)));
}

template <class List, class Get>
std::optional<double> highest(const List& list, Get get) {
  std::optional<double> out;
  for (const auto& item : list)
    if (const std::optional<double> value = get(item); value && (!out || *value > *out)) out = value;
  return out;
}

// The last 20 finished tasks where 5 min hold fewer; as in the check task_performance.
constexpr std::uint64_t kTasksWanted = 20;

void add_tasks(StandardValues& values, const WorkerFacts& w, SteadyTime now) {
  if (!w.tasks.stamp.known(now)) return;
  const auto sum = w.tasks.window.widened(now, kTasksWanted);
  set(values, StandardMetric::total_tasks, double(sum.finished));
  set(values, StandardMetric::completed_tasks, double(sum.completed()));
  set(values, StandardMetric::failed_tasks, double(sum.failed));
  set(values, StandardMetric::error_rate, sum.error_rate());
  set(values, StandardMetric::avg_duration_seconds, sum.mean_seconds());
  set(values, StandardMetric::tasks_per_minute, w.tasks.window.over(now).per_minute());
}

StandardValues standard_values(const WorkerFacts& w, SteadyTime now) {
  StandardValues values;
  values.fill(std::numeric_limits<double>::quiet_NaN());
  if (w.voice.heard) set(values, StandardMetric::last_heartbeat_seconds, to_seconds(now - *w.voice.heard));
  if (w.resources.stamp.known(now) && !w.dead()) {
    const ResourceFacts& r = w.resources;
    set(values, StandardMetric::cpu_percent, r.cpu_percent);
    set(values, StandardMetric::memory_percent, r.memory_percent);
    set(values, StandardMetric::memory_mb, r.memory_mb);
    set(values, StandardMetric::gpu_utilization, highest(r.gpus, [](const GpuFacts& g) { return g.utilization; }));
    set(values, StandardMetric::gpu_memory_percent,
        highest(r.gpus, [](const GpuFacts& g) { return g.memory_percent; }));
  }
  if (w.disk_stamp.known(now))
    set(values, StandardMetric::disk_percent, highest(w.disks, [](const DiskFacts& d) { return d.used_percent; }));
  add_tasks(values, w, now);
  return values;
}

QueuePart queue_part(const QueueFacts& q, const QueueContext& c, SteadyTime now) {
  QueuePart out;
  out.broker = c.broker;
  out.name = c.name;
  if (q.stamp.known(now)) {
    out.connected = q.connected;
    if (q.rtt_count > 0) out.rtt_ms = quantise(double(q.rtts_ms[0]), 3);
  }
  out.paused = c.paused;
  if (c.ready_stamp.known(now)) {
    out.ready = c.ready;
    out.oldest_age_seconds = c.oldest_age_seconds;
  }
  out.consumed = q.consumed;
  return out;
}

ModelPart model_part(const ModelFacts& m) {
  ModelPart out;
  out.name = m.name;
  out.state = m.state;
  out.load_seconds = m.load_seconds;
  out.progress = m.progress;
  out.error = m.error;
  out.smoke_ok = m.smoke_ok;
  return out;
}

}  // namespace

MetricSet Fleet::Impl::metrics_of(WorkerSlot& slot, const Now& now) {
  const WorkerFacts& w = slot.facts;
  const StandardValues values = standard_values(w, now.steady);
  std::uint32_t mask = slot.metric_mask;
  for (std::size_t i = 0; i < kStandardMetrics; ++i)
    if (!std::isnan(values[i])) mask |= 1u << i;
  if (!slot.schema || mask != slot.metric_mask || slot.schema->custom != w.metrics.names) {
    slot.metric_mask = mask;
    slot.schema = schemas.schema(mask, w.metrics.names);
  }
  const bool custom_known = w.metrics_stamp.known(now.steady);
  MetricSet out;
  out.names = slot.schema->names;
  out.values.reserve(slot.schema->from.size());
  for (const std::int16_t from : slot.schema->from) {
    if (from >= 0)
      out.values.push_back(values[std::size_t(from)]);
    else
      out.values.push_back(custom_known ? w.metrics.values[std::size_t(~from)]
                                        : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

MetricSet Fleet::metrics(WorkerHandle worker, const Now& now) { return impl_->metrics_of(impl_->at(worker), now); }

std::vector<TaskIncrease> Fleet::take_task_increases(WorkerHandle worker) {
  WorkerSlot& slot = impl_->at(worker);
  std::vector<TaskIncrease> out;
  if (slot.facts.tasks.types.empty()) return out;
  const auto types = impl_->pools[slot.pool].memory.durations();
  for (TaskTypeFacts& t : slot.facts.tasks.types) {
    const TaskCounts& n = t.unsaved;
    if (n.completed + n.failed + n.retried + n.revoked + n.lost + t.unsaved_durations.count() > 0)
      out.push_back({types[t.type].type, n.completed, n.failed, n.retried, n.revoked, n.lost, t.unsaved_durations});
    t.unsaved = TaskCounts{};
    t.unsaved_durations = DurationHistogram{};
  }
  std::sort(out.begin(), out.end(), [](const TaskIncrease& a, const TaskIncrease& b) { return a.type < b.type; });
  return out;
}

void Fleet::fill_view(WorkerHandle worker, const Now& now, WorkerView& view) {
  Impl& m = *impl_;
  WorkerSlot& slot = m.at(worker);
  const WorkerFacts& w = slot.facts;
  const auto types = m.pools[slot.pool].memory.durations();
  view.worker_id = w.worker_id;
  view.pool = w.pool;
  view.host = w.host;
  view.version = w.version;
  view.incarnation = w.incarnation;
  view.source = w.source;
  view.pid = w.process.pid;
  view.labels = w.labels;
  view.state = w.state;
  view.first_seen = slot.first_seen;
  view.started_at = w.process.started_at;
  view.last_report = w.last_report ? std::optional(wall_at(*w.last_report, now)) : std::nullopt;
  view.alive_at = w.voice.heard ? std::optional(wall_at(*w.voice.heard, now)) : std::nullopt;
  view.period = w.period;
  view.metrics = m.metrics_of(slot, now);
  view.tasks.clear();
  for (const TaskTypeFacts& t : w.tasks.types)
    view.tasks.push_back({types[t.type].type, t.total.completed, t.total.failed, t.total.retried, t.total.revoked,
                          t.total.lost, t.total_durations});
  std::sort(view.tasks.begin(), view.tasks.end(),
            [](const TaskTypeView& a, const TaskTypeView& b) { return a.type < b.type; });
  view.in_flight.clear();
  for (const InFlightFacts& f : w.in_flight)
    view.in_flight.push_back({f.id, types[f.type].type, wall_at(f.started, now), f.args_digest, f.traceparent});
  view.queues.clear();
  for (const QueueFacts& q : w.queues) view.queues.push_back(queue_part(q, m.queues.context(q.queue), now.steady));
  view.models.clear();
  for (const ModelFacts& model : w.models) view.models.push_back(model_part(model));
  view.last_exit = slot.last_exit;
}

PoolFacts Fleet::pool_facts(std::string_view pool, const Now& now) const {
  const Impl& m = *impl_;
  PoolFacts out;
  const FleetPool* found = m.find_pool(pool);
  if (!found) return out;
  out.name = found->name;
  out.active = found->counts.total;
  out.healthy = found->counts.healthy + found->counts.warning;
  out.unknown = found->counts.unknown;
  out.ever_active = found->ever_active;
  out.take_gap_p95 = found->memory.take_gap_p95();
  std::map<std::uint32_t, PoolQueueFacts> queues;
  for (const WorkerHandle h : found->workers) {
    const WorkerSlot& slot = m.at(h);
    const WorkerFacts& w = slot.facts;
    if (w.state == WorkerState::gone && !slot.forgotten) out.all_announced = false;
    if (w.stop && w.stop->back_within && w.state != WorkerState::gone && !returned(h))
      out.awaited.push_back({w.worker_id, w.stop_at + *w.stop->back_within});
    if (w.duplicate_seen && now.steady - *w.duplicate_seen <= fresh_for(w.period))
      out.duplicates.push_back(w.worker_id);
    if (w.tasks.stamp.known(now.steady) && !is_inactive(w.state))
      out.tasks_per_minute += w.tasks.window.over(now.steady).per_minute();
    for (const QueueFacts& q : w.queues) {  // who fell silent or died for its broker still depends on it
      const QueueContext& at = m.queues.context(q.queue);
      if (at.broker_down && (out.broker_down.empty() || at.broker < out.broker_down)) out.broker_down = at.broker;
    }
    if (is_inactive(w.state) || w.dead() || m.blind(slot)) continue;
    if (w.in_flight_stamp.known(now.steady)) {
      const int busy = int(w.in_flight.size()), slots = std::max(w.concurrency.value_or(std::max(busy, 1)), 1);
      out.slots += slots;
      out.busy_slots += std::min(busy, slots);
    }
    for (const QueueFacts& q : w.queues) {
      if (!q.stamp.known(now.steady)) continue;
      PoolQueueFacts& facts = queues[q.queue];
      facts.queue = &m.queues.context(q.queue);
      if (facts.queue->takes[0].worker != kNoWorker) facts.last_take = facts.queue->takes[0].at;
      const bool free =
          w.free_since && w.takes_known && w.state == WorkerState::running && !w.stop && q.connected != false;
      if (!free) continue;
      facts.free_slot = true;
      // Since when it could take: free, and connected if it tells.
      SteadyTime since = std::max({*w.free_since, w.first_heard, w.state_since});
      if (q.connected) since = std::max(since, q.connection_since);
      facts.free_since = std::min(facts.free_since.value_or(since), since);
    }
  }
  for (auto& [queue, facts] : queues) out.queues.push_back(facts);
  out.tasks_per_minute = quantise(out.tasks_per_minute, 2);
  return out;
}

// Of ids that do not survive a restart: somebody new on the same host and pool since the stop.
bool Fleet::returned(WorkerHandle worker) const {
  const WorkerFacts& w = facts(worker);
  if (id_scope(worker) == IdScope::worker) return false;
  for (const WorkerHandle h : workers_of_pool(w.pool)) {
    const WorkerFacts& other = facts(h);
    if (h != worker && other.host == w.host && other.first_heard > w.stop_at && !is_inactive(other.state)) return true;
  }
  return false;
}

std::vector<QueueView> Fleet::queue_views(const Now& now) const { return impl_->queues.views(now); }

std::vector<SourceView> Fleet::source_views(const Now& now) const {
  std::vector<SourceView> out;
  for (const auto& [id, index] : impl_->source_index) {
    const FleetSource& s = impl_->sources[index];
    SourceView view;
    view.id = s.id;
    view.kind = s.kind;
    view.host = s.host;
    view.version = s.version;
    view.state = s.state;
    view.since = wall_at(s.since, now);
    for (const WorkerHandle h : s.workers) view.workers += is_inactive(facts(h).state) ? 0 : 1;
    out.push_back(std::move(view));
  }
  return out;
}

}  // namespace paramedic
