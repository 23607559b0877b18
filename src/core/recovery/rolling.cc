#include "core/recovery/rolling.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {

RollingJudgement wait(std::string text) { return {RollingTurn::wait, std::move(text)}; }
RollingJudgement skip(std::string text) { return {RollingTurn::skip, std::move(text)}; }
std::string because(const std::string& reason) { return reason.empty() ? "" : ": " + reason; }

// What the worker itself is in: nullopt = it could be restarted.
std::optional<RollingJudgement> judge_worker(const RollingTarget& target, const RollingWorker& w) {
  if (!w.known) return skip("it is gone");
  if (!w.seen) return RollingJudgement{RollingTurn::away, "it was not heard since the monitor started"};
  const bool newer = !w.incarnation.empty() && w.incarnation != target.incarnation;
  // What something else started must be proven as well, before the next one's turn.
  if (w.busy) return wait(newer ? "its new start is not proven yet" : "another remedy of it is under way");
  if (newer) return RollingJudgement{RollingTurn::done, "it was started anew since the order began"};
  if (w.inactive) return skip("it is stopped");
  if (w.dead) return skip("it is dead: its start brings a new incarnation anyway");
  if (w.quarantined) return skip("it is quarantined" + because(w.quarantine_reason));
  if (w.own_maintenance) return skip("it is in maintenance");
  if (w.announced_stop) return skip("it announced its stop");
  if (!w.can_restart) return skip("nothing here can restart it: its source has no executor");
  if (!w.source_connected) return RollingJudgement{RollingTurn::away, "its agent is away"};
  return std::nullopt;
}

}  // namespace

RollingJudgement judge_turn(const RollingTarget& target, const RollingWorker& worker, const RollingPool& pool) {
  if (auto own = judge_worker(target, worker)) return *own;
  if (!worker.told_to_wait.empty()) return wait(worker.told_to_wait);
  if (!worker.pool_maintenance.empty()) return wait(fmt::format("maintenance of {}", worker.pool_maintenance));
  if (!pool.frozen.empty()) return wait(fmt::format("stops of pool {} are frozen: {}", pool.name, pool.frozen));
  if (pool.down >= pool.down_allowed)
    return wait(fmt::format("{} of {} workers that may be down at once in pool {} are", pool.down, pool.down_allowed,
                            pool.name));
  if (!pool.allow_last && worker.healthy && pool.healthy <= 1) {
    if (pool.size <= 1)
      return skip(
          fmt::format("it is the only worker of pool {}: restart it by hand with force, or set allow_last", pool.name));
    return wait(fmt::format("it is the last healthy worker of pool {}", pool.name));
  }
  return {};
}

std::optional<std::string> rolling_hold(const GovernorFleet& fleet, const RecoveryPolicy& policy, const Now& now) {
  if (fleet.big_switch) return "all automatic action is frozen by an operator" + because(fleet.big_switch_reason);
  if (now.steady < fleet.monitor_started + policy.young_monitor)
    return fmt::format("the monitor is young: no stop in its first {}", format_duration(policy.young_monitor));
  if (fleet.own_lag > policy.max_own_lag)
    return fmt::format("the monitor itself lags by {} s", format_short(to_seconds(fleet.own_lag)));
  if (fleet.ledger_degraded) return "the ledger cannot commit, so stops wait";
  return std::nullopt;
}

int rolling_at_once(const RollingWish& wish, int total) {
  const int wanted = wish.at_once_percent <= 0 ? wish.at_once : int(std::floor(total * wish.at_once_percent / 100));
  return std::clamp(wanted, 1, int(kMaxRollingNow));
}

std::vector<RollingTarget> rolling_targets(const std::string& rolling_id, std::vector<RollingCandidate> workers,
                                           WallTime now) {
  std::sort(workers.begin(), workers.end(), [](const RollingCandidate& a, const RollingCandidate& b) {
    if (a.ill != b.ill) return a.ill;
    return a.started_at != b.started_at ? a.started_at < b.started_at : a.worker_id < b.worker_id;
  });
  std::vector<RollingTarget> out;
  out.reserve(workers.size());
  for (RollingCandidate& w : workers) {
    RollingTarget& t = out.emplace_back();
    t.rolling_id = rolling_id;
    t.worker_id = std::move(w.worker_id);
    t.pool = std::move(w.pool);
    t.incarnation = std::move(w.incarnation);
    t.turn = int(out.size());
    t.at = now;
  }
  return out;
}

std::optional<std::string> rolling_conflict(const std::vector<const RollingRecord*>& open, const std::string& pool) {
  for (const RollingRecord* r : open) {
    if (!r->wish.pool.empty() && !pool.empty() && r->wish.pool != pool) continue;
    return fmt::format("rolling restart {} of {} is {}: wait for its end, or abort it", r->id, rolling_scope(r->wish),
                       to_string(r->state));
  }
  if (open.size() >= kMaxOpenRollings)
    return fmt::format("{} rolling restarts are open; at most {} may be", open.size(), kMaxOpenRollings);
  return std::nullopt;
}

std::string rolling_scope(const RollingWish& wish) {
  std::string out = wish.pool.empty() ? "the fleet" : "pool " + wish.pool;
  if (!wish.version.empty()) out += ", version " + wish.version;
  if (!wish.host.empty()) out += ", host " + wish.host;
  return out;
}

std::string rolling_counts(const RollingRecord& r) {
  std::string out = fmt::format("{} of {} done", r.done, r.total);
  if (r.skipped > 0) out += fmt::format(", {} skipped", r.skipped);
  if (r.failed > 0) out += fmt::format(", {} failed", r.failed);
  return out;
}

void rolling_count(RollingRecord& record, const RollingTarget& target, std::string text, WallTime now) {
  using State = RollingTargetState;
  if (target.state == State::done) ++record.done;
  if (target.state == State::skipped) ++record.skipped;
  if (target.state == State::failed) ++record.failed;
  if (target.state != State::skipped && target.state != State::failed) return;
  if (record.notes.size() >= kMaxRollingNotes) record.notes.erase(record.notes.begin());
  record.notes.push_back({target.worker_id, target.state, cut_text(text, kMaxStepMessage), now});
}

}  // namespace paramedic
