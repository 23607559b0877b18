// Sources: who is connected, who fell silent, and whose workers are blind for it.
#include <algorithm>

#include "core/fleet/fleet_impl.h"

namespace paramedic {

namespace {

// A source that never introduced itself is judged by its name: "agent/<id>", "demo…", else HTTP.
SourceKind kind_of(std::string_view id) {
  if (id.starts_with("agent")) return SourceKind::agent;
  return id.starts_with("demo") ? SourceKind::demo : SourceKind::http;
}

void merge_sorted(std::vector<WorkerHandle>& into, const std::vector<WorkerHandle>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::sort(into.begin(), into.end());
  into.erase(std::unique(into.begin(), into.end()), into.end());
}

}  // namespace

std::uint32_t Fleet::Impl::source_of(std::string_view id, SteadyTime now) {
  if (const auto found = source_index.find(id); found != source_index.end()) return found->second;
  auto index = std::uint32_t(sources.size());
  for (std::uint32_t i = 0; i < sources.size(); ++i)
    if (sources[i].id.empty()) index = std::min(index, i);  // a dropped one
  if (index == sources.size()) sources.emplace_back();
  FleetSource& fresh = sources[index] = FleetSource{};
  fresh.id = std::string(id);
  fresh.kind = kind_of(id);
  fresh.last_frame = fresh.since = now;
  source_index.emplace(fresh.id, index);
  return index;
}

void Fleet::Impl::set_source_state(FleetSource& source, SourceState state, bool is_new, SteadyTime now,
                                   SourceOutcome& out) {
  if (source.state == state && !is_new) return;
  out.changes.push_back({source.id, source.host, source.state, state, is_new});
  source.state = state;
  source.since = now;
  merge_sorted(out.affected, source.workers);
}

void Fleet::Impl::refresh_sources(SourceOutcome& out, const Now& now) {
  const std::uint64_t flips = queues.flips();
  for (const WorkerHandle h : out.affected) update_shares(at(h), now);
  out.broker_changed = queues.flips() != flips;
}

void Fleet::Impl::drop_sources(const Now& now) {
  for (FleetSource& source : sources) {
    if (source.id.empty() || !source.away() || !source.workers.empty()) continue;
    if (now.steady - source.since <= config.limits.gone_after) continue;
    source_index.erase(source.id);
    source = FleetSource{};
  }
}

void Fleet::Impl::attach(WorkerHandle h, std::uint32_t source) {
  auto& list = sources[source].workers;
  const auto place = std::lower_bound(list.begin(), list.end(), h);
  if (place == list.end() || *place != h) list.insert(place, h);
}

bool Fleet::Impl::blind(const WorkerSlot& slot) const {
  return std::all_of(slot.tracks.begin(), slot.tracks.end(),
                     [&](const SourceTrack& t) { return sources[t.source].away(); });
}

const FleetSource& Fleet::Impl::speaker(const WorkerSlot& slot) const {
  for (const SourceTrack& track : slot.tracks)
    if (!sources[track.source].away()) return sources[track.source];
  return sources[slot.tracks.front().source];
}

SourceOutcome Fleet::apply(const SourceInput& input, const Now& now) {
  Impl& m = *impl_;
  SourceOutcome out;
  const bool is_new = !m.source_index.contains(input.source);
  FleetSource& source = m.sources[m.source_of(input.source, now.steady)];
  source.kind = input.kind;
  source.id_scope = input.id_scope;
  source.period = std::clamp<Duration>(input.period, 1ms, 24h);
  source.expiry = input.expiry;
  source.can_restart = input.can_restart;
  if (!input.host.empty()) source.host = input.host;
  if (!input.boot_id.empty()) source.boot_id = input.boot_id;
  if (!input.version.empty()) source.version = input.version;
  if (input.state == SourceState::connected) {
    source.last_frame = std::max(source.last_frame, std::min(input.received, now.steady));
    ++source.session;
  }
  m.set_source_state(source, input.state, is_new, now.steady, out);
  m.refresh_sources(out, now);
  return out;
}

SourceOutcome Fleet::apply(const SourceFrameInput& input, const Now& now) {
  Impl& m = *impl_;
  SourceOutcome out;
  const auto found = m.source_index.find(input.source);
  if (found == m.source_index.end()) return out;
  FleetSource& source = m.sources[found->second];
  source.last_frame = std::max(source.last_frame, std::min(input.received, now.steady));
  if (source.state == SourceState::silent) m.set_source_state(source, SourceState::connected, false, now.steady, out);
  m.refresh_sources(out, now);
  return out;
}

SourceOutcome Fleet::sweep_sources(const Now& now) {
  Impl& m = *impl_;
  SourceOutcome out;
  for (FleetSource& source : m.sources) {
    if (source.id.empty() || source.kind == SourceKind::http || source.state != SourceState::connected) continue;
    if (now.steady > source.silent_at()) m.set_source_state(source, SourceState::silent, false, now.steady, out);
  }
  m.refresh_sources(out, now);
  return out;
}

std::optional<SteadyTime> Fleet::next_source_deadline() const {
  std::optional<SteadyTime> next;
  for (const FleetSource& source : impl_->sources) {
    if (source.id.empty() || source.kind == SourceKind::http || source.state != SourceState::connected) continue;
    const SteadyTime passed = source.silent_at() + Duration{1};
    if (!next || passed < *next) next = passed;
  }
  return next;
}

}  // namespace paramedic
