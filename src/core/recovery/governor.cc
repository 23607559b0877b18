#include "core/recovery/governor.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "core/recovery/lease.h"

namespace paramedic {

namespace {

constexpr Duration kKeep = 2h;  // the widest window a policy may ask for

// "40 s", "12 min", "3 h": rounded up, so that it never promises too early.
std::string in_words(Duration d) {
  const auto seconds = std::int64_t(std::ceil(std::max(to_seconds(d), 0.0)));
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", (seconds + 59) / 60);
  return fmt::format("{} h", (seconds + 3599) / 3600);
}

GovernorAnswer hold(const GovernorWorker& worker, HoldCode code, std::string text, const Now& now,
                    std::optional<SteadyTime> until = std::nullopt) {
  GovernorAnswer answer;
  answer.held = HoldBack{worker.wanted, code, std::move(text), std::nullopt};
  answer.until = until;
  if (until) answer.held->until = wall_at(*until, now);
  return answer;
}

std::string because(const std::string& reason) { return reason.empty() ? "" : ": " + reason; }

// What holds starts and stops alike.
std::optional<GovernorAnswer> common_hold(const GovernorFleet& fleet, const GovernorWorker& w, const Now& now) {
  if (w.mode == RecoveryMode::off) return hold(w, HoldCode::mode_off, "recovery is off for this pool", now);
  if (fleet.big_switch)
    return hold(w, HoldCode::big_switch,
                "all automatic action is frozen by an operator" + because(fleet.big_switch_reason), now);
  if (!w.maintenance.empty())
    return hold(w, HoldCode::maintenance, fmt::format("maintenance of {}", w.maintenance), now, w.maintenance_until);
  if (w.quarantine.on && w.quarantine.by_operator)
    return hold(w, HoldCode::quarantined, "quarantined by an operator" + because(w.quarantine.reason), now);
  if (w.announced_stop) return hold(w, HoldCode::announced_stop, "the worker announced its stop", now);
  return std::nullopt;
}

std::optional<GovernorAnswer> mode_hold(const GovernorWorker& w, const Now& now) {
  if (w.mode == RecoveryMode::shadow)
    return hold(w, HoldCode::mode_shadow,
                fmt::format("shadow mode: would {} now", w.wanted == RemedyKind::start ? "start" : "restart"), now);
  if (w.mode == RecoveryMode::approve && !w.approved && w.rejected_until && now.steady < *w.rejected_until)
    return hold(w, HoldCode::mode_approve,
                fmt::format("rejected {}; asked again in {}", w.rejected, in_words(*w.rejected_until - now.steady)),
                now, w.rejected_until);
  if (w.mode == RecoveryMode::approve && !w.approved)
    return hold(w, HoldCode::mode_approve, "waits for an operator's approval", now);
  return std::nullopt;
}

std::optional<GovernorAnswer> executor_hold(const GovernorWorker& w, const Now& now) {
  if (!w.can_restart)
    return hold(w, HoldCode::no_executor, "nothing here can restart it: its source has no executor", now);
  if (!w.source_connected) return hold(w, HoldCode::source_away, "its agent is away", now);
  if (w.action_running) return hold(w, HoldCode::action_running, "another remedy is running", now);
  return std::nullopt;
}

std::optional<GovernorAnswer> monitor_hold(const GovernorFleet& fleet, const RecoveryPolicy& p, const GovernorWorker& w,
                                           const Now& now) {
  const SteadyTime grown = fleet.monitor_started + p.young_monitor;
  if (now.steady < grown)
    return hold(w, HoldCode::monitor_young,
                fmt::format("the monitor started {} ago, no stop in its first {}",
                            in_words(now.steady - fleet.monitor_started), format_duration(p.young_monitor)),
                now, grown);
  if (fleet.own_lag > p.max_own_lag)
    return hold(w, HoldCode::monitor_lag,
                fmt::format("the monitor itself lags by {} s (limit {} s)", format_short(to_seconds(fleet.own_lag)),
                            format_short(to_seconds(p.max_own_lag))),
                now);
  if (fleet.ledger_degraded) return hold(w, HoldCode::ledger_degraded, "the ledger cannot commit, so stops wait", now);
  return std::nullopt;
}

// The budget of the worker itself; a used-up one quarantines, a quarantined one has its hourly retry.
std::optional<GovernorAnswer> worker_budget(const RecoveryPolicy& p, const GovernorWorker& w, const Now& now) {
  const int used = w.stops ? w.stops->used(now.steady, p.stops_window) : 0;
  const bool spent = used >= p.stops_per_worker;
  const SteadyTime next = spent ? w.stops->next(now.steady, p.stops_window, p.stops_per_worker) : now.steady;
  if (w.quarantine.on) {
    const SteadyTime retry = std::max(w.quarantine.next_retry, next);
    if (now.steady >= retry) return std::nullopt;
    return hold(
        w, HoldCode::quarantined,
        fmt::format("quarantined{}, next retry in {}", because(w.quarantine.reason), in_words(retry - now.steady)), now,
        retry);
  }
  if (!spent) return std::nullopt;
  // A recycle that comes too often is a matter of the limits that were chosen, not an illness.
  auto answer = hold(w, HoldCode::stop_budget_worker,
                     fmt::format("{} of {} stops used in {}, next in {}", used, p.stops_per_worker,
                                 format_duration(p.stops_window), in_words(next - now.steady)),
                     now, next);
  answer.quarantine = !w.planned;
  return answer;
}

// A stop waits for the pool's pace as well; a start only for what was said of this worker.
std::optional<GovernorAnswer> patience(const GovernorWorker& w, const ExecutorHold* of_pool, const Now& now) {
  const ExecutorHold* hold_of = w.executor_hold;
  if (of_pool && (!hold_of || of_pool->until > hold_of->until)) hold_of = of_pool;
  if (!hold_of || now.steady >= hold_of->until) return std::nullopt;
  return hold(w, HoldCode::disruption_budget,
              fmt::format("{}; asked again in {}", hold_of->words, in_words(hold_of->until - now.steady)), now,
              hold_of->until);
}

bool is_last_healthy(const GovernorPool& pool, const GovernorWorker& w) {
  return w.status_known && !w.ill && pool.healthy <= 1;
}

std::optional<GovernorAnswer> pool_budget(const GovernorPool& pool, const GovernorWorker& w, const Now& now) {
  const RecoveryPolicy& p = *pool.policy;
  if (!p.allow_last && is_last_healthy(pool, w))
    return hold(w, HoldCode::last_healthy, fmt::format("it is the last healthy worker of pool {}", pool.name), now);
  const int down_allowed = p.down_allowed(pool.size);
  if (pool.down >= down_allowed)
    return hold(
        w, HoldCode::down_cap,
        fmt::format("{} of {} workers that may be down at once in pool {} are", pool.down, down_allowed, pool.name),
        now);
  // What is planned leaves half for what is not.
  const int hourly = w.planned ? std::max(1, p.hourly_allowed(pool.size) / 2) : p.hourly_allowed(pool.size);
  const int used = pool.stops ? pool.stops->used(now.steady, 1h) : 0;
  if (used >= hourly) {
    const SteadyTime next = pool.stops->next(now.steady, 1h, hourly);
    return hold(w, HoldCode::stop_budget_pool,
                fmt::format("{} of {} stops of pool {} used in 1h, next in {}", used, hourly, pool.name,
                            in_words(next - now.steady)),
                now, next);
  }
  const auto last = pool.stops ? pool.stops->last() : std::nullopt;
  if (last && now.steady < *last + p.stop_interval)
    return hold(w, HoldCode::stop_rate_pool,
                fmt::format("pool {} has at most one stop per {}, next in {}", pool.name,
                            format_duration(p.stop_interval), in_words(*last + p.stop_interval - now.steady)),
                now, *last + p.stop_interval);
  return std::nullopt;
}

}  // namespace

void BudgetWindow::add(SteadyTime at) {
  times_.insert(std::upper_bound(times_.begin(), times_.end(), at), at);
  const auto fresh =
      std::find_if(times_.begin(), times_.end(), [&](SteadyTime t) { return times_.back() - t <= kKeep; });
  times_.erase(times_.begin(), fresh);
}

int BudgetWindow::used(SteadyTime now, Duration window) const {
  return int(std::count_if(times_.begin(), times_.end(), [&](SteadyTime t) { return now - t < window; }));
}

SteadyTime BudgetWindow::next(SteadyTime now, Duration window, int allowed) const {
  const int excess = used(now, window) - allowed;
  if (excess < 0) return now;
  const auto first = std::find_if(times_.begin(), times_.end(), [&](SteadyTime t) { return now - t < window; });
  return *(first + excess) + window;
}

std::optional<SteadyTime> BudgetWindow::last() const {
  return times_.empty() ? std::nullopt : std::optional(times_.back());
}

void BudgetWindow::take_back(SteadyTime at) {
  const auto it = std::lower_bound(times_.begin(), times_.end(), at);
  if (it != times_.end() && *it == at) times_.erase(it);
}

GovernorAnswer may_stop(const GovernorFleet& fleet, const GovernorPool& pool, const GovernorWorker& worker,
                        const Now& now) {
  if (auto held = common_hold(fleet, worker, now)) return *held;
  if (auto held = executor_hold(worker, now)) return *held;
  if (worker.news_until && now.steady > *worker.news_until)
    return hold(worker, HoldCode::source_away, "its agent has not spoken lately; a stop waits for its next word", now);
  if (auto held = monitor_hold(fleet, *pool.policy, worker, now)) return *held;
  if (pool.freeze && pool.freeze->frozen() && pool.freeze->slots <= 0)
    return hold(worker, HoldCode::frozen, fmt::format("stops of pool {} are frozen: {}", pool.name, pool.freeze->text),
                now, pool.freeze->until);
  if (const auto& cause = worker.shared_cause) {
    const std::string wait =
        cause->until ? fmt::format("; one canary restart in {}", in_words(*cause->until - now.steady)) : "";
    return hold(worker, HoldCode::shared_cause, cause->text + wait, now, cause->until);
  }
  if (auto held = worker_budget(*pool.policy, worker, now)) return *held;
  if (auto held = patience(worker, pool.executor_hold, now)) return *held;
  if (auto held = pool_budget(pool, worker, now)) return *held;
  if (auto held = mode_hold(worker, now)) return *held;
  return {};
}

GovernorAnswer may_start(const GovernorFleet& fleet, const GovernorPool& pool, const GovernorWorker& worker,
                         const Now& now) {
  if (auto held = start_hold(fleet, worker, *pool.policy, now)) {
    GovernorAnswer answer;
    if (held->code == HoldCode::maintenance) answer.until = worker.maintenance_until;
    if (held->code == HoldCode::mode_approve) answer.until = worker.rejected_until;
    answer.held = std::move(held);
    return answer;
  }
  if (auto held = executor_hold(worker, now)) return *held;
  if (auto held = patience(worker, nullptr, now)) return *held;
  if (worker.next_start && now.steady < *worker.next_start) {
    const std::string wait = in_words(*worker.next_start - now.steady);
    if (worker.crash_loop)
      return hold(worker, HoldCode::crash_loop,
                  fmt::format("crash loop: {} crashes, one try per {}, next in {}", worker.crashes,
                              format_duration(pool.policy->backoff.crash_loop_every), wait),
                  now, worker.next_start);
    return hold(worker, HoldCode::backoff, fmt::format("crash {} in a row, next start in {}", worker.crashes, wait),
                now, worker.next_start);
  }
  return {};
}

std::optional<HoldBack> start_hold(const GovernorFleet& fleet, const GovernorWorker& worker,
                                   const RecoveryPolicy& policy, const Now& now) {
  if (auto held = common_hold(fleet, worker, now)) return held->held;
  if (worker.exit && exit_means_stopped(*worker.exit, policy.no_restart_exit_codes))
    return hold(worker, HoldCode::exit_code,
                fmt::format("it ended with exit code {}, which means stopped", *worker.exit->code), now)
        .held;
  if (auto held = mode_hold(worker, now)) return held->held;
  return std::nullopt;
}

GovernorAnswer may_operator_restart(const GovernorFleet& fleet, const GovernorPool& pool, const GovernorWorker& worker,
                                    bool force, const Now& now) {
  if (auto held = executor_hold(worker, now)) return *held;
  if (force) return {};
  if (fleet.big_switch)
    return hold(worker, HoldCode::big_switch,
                "all action is frozen by the big switch" + because(fleet.big_switch_reason) +
                    "; repeat with force or thaw first",
                now);
  if (is_stop(worker.wanted) && !pool.policy->allow_last && is_last_healthy(pool, worker))
    return hold(worker, HoldCode::last_healthy,
                fmt::format("it is the last healthy worker of pool {}; repeat with force", pool.name), now);
  return {};
}

}  // namespace paramedic
