#include "core/recovery/lease.h"

#include <algorithm>

#include "base/ids.h"

namespace paramedic {

bool exit_means_stopped(const ExitInfo& exit, const std::vector<int>& no_restart_exit_codes) {
  if (exit.signal || exit.oom || !exit.code) return false;
  return std::find(no_restart_exit_codes.begin(), no_restart_exit_codes.end(), *exit.code) !=
         no_restart_exit_codes.end();
}

LeaseHolder::LeaseHolder(std::string worker_id, BackoffPolicy backoff, std::vector<int> no_restart_exit_codes)
    : worker_id_(std::move(worker_id)), no_restart_exit_codes_(std::move(no_restart_exit_codes)), backoff_(backoff) {}

void LeaseHolder::on_lease(const Lease& lease, SteadyTime now) {
  lease_ = lease;
  has_lease_ = true;
  received_ = now;
  expires_ = now + lease.valid_for;
  if (!lease_is_mine()) return;
  backoff_.adopt(lease.crashes + (alive_ || stopped_ ? 0 : 1), now);
}

bool LeaseHolder::lease_is_mine() const {
  return has_lease_ && !incarnation_.empty() && lease_.incarnation == incarnation_;
}

void LeaseHolder::on_start(std::string incarnation, SteadyTime now) {
  incarnation_ = std::move(incarnation);
  alive_ = true;
  stopped_ = false;
  mass_death_ = false;
  backoff_.on_start(now);
}

void LeaseHolder::on_death(const ExitInfo& exit, bool announced, SteadyTime now) {
  if (!alive_) return;
  alive_ = false;
  stopped_ = announced || exit_means_stopped(exit, no_restart_exit_codes_);
  if (!stopped_) backoff_.on_death(now);
}

void LeaseHolder::on_ended_by_ladder(SteadyTime) {
  alive_ = false;
  stopped_ = true;  // the ladder starts it; until then nothing else may
}

void LeaseHolder::on_ladder_failed(SteadyTime now) {
  if (alive_) return;
  stopped_ = false;
  backoff_.on_death(now);
}

std::string LeaseHolder::next_action_id() const { return make_action_id(worker_id_, incarnation_, backoff_.crashes()); }

StartDecision LeaseHolder::decide(SteadyTime now) const {
  using Kind = StartDecision::Kind;
  if (alive_) return {Kind::alive, {}, "alive"};
  if (stopped_) return {Kind::stopped, {}, "ended on purpose; a restart command starts it again"};
  // Also after the lease has expired: what held it can only end with a word from the monitor.
  if (lease_holds()) return {Kind::hold, {}, lease_.hold_reason.empty() ? "held by the monitor" : lease_.hold_reason};
  if (incarnation_.empty()) return {Kind::start, now, "first start"};
  // A monitor that has heard of this death knows the pool's own backoff: its word counts, be it later or earlier.
  const bool lease_knows_death = lease_is_mine() && lease_.next_start_in > Duration{0};
  SteadyTime due = lease_knows_death ? received_ + lease_.next_start_in
                                     : backoff_.next_start(worker_id_, incarnation_).value_or(now);
  if (mass_death_ || (has_lease_ && lease_.adds_jitter && lease_is_mine()))
    due += hash_jitter(hash_mix(stable_hash(incarnation_, stable_hash(worker_id_)), 0x6a69), kMassDeathJitter);
  const std::string text = "crash " + std::to_string(backoff_.crashes()) + " in a row";
  return {now >= due ? Kind::start : Kind::wait, due, text};
}

Lease make_lease(std::string worker_id, const LeaseState& state, SteadyTime now) {
  Lease lease;
  lease.worker_id = std::move(worker_id);
  lease.incarnation = state.incarnation;
  lease.crashes = state.crashes_before;
  lease.next_start_in = state.next_start_at ? std::max(*state.next_start_at - now, Duration{0}) : Duration{0};
  lease.hold = state.hold.has_value();
  if (state.hold) lease.hold_reason = state.hold->text;
  lease.adds_jitter = state.adds_jitter;
  lease.valid_for = kLeaseValid;
  return lease;
}

}  // namespace paramedic
