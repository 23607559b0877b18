// "Not now": the executor reached what holds the worker, and that keeps a budget of its own (a disruption budget of
// Kubernetes). Nothing was stopped, so nothing counts: the stop is taken back from every budget, in the ledger too, its
// slot is free, a canary has said nothing, nobody is told. It is asked again, at a pace: the worker after the time that
// was asked for or 10, 20, 40 … 300 s, whatever is longer; another worker of its pool no sooner than after the first of
// these. So a pool behind one full budget asks once per pace and worker after worker, and none starves behind another.
#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {

constexpr Duration kFirst = 10s, kLongest = 5min, kLongestAskedFor = 1h;
constexpr Duration kForgotten = 15min;  // so long after a wait the next one is the first again
constexpr double kJitter = 0.25;        // of the wait, added at most

}  // namespace

void Recovery::Impl::take_back_stop(Worker& w, const Now& now, RecoveryOutput& out) {
  const auto at = std::exchange(w.counted_at, std::nullopt);
  w.action->counted_stop = false;
  if (!at) return;
  pool_of(w).stops.take_back(*at);
  if (const auto budget = budgets.find(budget_key(w)); budget != budgets.end()) budget->second.take_back(*at);
  if (w.quarantine.on) w.quarantine.next_retry = now.steady;  // its hourly retry has not been made
  BudgetRecord back{w.action->action_id, w.facts.id, w.facts.pool, w.facts.host, true, false, now.wall};
  back.returned = true;
  out.ledger.push_back({now.wall, std::move(back)});
}

void Recovery::Impl::wait_before_asking_again(Worker& w, const ProgressInput& p, const Now& now) {
  const Duration asked_for = std::clamp<Duration>(p.retry_after.value_or(kFirst), 1s, kLongestAskedFor);
  const bool in_a_row = w.executor_hold && now.steady - w.executor_hold->until < kForgotten;
  const int times = in_a_row ? w.executor_hold->times + 1 : 1;
  const Duration backoff = std::min<Duration>(kFirst * (1 << std::min(times - 1, 5)), kLongest);
  const double swing = kJitter * hash_fraction(stable_hash(w.facts.id, stable_hash(w.action->action_id)));
  const Duration wait = std::max(asked_for, backoff);
  const std::string words = p.message.empty() ? "not now" : p.message;
  w.executor_hold = ExecutorHold{words, now.steady + wait + from_seconds(to_seconds(wait) * swing), times};
  if (!is_stop(w.action->kind)) return;
  const Duration pace = std::max(asked_for, policy_of(w).stop_interval);
  pool_of(w).executor_hold =
      ExecutorHold{fmt::format("{} (said of worker {})", words, w.facts.id), now.steady + pace, 1};
}

void Recovery::Impl::held_back(Worker& w, const ProgressInput& p, const Now& now, RecoveryOutput& out) {
  wait_before_asking_again(w, p, now);
  take_back_stop(w, now, out);
  const bool approved = w.approved && w.stop_wish.kind != RemedyKind::none;  // an approval is for the wish, not the try
  finish_action(w, ActionState::held_back, w.executor_hold->words, now, out);
  w.approved = approved;
}

}  // namespace paramedic
