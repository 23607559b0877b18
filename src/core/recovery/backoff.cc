#include "core/recovery/backoff.h"

#include <algorithm>

#include "base/ids.h"

namespace paramedic {

Duration backoff_base(const BackoffPolicy& policy, int crashes, bool crash_loop) {
  if (crashes <= 0) return Duration{0};
  Duration wait = crashes == 1 ? Duration{0} : policy.first;
  for (int i = 2; i < crashes && wait < policy.cap; ++i) wait *= 2;
  wait = std::min(wait, policy.cap);
  return crash_loop ? std::max(wait, policy.crash_loop_every) : wait;
}

Duration backoff_delay(const BackoffPolicy& policy, int crashes, bool crash_loop, std::string_view worker,
                       std::string_view incarnation) {
  const Duration base = backoff_base(policy, crashes, crash_loop);
  const auto hash = hash_mix(stable_hash(incarnation, stable_hash(worker)), std::uint64_t(crashes));
  return base + from_seconds(to_seconds(base) * policy.jitter * hash_fraction(hash));
}

void Backoff::on_start(SteadyTime at) { healthy_since_ = at; }

void Backoff::on_healthy(SteadyTime at) {
  if (!healthy_since_) healthy_since_ = at;
}

void Backoff::on_unhealthy() { healthy_since_.reset(); }

void Backoff::on_death(SteadyTime at) {
  reset_if_healthy(at);
  healthy_since_.reset();
  last_death_ = at;
  ++crashes_;
  deaths_.push_back(at);
  keep_latest(std::max(policy_.crash_loop_crashes, 1));
}

bool Backoff::reset_if_healthy(SteadyTime now) {
  if (crashes_ == 0 || !healthy_since_ || now - *healthy_since_ < policy_.healthy_reset) return false;
  clear();
  return true;
}

void Backoff::clear() {
  crashes_ = 0;
  deaths_.clear();
}

void Backoff::adopt(int crashes, SteadyTime now) {
  crashes = std::max(crashes, 0);
  keep_latest(crashes);
  // Deaths that only the other side saw: their times are lost, so they are taken as recent. That errs towards waiting.
  const int missing = std::min(crashes, std::max(policy_.crash_loop_crashes, 1)) - int(deaths_.size());
  if (crashes > crashes_)
    deaths_.insert(deaths_.begin(), std::size_t(std::max(missing, 0)), deaths_.empty() ? now : deaths_.front());
  crashes_ = crashes;
}

void Backoff::keep_latest(int count) {
  if (int(deaths_.size()) > count) deaths_.erase(deaths_.begin(), deaths_.end() - count);
}

bool Backoff::crash_loop(SteadyTime now) const {
  const auto recent =
      std::count_if(deaths_.begin(), deaths_.end(), [&](SteadyTime t) { return now - t < policy_.crash_loop_window; });
  return recent >= policy_.crash_loop_crashes;
}

Duration Backoff::delay(std::string_view worker, std::string_view incarnation) const {
  if (!last_death_) return Duration{0};
  return backoff_delay(policy_, crashes_, crash_loop(*last_death_), worker, incarnation);
}

std::optional<SteadyTime> Backoff::next_start(std::string_view worker, std::string_view incarnation) const {
  if (!last_death_) return std::nullopt;
  return *last_death_ + delay(worker, incarnation);
}

std::optional<SteadyTime> Backoff::resets_at() const {
  if (crashes_ == 0 || !healthy_since_) return std::nullopt;
  return *healthy_since_ + policy_.healthy_reset;
}

std::string make_action_id(std::string_view worker, std::string_view incarnation, std::int64_t attempt) {
  const auto hash = hash_mix(stable_hash(incarnation, stable_hash(worker)), std::uint64_t(attempt));
  return "act-" + std::string(worker.substr(0, 24)) + "-" + hash_hex(hash);
}

}  // namespace paramedic
