#include "core/recovery/freeze.h"

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {
double percent(int part, int whole) { return whole > 0 ? 100.0 * part / whole : 0; }
}  // namespace

std::optional<std::string> freeze_cause(const PoolHealth& health, const RecoveryPolicy& policy) {
  if (!health.broker_down.empty()) return fmt::format("broker {} is down", health.broker_down);
  if (!health.source_blind.empty()) return fmt::format("source {} is blind", health.source_blind);
  const double unknown = percent(health.unknown, health.size);
  if (unknown > policy.freeze_unknown_percent)
    return fmt::format("{} of {} workers are unknown ({} %, limit {} %)", health.unknown, health.size,
                       format_short(unknown), format_short(policy.freeze_unknown_percent));
  if (health.known < policy.freeze_min_pool) return std::nullopt;
  const double ill = percent(health.ill, health.known);
  if (ill > policy.freeze_ill_percent)
    return fmt::format("{} of {} known workers are ill ({} %, limit {} %)", health.ill, health.known, format_short(ill),
                       format_short(policy.freeze_ill_percent));
  const double burst = percent(health.turned_ill, health.known);
  if (burst >= policy.freeze_burst_percent)
    return fmt::format("{} of {} known workers turned ill within {} ({} %, limit {} %)", health.turned_ill,
                       health.known, format_duration(policy.freeze_burst_window), format_short(burst),
                       format_short(policy.freeze_burst_percent));
  return std::nullopt;
}

bool Freeze::update(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now) {
  auto cause = freeze_cause(health, policy);
  const auto phase = cause ? FreezeState::Phase::frozen : FreezeState::Phase::open;
  const bool changed = phase != state_.phase;
  if (changed) state_.since = now;
  state_.phase = phase;
  state_.text = cause ? std::move(*cause) : std::string();
  return changed;
}

}  // namespace paramedic
