// Whose report is it, of which life, and is it in time? Decides before anything is changed.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/fleet/fleet_impl.h"

namespace paramedic {

namespace {

// Two tools read the start of one process from the same tick counter but round it differently.
constexpr Duration kSameStart = 2s;

bool near(WallTime a, WallTime b) { return (a > b ? a - b : b - a) <= kSameStart; }

// Same process; nullopt when it cannot be told.
std::optional<bool> same_process(const std::optional<int>& pid, const std::optional<WallTime>& started,
                                 const ProcessPart& p) {
  if (pid && p.pid && *pid != *p.pid) return false;
  if (started && p.started_at && !near(*started, *p.started_at)) return false;
  if (pid && p.pid && started && p.started_at) return true;
  return std::nullopt;
}

std::string derived_incarnation(const Report& r) {
  if (!r.incarnation.empty() || !r.process || !r.process->pid) return r.incarnation;
  if (!r.process->started_at) return fmt::format("pid:{}", *r.process->pid);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(r.process->started_at->time_since_epoch()).count();
  return fmt::format("pid:{}@{}", *r.process->pid, ms);
}

Error too_long(std::string_view what, std::string_view id) {
  return make_error(Errc::too_large,
                    fmt::format("worker {}: {} has more than {} bytes; shorten it", id, what, kMaxIdBytes));
}

}  // namespace

std::optional<SteadyTime> Arrival::steady_of(WallTime t) const {
  if (!report.sent_at) return std::nullopt;
  // Untrusted times: a difference beyond a year says nothing.
  const Duration age = std::clamp<Duration>(*report.sent_at - t, Duration{}, 24 * 366 * 1h);
  return measured - age;
}

std::optional<Error> Fleet::Impl::check_words(const Report& r) const {
  if (!valid_id(r.worker_id)) return make_error(Errc::invalid_argument, explain_bad_id(r.worker_id));
  if (!r.pool.empty() && !valid_id(r.pool))
    return make_error(Errc::invalid_argument, fmt::format("worker {}: pool: {}", r.worker_id, explain_bad_id(r.pool)));
  if (r.host.size() > kMaxIdBytes) return too_long("host", r.worker_id);
  if (r.version.size() > kMaxIdBytes) return too_long("version", r.worker_id);
  if (r.incarnation.size() > kMaxIdBytes) return too_long("incarnation", r.worker_id);
  if (!r.labels) return std::nullopt;
  if (r.labels->size() > kMaxLabels)
    return make_error(Errc::too_large, fmt::format("worker {} has {} labels; at most {} are allowed", r.worker_id,
                                                   r.labels->size(), kMaxLabels));
  for (const auto& [key, value] : *r.labels)
    if (key.size() > kMaxLabelBytes || value.size() > kMaxLabelBytes)
      return make_error(Errc::too_large, fmt::format("worker {}: a label has more than {} bytes in its name or value",
                                                     r.worker_id, kMaxLabelBytes));
  return std::nullopt;
}

std::optional<WorkerHandle> Fleet::Impl::find_twin(const Arrival& a, std::string_view id) const {
  const auto& p = a.report.process;
  if (!p || !p->pid || !p->started_at || a.report.host.empty()) return std::nullopt;
  const auto found = by_process.find({a.report.host, *p->pid});
  if (found == by_process.end()) return std::nullopt;
  const WorkerSlot& slot = at(found->second);
  if (!slot.used || slot.facts.worker_id == id || slot.facts.dead() || slot.facts.state == WorkerState::gone)
    return std::nullopt;
  if (same_process(slot.facts.process.pid, slot.facts.process.started_at, *p) != true) return std::nullopt;
  // One source that names two workers in one process means two workers.
  const bool same_source =
      std::any_of(slot.tracks.begin(), slot.tracks.end(), [&](const SourceTrack& t) { return t.source == a.source; });
  return same_source ? std::nullopt : std::optional(found->second);
}

std::optional<Error> Fleet::Impl::check_pool(WorkerSlot& slot, WorkerHandle h, const Arrival& a) {
  const std::string& wanted = a.report.pool;
  if (wanted.empty() || wanted == slot.facts.pool) return std::nullopt;
  const bool own_agent = sources[a.source].kind != SourceKind::http && slot.tracks.front().source == a.source;
  if (!own_agent && slot.facts.state != WorkerState::gone) {
    ++stats.pool_conflicts;
    return make_error(Errc::conflict,
                      fmt::format("worker {} belongs to pool {}, not {}; use another id or forget it first",
                                  slot.facts.worker_id, slot.facts.pool, wanted));
  }
  // The agent that owns the worker moves it; what the old pool learned stays there.
  leave_queues(slot, a.now);
  slot.facts.tasks = TaskFacts{};
  slot.facts.in_flight.clear();
  slot.facts.in_flight_stamp = PartStamp{};
  slot.previous_in_flight.clear();
  slot.previous_in_flight_stamp = PartStamp{};
  delist(h);
  enlist(h, wanted);
  return std::nullopt;
}

bool Fleet::Impl::take_id_token(const Now& now) {
  const double rate = config.limits.new_ids_per_second;
  const double refill = to_seconds(now.steady - id_tokens_at) * rate;
  id_tokens = std::min(std::max(rate, 1.0), id_tokens + std::max(0.0, refill));
  id_tokens_at = now.steady;
  if (id_tokens < 1) return false;
  id_tokens -= 1;
  return true;
}

// Finds the slot of a report, or makes it. Refuses before it changes anything.
Result<WorkerHandle> Fleet::Impl::admit(const Arrival& a, ReportOutcome& out) {
  const std::string id = resolve(a.report.worker_id);
  const auto known = find_slot(id);
  const auto twin = find_twin(a, id);
  if (known && !twin) return *known;
  if (known) {  // two slots turn out to be one worker: the one whose process was known first stays
    remove_slot(*known, a.now);
    out.absorbed = *known;
  }
  const bool full = (twin ? twins.size() : by_id.size()) >= config.limits.max_workers;
  if (full) {
    ++stats.workers_refused;
    return make_error(Errc::too_large,
                      fmt::format("worker {} is refused: {} workers are known, the limit is max_workers = {}", id,
                                  by_id.size(), config.limits.max_workers));
  }
  if (!take_id_token(a.now)) {
    ++stats.ids_refused_rate;
    return make_error(Errc::too_many,
                      fmt::format("worker {} is refused for now: more than {} new worker ids per second", id,
                                  format_short(config.limits.new_ids_per_second)));
  }
  if (twin) {
    twins[id] = at(*twin).facts.worker_id;
    return *twin;
  }
  out.is_new_worker = true;
  return make_slot(id, a.report.pool.empty() ? "default" : std::string_view(a.report.pool), a.now);
}

// Lives are ordered by start time where it is known, else by the order in which they were first heard.
Fleet::Impl::Life Fleet::Impl::life_of(const WorkerSlot& slot, const SourceTrack& track, const Arrival& a) const {
  const WorkerFacts& w = slot.facts;
  const std::string& id = a.incarnation;
  if (w.state == WorkerState::gone) return Life::newer;
  if (slot.life == 0) return Life::newer;  // never heard, nothing restored
  const bool revives = w.dead() && !(a.report.process && a.report.process->exit) && a.measured > w.process.exited_at;
  if (id.empty()) return revives && w.incarnation.empty() ? Life::newer : Life::same;
  if (id == w.incarnation) return Life::same;
  static const ProcessPart kNoProcess;
  const ProcessPart& p = a.report.process ? *a.report.process : kNoProcess;
  if (same_process(w.process.pid, w.process.started_at, p) == true)
    return Life::same;  // another word for the same life
  if (id == slot.previous_incarnation) return Life::older;
  if (same_process(slot.previous_pid, slot.previous_started_at, p) == true) return Life::older;
  if (p.started_at && w.process.started_at && !near(*p.started_at, *w.process.started_at))
    return *p.started_at > *w.process.started_at ? Life::newer : Life::older;
  if (id == track.incarnation) return track.life == slot.life ? Life::same : Life::older;
  if (w.incarnation.empty()) return revives ? Life::newer : Life::same;  // learns its name only now
  const bool first_word = track.life == 0 && slot.tracks.size() > 1;     // a second source with words of its own
  if (first_word && !w.dead() && !p.pid) return Life::same;
  return Life::newer;
}

Fleet::Impl::Order Fleet::Impl::order_of(const SourceTrack& track, const Arrival& a, bool same_life) const {
  if (!same_life || track.session != sources[track.source].session) return Order::fresh;
  if (a.report.seq && track.seq && !a.incarnation.empty()) {
    if (*a.report.seq == *track.seq) return Order::duplicate;
    return *a.report.seq < *track.seq ? Order::late : Order::fresh;
  }
  if (a.report.seq && track.seq && *a.report.seq == *track.seq) return Order::duplicate;
  return track.newest && a.measured < *track.newest ? Order::late : Order::fresh;
}

void Fleet::Impl::begin_life(WorkerSlot& slot, const Arrival& a) {
  WorkerFacts& w = slot.facts;
  slot.successor = slot.ever_heard && w.state != WorkerState::gone;
  slot.previous_incarnation = w.incarnation;
  slot.previous_pid = w.process.pid;
  slot.previous_started_at = w.process.started_at;
  if (w.process.pid) {
    const auto mine = by_process.find({w.host, *w.process.pid});
    if (mine != by_process.end() && mine->second == w.handle) by_process.erase(mine);
  }
  slot.indexed_pid.reset();
  ++slot.life;
  ++w.incarnations;
  w.incarnation = a.incarnation;
  w.first_heard = a.measured;
  slot.first_seen = wall_at(a.measured, a.now);
  slot.forgotten = false;
  slot.quiet = false;
  set_state(slot, WorkerState::starting, a.measured);
  w.stop.reset();
  w.duplicate_seen.reset();
  const VoiceFacts old_voice = w.voice;
  w.voice = VoiceFacts{};
  w.voice.expected = old_voice.expected;
  w.process = ProcessFacts{};
  w.resources = ResourceFacts{};
  w.tasks.stamp = PartStamp{};
  w.tasks.window.clear();
  for (TaskTypeFacts& type : w.tasks.types) {  // totals live on, counters begin at zero
    type.reported = TaskCounts{};
    type.reported_durations = DurationHistogram{};
    type.window.clear();
  }
  slot.previous_in_flight = std::exchange(w.in_flight, {});
  slot.previous_in_flight_stamp = std::exchange(w.in_flight_stamp, PartStamp{});
  w.free_since.reset();
  w.last_take.reset();
  w.takes_known = false;
  w.models.clear();
  w.model_stamp = PartStamp{};
  for (QueueFacts& q : w.queues) {  // what other workers told of the queue stays
    QueueFacts fresh;
    fresh.queue = q.queue;
    fresh.counted = q.counted;
    fresh.counted_connected = q.counted_connected;
    q = fresh;
  }
  update_shares(slot, a.now);
  for (SourceTrack& track : slot.tracks) track.alive_at.reset();
}

// An older life that still speaks long after the new one began lives beside it.
void Fleet::Impl::note_older(WorkerSlot& slot, const Arrival& a) {
  WorkerFacts& w = slot.facts;
  if (a.report.process && a.report.process->exit) {
    w.duplicate_seen.reset();
    return;
  }
  if (w.dead() || is_inactive(w.state) || a.measured <= w.first_heard + 2 * a.period) return;
  if (!w.duplicate_seen) ++stats.duplicate_incarnations;
  w.duplicate_seen = a.measured;
}

HistoryRow Fleet::Impl::late_row(const Report& r, std::string_view id, SteadyTime measured, const Now& now) {
  std::map<std::string, double> values;
  for (const auto& [name, value] : r.metrics)
    if (values.size() < kMaxMetrics && std::isfinite(value)) values[name] = quantise(value, metric_decimals(name));
  const auto set = [&](StandardMetric metric, const std::optional<double>& value) {
    const std::string name(standard_metric_name(std::size_t(metric)));
    if (value && std::isfinite(*value)) values[name] = quantise(*value, metric_decimals(name));
  };
  if (r.resources) {
    set(StandardMetric::cpu_percent, r.resources->cpu_percent);
    set(StandardMetric::memory_percent, r.resources->memory_percent);
    set(StandardMetric::memory_mb, r.resources->memory_mb);
    for (const GpuPart& gpu : r.resources->gpus) {
      set(StandardMetric::gpu_memory_percent, gpu.memory_percent);
      set(StandardMetric::gpu_utilization, gpu.utilization);
    }
  }
  if (r.disks)
    for (const DiskPart& disk : *r.disks) set(StandardMetric::disk_percent, disk.used_percent);
  HistoryRow row;
  row.worker_id = std::string(id);
  row.at = wall_at(measured, now);
  row.backlog = true;
  MetricNames names;
  for (const auto& [name, value] : values) {
    names.push_back(name);
    row.metrics.values.push_back(value);
  }
  row.metrics.names = schemas.intern(std::move(names));
  return row;
}

// Measured too long ago for a round.
Result<ReportOutcome> Fleet::Impl::to_history(const Arrival& a) {
  const std::string id = resolve(a.report.worker_id);
  ReportOutcome out;
  if (const auto known = by_id.find(id); known != by_id.end()) {
    const WorkerSlot& slot = at(known->second);
    if (!a.report.pool.empty() && a.report.pool != slot.facts.pool && slot.facts.state != WorkerState::gone) {
      ++stats.pool_conflicts;
      return make_error(Errc::conflict,
                        fmt::format("worker {} belongs to pool {}, not {}", id, slot.facts.pool, a.report.pool));
    }
    out.worker = known->second;
  }
  ++(a.input.backlog ? stats.reports_backlog : stats.reports_late);
  out.late = late_row(a.report, id, a.measured, a.now);
  return out;
}

Result<WorkerHandle> Fleet::Impl::track_of(WorkerHandle h, const Arrival& a) {
  WorkerSlot& slot = at(h);
  if (!slot.tracks.empty())
    if (auto refused = check_pool(slot, h, a)) return *std::move(refused);
  for (std::size_t i = 0; i < slot.tracks.size(); ++i)
    if (slot.tracks[i].source == a.source) return WorkerHandle(i);
  if (slot.tracks.size() == kMaxTracks) {
    detach(h, slot.tracks.back().source);
    slot.tracks.pop_back();
  }
  SourceTrack fresh;
  fresh.source = a.source;
  fresh.session = sources[a.source].session;
  const bool leads = sources[a.source].kind != SourceKind::http;  // who can restart stands first
  const auto place = slot.tracks.insert(leads ? slot.tracks.begin() : slot.tracks.end(), std::move(fresh));
  attach(h, a.source);
  slot.facts.source = sources[slot.tracks.front().source].id;
  return WorkerHandle(place - slot.tracks.begin());
}

// A report is a frame of its source.
void Fleet::Impl::hear_source(const Arrival& a, bool is_new, ReportOutcome& out) {
  FleetSource& source = sources[a.source];
  source.last_frame = std::max(source.last_frame, a.received);
  const SourceState state = source.state == SourceState::silent ? SourceState::connected : source.state;
  set_source_state(source, state, is_new, a.now.steady, out.source);
  refresh_sources(out.source, a.now);
}

Result<ReportOutcome> Fleet::apply(const ReportInput& input, const Now& now) {
  Impl& m = *impl_;
  const Report& r = input.report;
  ++m.stats.reports;
  if (auto wrong = m.check_words(r)) {
    ++m.stats.workers_refused;
    return *std::move(wrong);
  }
  Arrival a{.input = input, .report = r, .now = now};
  a.received = std::min(input.received, now.steady);
  const Duration age = std::clamp<Duration>(r.age, Duration{}, 24 * 7 * 1h);
  a.measured = a.received - age;
  a.incarnation = derived_incarnation(r);
  const auto known = m.find_slot(m.resolve(r.worker_id));
  a.period = std::clamp<Duration>(r.period.value_or(known ? m.at(*known).facts.period : kDefaultPeriod), 10ms, 24h);
  if (input.backlog || age > 2 * a.period) return m.to_history(a);

  ReportOutcome out;
  const bool new_source = !m.source_index.contains(input.source);
  a.source = m.source_of(input.source, now.steady);
  const auto admitted = m.admit(a, out);
  if (!admitted) return admitted.error();
  out.worker = *admitted;
  const auto track = m.track_of(out.worker, a);
  if (!track) return track.error();
  const std::uint64_t flips = m.queues.flips();
  m.hear_source(a, new_source, out);
  m.take(out.worker, m.at(out.worker).tracks[*track], a, out);
  out.broker_changed = m.queues.flips() != flips;
  return out;
}

}  // namespace paramedic
