// Planned recycle: when a worker that is well comes due, and what it waits for.
#include <algorithm>

#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
constexpr Duration kLookAgain = 30s;     // at a pool whose load keeps a recycle waiting
constexpr Duration kLookAgainAt = 5min;  // a worker that is due but not well, or whose executor refused
}  // namespace

// Of a worker that is ill in any way nothing is planned: what ails it is judged on its own.
RemedyWish Recovery::Impl::planned_wish(const Worker& w, SteadyTime now) const {
  const RecoveryWorkerFacts& f = w.facts;
  const bool well = (f.status == Status::healthy || f.status == Status::warning) && f.state == WorkerState::running &&
                    f.heard && !f.announced_stop && !w.crashed && !w.verify && !w.quarantine.on;
  if (!well || w.action_running()) return {};
  const auto due = recycle_due(policy_of(w), f.id, f.incarnation, f.recycle, now);
  if (!due) return {};
  RemedyWish wish{RemedyKind::drain_restart, Reason::recycle, "", due->text};
  wish.planned = true;
  return wish;
}

std::optional<SteadyTime> Recovery::Impl::next_planned(const Worker& w, SteadyTime now) const {
  if (w.stop_wish.kind != RemedyKind::none || w.facts.dead || is_inactive(w.facts.state)) return std::nullopt;
  const auto at = next_recycle_due(policy_of(w), w.facts.id, w.facts.incarnation, w.facts.recycle);
  return at && *at <= now ? now + kLookAgainAt : at;
}

std::optional<HoldBack> Recovery::Impl::planned_hold(Pool& pool, const Worker& w, const Now& now) {
  const RecoveryPolicy& policy = policy_of(w);
  auto due = recycle_due(policy, w.facts.id, w.facts.incarnation, w.facts.recycle, now.steady);
  if (!due) return std::nullopt;
  due->at_latest = std::min(due->at_latest, *w.wish_since + policy.recycle_wait);
  PoolQuiet quiet;
  quiet.load_percent = pool.facts.load_percent;
  quiet.not_well = pool.ill + (pool.size - pool.known);
  quiet.down = int(pool.down.size());
  quiet.allowed = std::max(1, policy.down_allowed(pool.size) / 2);
  quiet.settled = pool.freeze.state().phase == FreezeState::Phase::open;
  std::string text = recycle_waits_for(policy, quiet, *due, w.facts.idle, now.steady);
  if (text.empty()) return std::nullopt;
  recheck_at(pool, now.steady + kLookAgain);
  if (now.steady < due->at_latest) recheck_at(pool, due->at_latest);
  return HoldBack{w.stop_wish.kind, HoldCode::waits_for_quiet, std::move(text), std::nullopt};
}

}  // namespace paramedic
