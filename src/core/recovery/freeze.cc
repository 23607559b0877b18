#include "core/recovery/freeze.h"

#include <algorithm>

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

void Freeze::enter(Phase phase, SteadyTime now) {
  state_.phase = phase;
  state_.since = now;
  state_.until.reset();
  running_.clear();
  cured_ = 0;
  failed_ = false;
}

void Freeze::thaw(int stage, SteadyTime now) {
  enter(Phase::thawing, now);
  stage_ = stage;
  canary_failure_.clear();
}

void Freeze::open(SteadyTime now) {
  enter(Phase::open, now);
  canary_failure_.clear();
}

void Freeze::freeze_again(std::string text, SteadyTime now) {
  enter(Phase::frozen, now);
  state_.text = std::move(text);
  tolerated_.reset();
}

bool Freeze::update(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now) {
  const Phase before = state_.phase;
  const auto cause = freeze_cause(health, policy);
  const bool outage = !health.broker_down.empty() || !health.source_blind.empty();
  const bool worse = tolerated_ && (outage || health.ill > tolerated_->ill ||
                                    health.unknown > tolerated_->unknown + policy.down_allowed(health.size));
  if (!cause || worse) tolerated_.reset();
  const bool holds = cause && !tolerated_;
  cause_ = holds ? *cause : std::string();
  if (state_.phase == Phase::open) {
    if (holds) freeze_again(*cause, now);
  } else if (holds && state_.phase == Phase::thawing) {
    freeze_again(*cause, now);
  }
  if (holds)
    gone_since_.reset();
  else if (!gone_since_)
    gone_since_ = now;
  if (outage || health.monitor_lags)
    fine_since_.reset();
  else if (!fine_since_)
    fine_since_ = now;
  // A phase that has just begun may be over already, and what it waits for must be known now: nobody asks again by
  // itself.
  for (int i = 0; i < 4; ++i) {
    const Phase phase = state_.phase;
    if (phase == Phase::thawing) in_thaw(health, policy, now);
    if (phase == Phase::canary) in_canary(health, policy, now);
    if (phase == Phase::frozen) while_frozen(health, policy, now);
    if (state_.phase == phase) break;
  }
  count_slots();
  return state_.phase != before;
}

void Freeze::while_frozen(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now) {
  // Both waits begin anew with each freeze.
  state_.until.reset();
  state_.text = cause_;
  if (gone_since_ && thaws(health, std::max(*gone_since_, state_.since), policy, now)) return;
  if (!fine_since_) return;
  const SteadyTime canary = std::max(std::max(*fine_since_, state_.since) + policy.freeze_canary_after, next_canary_);
  if (now >= canary) return enter(Phase::canary, now);
  state_.until = std::min(state_.until.value_or(canary), canary);
}

// Its cause has been gone since `gone`: waits freeze_thaw_after, then thaws. True when it did.
bool Freeze::thaws(const PoolHealth& health, SteadyTime gone, const RecoveryPolicy& policy, SteadyTime now) {
  const SteadyTime due = gone + policy.freeze_thaw_after;
  state_.until = due;
  state_.text = fmt::format("what froze it is gone; it thaws after {}", format_duration(policy.freeze_thaw_after));
  if (now < due) return false;
  health.ill == 0 ? open(now) : thaw(1, now);
  return true;
}

void Freeze::in_canary(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now) {
  state_.until.reset();
  if (failed_) {
    canary_failure_ = "the canary restart did not help";
    return freeze_again(cause_, now);
  }
  if (!fine_since_) return freeze_again(cause_, now);
  if (cured_ > 0) {
    tolerated_ = {health.ill, health.unknown};
    return thaw(1, now);
  }
  state_.text = cause_.empty() ? "what froze it is gone" : cause_;
  // One that is on its way is waited for: its outcome says more than the share.
  if (!running_.empty()) {
    state_.text += "; a canary restart is on its way";
  } else if (!gone_since_ || !thaws(health, *gone_since_, policy, now)) {
    state_.text += "; one canary restart may run";
  }
}

void Freeze::in_thaw(const PoolHealth& health, const RecoveryPolicy& policy, SteadyTime now) {
  if (failed_) return freeze_again("a restart of the thaw did not help", now);
  if (health.ill == 0 && running_.empty()) return open(now);
  if (cured_ >= stage_) {
    const int next = stage_ * 2;
    if (next > policy.down_allowed(health.size)) return open(now);
    thaw(next, now);
  }
  state_.text = fmt::format("it thaws, {} of {} restarts of this stage proven", cured_, stage_);
}

void Freeze::count_slots() {
  const int allowed = state_.phase == Phase::canary ? 1 : state_.phase == Phase::thawing ? stage_ : 0;
  state_.slots = std::max(allowed - cured_ - int(running_.size()), 0);
  if (state_.phase == Phase::open) state_.text.clear();
}

bool Freeze::stop_began(const std::string& action_id, const RecoveryPolicy& policy, SteadyTime now) {
  if (state_.phase == Phase::open) {
    if (tolerated_) running_.insert(action_id);
    return false;
  }
  const bool canary = state_.phase == Phase::canary;
  if (canary) next_canary_ = now + policy.freeze_canary_every;
  running_.insert(action_id);
  count_slots();
  return canary;
}

void Freeze::restore_canary(const std::string& action_id, SteadyTime began, bool running, const RecoveryPolicy& policy,
                            SteadyTime now) {
  next_canary_ = std::max(next_canary_, began + policy.freeze_canary_every);
  if (!running) return;
  enter(Phase::canary, now);
  running_.insert(action_id);
  count_slots();
}

void Freeze::stop_ended(const std::string& action_id, StopOutcome outcome) {
  if (running_.erase(action_id) == 0) return;
  if (outcome == StopOutcome::failed && state_.phase == Phase::open) tolerated_.reset();  // the next update() judges
  if (outcome == StopOutcome::failed) failed_ = state_.phase != Phase::open;
  if (outcome == StopOutcome::cured && state_.phase != Phase::open) ++cured_;
  count_slots();
}

}  // namespace paramedic
