#include "core/fleet/fleet.h"

#include <algorithm>

#include "core/fleet/fleet_impl.h"

namespace paramedic {

namespace {

void add(StatusCounts& counts, const WorkerSlot& slot, int sign) {
  if (is_inactive(slot.facts.state)) {
    counts.inactive += sign;
    return;
  }
  counts.total += sign;
  switch (slot.status) {
    case Status::healthy:
      counts.healthy += sign;
      break;
    case Status::warning:
      counts.warning += sign;
      break;
    case Status::critical:
      counts.critical += sign;
      break;
    case Status::unknown:
      counts.unknown += sign;
      break;
  }
}

// The engine's own states lie over what the fleet knows; a restored worker falls back to running.
WorkerState own_state(WorkerState s) {
  if (s == WorkerState::restarting || s == WorkerState::quarantined || s == WorkerState::maintenance)
    return WorkerState::running;
  return s;
}

}  // namespace

Fleet::Impl::Impl(FleetConfig c, const Now& start)
    : config(std::move(c)), started(start), queues(config.limits.max_queues) {
  id_tokens = config.limits.new_ids_per_second;
  id_tokens_at = start.steady;
}

Fleet::Fleet(FleetConfig config, const Now& start) : impl_(std::make_unique<Impl>(std::move(config), start)) {}
Fleet::~Fleet() = default;

void Fleet::configure(FleetConfig config) {
  impl_->config = std::move(config);
  impl_->queues.set_max(impl_->config.limits.max_queues);
}

// ---- names --------------------------------------------------------------------------------------------------------

std::string Fleet::Impl::resolve(std::string_view id) const {
  if (const auto alias = config.aliases.find(id); alias != config.aliases.end()) return alias->second;
  if (const auto twin = twins.find(id); twin != twins.end()) return twin->second;
  return std::string(id);
}

std::optional<WorkerHandle> Fleet::Impl::find_slot(std::string_view id) const {
  const auto found = by_id.find(id);
  if (found == by_id.end()) return std::nullopt;
  return found->second;
}

const FleetPool* Fleet::Impl::find_pool(std::string_view name) const {
  const auto found = pool_index.find(name);
  return found == pool_index.end() ? nullptr : &pools[found->second];
}

std::uint32_t Fleet::Impl::pool_of(std::string_view name) {
  if (const auto found = pool_index.find(name); found != pool_index.end()) return found->second;
  // A pool without workers and without configuration is forgotten; its place is used again.
  std::uint32_t index = std::uint32_t(pools.size());
  for (std::uint32_t i = 0; i < pools.size(); ++i)
    if (pools[i].name.empty()) index = std::min(index, i);
  if (index == pools.size()) pools.emplace_back();
  pools[index] = FleetPool{};
  pools[index].name = std::string(name);
  pool_index.emplace(pools[index].name, index);
  return index;
}

// ---- slots --------------------------------------------------------------------------------------------------------

void Fleet::Impl::enlist(WorkerHandle h, std::string_view pool) {
  WorkerSlot& slot = at(h);
  slot.pool = pool_of(pool);
  slot.facts.pool = std::string(pool);
  auto& list = pools[slot.pool].workers;
  const auto by_name = [&](WorkerHandle x, WorkerHandle y) { return at(x).facts.worker_id < at(y).facts.worker_id; };
  list.insert(std::lower_bound(list.begin(), list.end(), h, by_name), h);
  count(slot, +1);
}

void Fleet::Impl::delist(WorkerHandle h) {
  WorkerSlot& slot = at(h);
  count(slot, -1);
  FleetPool& pool = pools[slot.pool];
  std::erase(pool.workers, h);
  if (!pool.workers.empty() || config.pools.contains(pool.name)) return;
  pool_index.erase(pool.name);
  pool = FleetPool{};
}

WorkerHandle Fleet::Impl::make_slot(const std::string& id, std::string_view pool, const Now& now) {
  WorkerHandle h = WorkerHandle(slots.size());
  if (free_slots.empty()) {
    slots.emplace_back();
  } else {
    h = free_slots.back();
    free_slots.pop_back();
  }
  WorkerSlot& slot = at(h);
  slot = WorkerSlot{};
  slot.used = true;
  slot.facts.handle = h;
  slot.facts.worker_id = id;
  slot.facts.first_heard = slot.facts.state_since = now.steady;
  slot.first_seen = now.wall;
  by_id.emplace(id, h);
  enlist(h, pool);
  return h;
}

void Fleet::Impl::leave_queues(WorkerSlot& slot, const Now& now) {
  WorkerFacts& w = slot.facts;
  queues.update_shares(w.queues, false, std::nullopt, now);
  for (const QueueFacts& q : w.queues) {
    queues.forget_taker(q.queue, w.handle);
    queues.release(q.queue, w.pool);
  }
  w.queues.clear();
}

void Fleet::Impl::remove_slot(WorkerHandle h, const Now& now) {
  WorkerSlot& slot = at(h);
  WorkerFacts& w = slot.facts;
  leave_queues(slot, now);
  for (const SourceTrack& track : slot.tracks) detach(h, track.source);
  std::erase_if(by_process, [&](const auto& e) { return e.second == h; });
  std::erase_if(twins, [&](const auto& e) { return e.second == w.worker_id; });
  delist(h);
  by_id.erase(w.worker_id);
  quiet_workers.erase(h);
  slot = WorkerSlot{};
  free_slots.push_back(h);
}

void Fleet::Impl::detach(WorkerHandle h, std::uint32_t source) { std::erase(sources[source].workers, h); }

// ---- counts and states --------------------------------------------------------------------------------------------

void Fleet::Impl::count(WorkerSlot& slot, int sign) {
  FleetPool& pool = pools[slot.pool];
  add(counts, slot, sign);
  add(pool.counts, slot, sign);
  if (!is_inactive(slot.facts.state)) pool.ever_active = true;
}

void Fleet::Impl::set_state(WorkerSlot& slot, WorkerState state, SteadyTime when) {
  if (slot.facts.state == state) return;
  count(slot, -1);
  slot.facts.state = state;
  slot.facts.state_since = when;
  if (is_inactive(state)) slot.status = Status::unknown;
  count(slot, +1);
}

void Fleet::Impl::set_status(WorkerSlot& slot, Status status) {
  if (slot.status == status) return;
  count(slot, -1);
  slot.status = status;
  count(slot, +1);
}

void Fleet::Impl::update_shares(WorkerSlot& slot, const Now& now) {
  const auto shares = [&](WorkerSlot& s) {
    const bool present = !is_inactive(s.facts.state) && !s.facts.dead() && !blind(s);
    return queues.update_shares(s.facts.queues, present, s.quiet ? s.facts.voice.heard : std::nullopt, now);
  };
  const auto connected = shares(slot);
  // A broker is lost when all have lost it, so silent ones matter only when they may be all that are left.
  if (!connected || *connected == 0 || *connected > quiet_workers.size()) return;
  for (const WorkerHandle h : quiet_workers) shares(at(h));
}

void Fleet::Impl::turn_gone(WorkerHandle h, const Now& now) {
  WorkerSlot& slot = at(h);
  set_state(slot, WorkerState::gone, now.steady);
  slot.gone_at = now.steady;
  update_shares(slot, now);
  for (const QueueFacts& q : slot.facts.queues) queues.forget_taker(q.queue, h);
}

// An announced stop and then silence: it has stopped, although nobody saw the exit.
std::optional<SteadyTime> Fleet::Impl::silent_stop_at(const WorkerSlot& slot) const {
  const WorkerFacts& w = slot.facts;
  if (!w.stop || is_inactive(w.state) || blind(slot)) return std::nullopt;
  SteadyTime last = w.voice.heard.value_or(w.last_report.value_or(w.first_heard));
  if (w.process.stamp.at) last = std::max(last, *w.process.stamp.at);  // seen alive from outside
  return std::max(last, w.stop_at) + std::max<Duration>(60s, 3 * w.voice.period);
}

void Fleet::restore(std::span<const WorkerRecord> records, const Now& now) {
  Impl& m = *impl_;
  for (const WorkerRecord& record : records) {
    if (record.forgotten || record.state == WorkerState::gone || m.by_id.contains(record.worker_id)) continue;
    if (m.by_id.size() >= m.config.limits.max_workers) return;
    const WorkerHandle h = m.make_slot(record.worker_id, record.pool.empty() ? "default" : record.pool, now);
    WorkerSlot& slot = m.at(h);
    WorkerFacts& w = slot.facts;
    w.host = record.host;
    w.version = record.version;
    w.incarnation = record.incarnation;
    slot.life = w.incarnations = 1;
    m.set_state(slot, own_state(record.state), now.steady);
    if (record.state == WorkerState::stopped || record.state == WorkerState::stopping ||
        record.state == WorkerState::draining) {
      StopNotice notice;
      notice.back_within = record.back_within;
      w.stop = notice;
      w.stop_at = std::min(now.steady, steady_at(record.since, now));
    }
    const std::uint32_t s = m.source_of(record.source.empty() ? "http" : record.source, now.steady);
    FleetSource& source = m.sources[s];
    if (source.session == 0 && source.kind != SourceKind::http) source.state = SourceState::disconnected;
    SourceTrack track;
    track.source = s;
    track.life = 1;
    track.session = source.session;
    track.incarnation = record.incarnation;
    slot.tracks.push_back(std::move(track));
    m.attach(h, s);
    w.source = source.id;
  }
}

SweepOutcome Fleet::sweep(const Now& now) {
  Impl& m = *impl_;
  SweepOutcome out;
  for (WorkerHandle h = 0; h < m.slots.size(); ++h) {
    WorkerSlot& slot = m.slots[h];
    if (!slot.used) continue;
    WorkerFacts& w = slot.facts;
    if (w.state == WorkerState::gone) {
      if (now.steady - slot.gone_at <= m.config.limits.gone_kept) continue;
      out.removed.push_back({h, w.worker_id, w.pool});
      m.remove_slot(h, now);
      continue;
    }
    if (now.steady - w.last_report.value_or(w.first_heard) > m.config.limits.gone_after) {
      m.turn_gone(h, now);
      out.turned_gone.push_back(h);
    } else if (const auto stop = m.silent_stop_at(slot); stop && now.steady > *stop) {
      m.set_state(slot, WorkerState::stopped, now.steady);
      m.update_shares(slot, now);
      out.turned_stopped.push_back(h);
    }
  }
  m.drop_sources(now);
  return out;
}

void Fleet::forget(WorkerHandle worker, const Now& now) {
  if (!contains(worker) || impl_->at(worker).facts.state == WorkerState::gone) return;
  impl_->turn_gone(worker, now);
  impl_->at(worker).forgotten = true;
}

void Fleet::record_status(WorkerHandle worker, Status status) {
  WorkerSlot& slot = impl_->at(worker);
  if (!is_inactive(slot.facts.state)) impl_->set_status(slot, status);
}

void Fleet::record_quiet(WorkerHandle worker, bool quiet, const Now& now) {
  WorkerSlot& slot = impl_->at(worker);
  if (std::exchange(slot.quiet, quiet) == quiet) return;
  if (quiet)
    impl_->quiet_workers.insert(worker);
  else
    impl_->quiet_workers.erase(worker);
  impl_->update_shares(slot, now);
}

// ---- reading ------------------------------------------------------------------------------------------------------

std::optional<WorkerHandle> Fleet::find(std::string_view worker_id) const {
  return impl_->find_slot(impl_->resolve(worker_id));
}
bool Fleet::contains(WorkerHandle worker) const { return worker < impl_->slots.size() && impl_->at(worker).used; }
const WorkerFacts& Fleet::facts(WorkerHandle worker) const { return impl_->at(worker).facts; }
Status Fleet::status(WorkerHandle worker) const { return impl_->at(worker).status; }
bool Fleet::source_blind(WorkerHandle worker) const { return impl_->blind(impl_->at(worker)); }

IdScope Fleet::id_scope(WorkerHandle worker) const {
  const WorkerSlot& slot = impl_->at(worker);
  return slot.tracks.empty() ? IdScope::worker : impl_->sources[slot.tracks.front().source].id_scope;
}

bool Fleet::source_can_restart(WorkerHandle worker) const {
  const WorkerSlot& slot = impl_->at(worker);
  if (slot.tracks.empty()) return false;
  const FleetSource& source = impl_->sources[slot.tracks.front().source];
  return source.can_restart && source.state == SourceState::connected;
}

void Fleet::note_exit(WorkerHandle worker, const ExitInfo& exit) { impl_->at(worker).last_exit = exit; }

SteadyTime Fleet::source_news_until(WorkerHandle worker) const {
  const WorkerSlot& slot = impl_->at(worker);
  if (slot.tracks.empty()) return {};
  const FleetSource& source = impl_->sources[slot.tracks.front().source];
  return source.last_frame + source.period + source.period / 4 + 1s;
}

Snapshot Fleet::snapshot(WorkerHandle worker, const Now& now) {
  Impl& m = *impl_;
  WorkerSlot& slot = m.at(worker);
  m.update_shares(slot, now);
  const FleetPool& pool = m.pools[slot.pool];
  PoolContext& c = m.context;
  c.name = pool.name;
  c.queues = m.queues.contexts();
  c.durations = pool.memory.durations();
  c.loads = pool.memory.loads();
  c.take_gap_p95 = pool.memory.take_gap_p95();
  c.take_gap_count = pool.memory.take_gap_count();
  c.monitor_since = m.started.steady;
  const FleetSource& source = m.speaker(slot);
  c.source = SourceContext{source.id, source.kind, source.state, m.blind(slot), source.since, source.expiry};
  return Snapshot{now.steady, now, slot.facts, c};
}

std::optional<SteadyTime> Fleet::next_check_at(WorkerHandle worker, SteadyTime now) const {
  const WorkerSlot& slot = impl_->at(worker);
  const WorkerFacts& w = slot.facts;
  if (w.state == WorkerState::gone) return slot.gone_at + impl_->config.limits.gone_kept + Duration{1};
  SteadyTime next = w.last_report.value_or(w.first_heard) + impl_->config.limits.gone_after + Duration{1};
  if (const auto stop = impl_->silent_stop_at(slot)) next = std::min(next, *stop + Duration{1});
  return std::max(next, now);
}

std::optional<Fleet::LastWord> Fleet::last_word(WorkerHandle worker, std::string_view incarnation) const {
  const WorkerSlot& slot = impl_->at(worker);
  const WorkerFacts& w = slot.facts;
  if (w.incarnation == incarnation && w.in_flight_stamp.at) return LastWord{w.in_flight, *w.in_flight_stamp.at};
  if (slot.previous_incarnation == incarnation && slot.previous_in_flight_stamp.at)
    return LastWord{slot.previous_in_flight, *slot.previous_in_flight_stamp.at};
  return std::nullopt;
}

std::vector<WorkerHandle> Fleet::workers() const {
  std::vector<WorkerHandle> out;
  out.reserve(impl_->by_id.size());
  for (const auto& [id, h] : impl_->by_id) out.push_back(h);
  return out;
}

std::vector<WorkerHandle> Fleet::workers_of_pool(std::string_view pool) const {
  const FleetPool* found = impl_->find_pool(pool);
  return found ? found->workers : std::vector<WorkerHandle>{};
}

std::vector<WorkerHandle> Fleet::workers_of_source(std::string_view source) const {
  const auto found = impl_->source_index.find(source);
  if (found == impl_->source_index.end()) return {};
  auto out = impl_->sources[found->second].workers;
  std::sort(out.begin(), out.end(),
            [&](WorkerHandle a, WorkerHandle b) { return facts(a).worker_id < facts(b).worker_id; });
  return out;
}

std::vector<WorkerHandle> Fleet::workers_of_broker(std::string_view broker) const {
  std::vector<WorkerHandle> out;
  for (const auto& [id, h] : impl_->by_id) {
    const auto& list = facts(h).queues;
    if (std::any_of(list.begin(), list.end(),
                    [&](const QueueFacts& q) { return impl_->queues.context(q.queue).broker == broker; }))
      out.push_back(h);
  }
  return out;
}

std::vector<std::string> Fleet::pools() const {
  std::vector<std::string> out;
  for (const auto& [name, index] : impl_->pool_index) out.push_back(name);
  return out;
}

std::vector<BrokerFacts> Fleet::brokers() const {
  std::vector<BrokerFacts> out;
  std::vector<BrokerDown> probed = impl_->probes.brokers_down();
  for (const BrokerState& b : impl_->queues.brokers()) {
    out.push_back({b.name, int(b.reporting), int(b.disconnected), b.lost, b.down, b.since});
    const auto found =
        std::find_if(probed.begin(), probed.end(), [&](const BrokerDown& one) { return one.broker == b.name; });
    if (found == probed.end()) continue;
    out.back().probed = std::move(found->text);
    probed.erase(found);
  }
  for (BrokerDown& one : probed)  // which no worker has named yet
    out.push_back({.name = one.broker, .down = true, .since = one.since, .probed = std::move(one.text)});
  std::sort(out.begin(), out.end(), [](const BrokerFacts& a, const BrokerFacts& b) { return a.name < b.name; });
  return out;
}

bool Fleet::apply(const ProbeInput& input, const Now& now) {
  if (!impl_->probes.apply(input, now.steady)) return false;
  if (!input.broker.empty()) impl_->queues.set_probed(input.broker, impl_->probes.broker_down(input.broker), now);
  return true;
}

const ProbeTable& Fleet::probes() const { return impl_->probes; }

std::uint64_t Fleet::broker_flips() const { return impl_->queues.flips(); }

std::vector<std::string> Fleet::sources_away() const {
  std::vector<std::string> out;
  for (const auto& [id, index] : impl_->source_index)
    if (impl_->sources[index].state != SourceState::connected) out.push_back(id);
  return out;
}

const QueueContext& Fleet::queue(std::uint32_t index) const { return impl_->queues.context(index); }
std::size_t Fleet::size() const { return impl_->by_id.size(); }
const StatusCounts& Fleet::counts() const { return impl_->counts; }
const EngineStats& Fleet::stats() const { return impl_->stats; }

StatusCounts Fleet::pool_counts(std::string_view pool) const {
  const FleetPool* found = impl_->find_pool(pool);
  return found ? found->counts : StatusCounts{};
}

const PoolRules& Fleet::rules(std::string_view pool) const {
  const auto found = impl_->config.pools.find(pool);
  return found == impl_->config.pools.end() ? impl_->config.defaults : found->second;
}

}  // namespace paramedic
