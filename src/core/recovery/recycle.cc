#include "core/recovery/recycle.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"

namespace paramedic {

namespace {

constexpr double kAgeSpread = 0.2;  // of the limit
// A leak must be gone before it is full, with time for a drain: half of what is left may be waited for low load.
constexpr double kLeakPatience = 0.5;

std::optional<SteadyTime> due_by_age(const RecoveryPolicy& policy, std::string_view worker_id,
                                     std::string_view incarnation, const RecycleFacts& facts) {
  if (policy.recycle_age <= Duration{0}) return std::nullopt;
  const double part = hash_fraction(stable_hash(worker_id, stable_hash(incarnation)));
  return facts.began + from_seconds(to_seconds(policy.recycle_age) * (1 - kAgeSpread * part));
}

std::optional<SteadyTime> due_by_leak(const RecoveryPolicy& policy, const RecycleFacts& facts) {
  if (policy.recycle_leak_ahead <= Duration{0} || !facts.leak) return std::nullopt;
  if (facts.leak->probability * 100 < policy.recycle_leak_percent) return std::nullopt;
  return facts.leak->full_at - policy.recycle_leak_ahead;
}

Duration whole_seconds(Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d); }

}  // namespace

std::optional<RecycleDue> recycle_due(const RecoveryPolicy& policy, std::string_view worker_id,
                                      std::string_view incarnation, const RecycleFacts& facts, SteadyTime now) {
  std::optional<RecycleDue> first;
  const auto consider = [&](SteadyTime since, SteadyTime at_latest, std::string text) {
    if (now < since || (first && first->since <= since)) return;
    first = RecycleDue{since, at_latest, std::move(text)};
  };
  if (const auto at = due_by_leak(policy, facts)) {
    const SteadyTime since = std::max(*at, facts.began);
    consider(since, since + from_seconds(to_seconds(facts.leak->full_at - since) * kLeakPatience), facts.leak->text);
  }
  if (const auto at = due_by_age(policy, worker_id, incarnation, facts))
    consider(*at, *at + policy.recycle_wait,
             fmt::format("runs for {} (limit {})", format_duration(whole_seconds(now - facts.began)),
                         format_duration(policy.recycle_age)));
  // Since when is not known: the caller asks as soon as it hears, so now.
  if (policy.recycle_tasks > 0 && facts.tasks && *facts.tasks >= std::uint64_t(policy.recycle_tasks))
    consider(now, now + policy.recycle_wait,
             fmt::format("finished {} tasks (limit {})", *facts.tasks, policy.recycle_tasks));
  return first;
}

std::optional<SteadyTime> next_recycle_due(const RecoveryPolicy& policy, std::string_view worker_id,
                                           std::string_view incarnation, const RecycleFacts& facts) {
  auto next = due_by_age(policy, worker_id, incarnation, facts);
  const auto leak = due_by_leak(policy, facts);
  if (leak && (!next || *leak < *next)) next = leak;
  return next;
}

std::string recycle_waits_for(const RecoveryPolicy& policy, const PoolQuiet& pool, const RecycleDue& due,
                              bool worker_is_idle, SteadyTime now) {
  if (!pool.settled) return "waits until stops of its pool are no longer frozen";
  if (pool.not_well + pool.down >= pool.allowed)
    return fmt::format("waits until its pool is well: {} not well, {} being restarted, at most {} beside a planned one",
                       pool.not_well, pool.down, pool.allowed - 1);
  if (now >= due.at_latest || worker_is_idle || !pool.load_percent) return {};
  if (*pool.load_percent <= policy.recycle_load_percent) return {};
  return fmt::format("waits for low load: {} % of its pool's slots work (limit {} %)",
                     format_short(*pool.load_percent, 0), format_short(policy.recycle_load_percent, 0));
}

}  // namespace paramedic
