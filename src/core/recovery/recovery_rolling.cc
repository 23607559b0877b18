// Rolling restarts: the orders that are open, their turns, and what operators say to them. The rules stand in
// rolling.h. A restart of an order is one of Recovery's own actions; how it ends comes back through rolling_ended().
#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
using Target = RollingTargetState;
constexpr std::string_view kMonitor = "paramedic";
}  // namespace

RollingWorker Recovery::Impl::rolling_worker(const RollingTarget& target, const Now& now) const {
  RollingWorker out;
  const auto it = workers.find(target.worker_id);
  if (it == workers.end()) return out;
  const Worker& w = it->second;
  const RecoveryWorkerFacts& f = w.facts;
  out.known = f.state != WorkerState::gone;
  out.seen = w.seen;
  out.incarnation = f.incarnation;
  out.inactive = is_inactive(f.state) || w.stopped;
  out.dead = f.dead || !w.ended_incarnation.empty();
  out.busy = w.action_running() || (w.verify && !w.verify->failed && f.source_connected);
  out.ill = w.counted_ill;
  out.healthy = f.status != Status::unknown && !w.counted_ill && w.stop_wish.kind == RemedyKind::none;
  if (const auto* entry = maintenance.empty() ? nullptr : maintenance_entry(f.id, f.pool)) {
    out.own_maintenance = entry->record.id.starts_with("worker/");
    if (!out.own_maintenance) out.pool_maintenance = entry->record.id;
  }
  out.quarantined = w.quarantine.on;
  out.quarantine_reason = w.quarantine.reason;
  if (w.executor_hold && now.steady < w.executor_hold->until) out.told_to_wait = w.executor_hold->words;
  const auto pool = pools.find(f.pool);
  const bool paced = pool != pools.end() && pool->second.executor_hold;
  if (paced && now.steady < pool->second.executor_hold->until) out.told_to_wait = pool->second.executor_hold->words;
  out.announced_stop = f.announced_stop;
  out.can_restart = f.can_restart;
  out.source_connected = f.source_connected;
  return out;
}

RollingPool Recovery::Impl::rolling_pool(const std::string& name) const {
  RollingPool out;
  const RecoveryPolicy& policy = policies.of(name);
  out.name = name;
  out.allow_last = policy.allow_last;
  const auto it = pools.find(name);
  if (it == pools.end()) return out;
  const Pool& pool = it->second;
  out.size = pool.size;
  out.healthy = pool.known - pool.ill;
  out.down = int(pool.down.size());
  out.down_allowed = policy.down_allowed(pool.size);
  if (pool.freeze.state().frozen()) out.frozen = pool.freeze.state().text;
  return out;
}

RollingJudgement Recovery::Impl::turn_of(const RollingTarget& target, const Now& now) const {
  const auto it = workers.find(target.worker_id);
  const std::string& pool = it == workers.end() ? target.pool : it->second.facts.pool;
  if (auto held = rolling_hold(fleet, policies.of(pool), now)) return {RollingTurn::wait, std::move(*held)};
  return judge_turn(target, rolling_worker(target, now), rolling_pool(pool));
}

void Recovery::Impl::settle_rollings(const Now& now, RecoveryOutput& out) {
  for (auto it = rollings.begin(); it != rollings.end();) {
    Rolling& r = it->second;
    if (!shut_down && r.record.state == RollingState::running) {
      if (!r.unknown.empty())
        pause_rolling(r,
                      fmt::format("what became of the restart of {} while the monitor was away is not known: look, "
                                  "then resume or abort",
                                  std::exchange(r.unknown, {})),
                      std::string(kMonitor), now, out);
      else if (r.look_at && *r.look_at <= now.steady)
        advance_rolling(r, now, out);
    }
    if (!is_over(r.record.state)) {
      ++it;
      continue;
    }
    past_rollings.push_back(std::move(r.record));
    if (past_rollings.size() > kKeptRollings) past_rollings.pop_front();
    it = rollings.erase(it);
  }
}

// Begins whose turn it is. Of those left out or done already the order hears only when a place is free, so that a
// worker which is released in time still has its turn.
void Recovery::Impl::advance_rolling(Rolling& r, const Now& now, RecoveryOutput& out) {
  r.look_at.reset();
  const int at_once = rolling_at_once(r.record.wish, r.record.total);
  std::string held;
  bool only_away = true;
  for (const bool ill : {true, false}) {
    for (RollingTarget& t : r.targets) {
      if (int(r.record.now.size()) >= at_once) break;
      if (t.state != Target::waiting) continue;
      const auto it = workers.find(t.worker_id);
      if ((it != workers.end() && it->second.counted_ill) != ill) continue;
      RollingJudgement judged = turn_of(t, now);
      if (judged.turn == RollingTurn::go) {
        begin_turn(r, t, it->second, now, out);
      } else if (judged.turn == RollingTurn::done || judged.turn == RollingTurn::skip) {
        end_target(r, t, judged.turn == RollingTurn::done ? Target::done : Target::skipped, judged.text, now, out);
      } else {
        only_away = only_away && judged.turn == RollingTurn::away;
        if (held.empty()) held = fmt::format("{}: {}", t.worker_id, judged.text);
      }
    }
  }
  const bool blocked = !held.empty() && r.record.now.empty();
  if (!blocked || !only_away) r.away_since.reset();
  if (blocked && only_away && !r.away_since) r.away_since = now.steady;
  if (r.away_since && now.steady - *r.away_since >= kRollingAgentAway) leave_out_absent(r, now, out);
  if (!held.empty()) r.look_at = now.steady + kRollingLook;
  if (held != r.record.held) out.changed_pools.push_back(r.record.wish.pool);
  r.record.held = std::move(held);
  end_rolling_if_through(r, now, out);
}

void Recovery::Impl::leave_out_absent(Rolling& r, const Now& now, RecoveryOutput& out) {
  for (RollingTarget& t : r.targets) {
    if (t.state != Target::waiting) continue;
    RollingJudgement judged = turn_of(t, now);
    if (judged.turn == RollingTurn::away) end_target(r, t, Target::skipped, std::move(judged.text), now, out);
  }
}

void Recovery::Impl::begin_turn(Rolling& r, RollingTarget& t, Worker& w, const Now& now, RecoveryOutput& out) {
  if (w.action_open()) finish_action(w, ActionState::abandoned, "a rolling restart takes its place", now, out);
  const bool ill = w.counted_ill || w.facts.status == Status::critical;
  const Asker by{r.record.actor, r.record.id};
  const std::string why =
      r.record.reason.empty() ? "rolling restart of " + rolling_scope(r.record.wish) : r.record.reason;
  begin_stop(w, ill ? RemedyKind::restart : RemedyKind::drain_restart, Reason::none, why, &by, now, out);
  t.state = Target::running;
  t.action_id = w.action->action_id;
  t.at = now.wall;
  ++t.tries;
  r.record.now.push_back(t.worker_id);
  r.unsaved = true;
  out.ledger.push_back({now.wall, t});
}

void Recovery::Impl::end_target(Rolling& r, RollingTarget& t, RollingTargetState state, std::string text,
                                const Now& now, RecoveryOutput& out) {
  t.state = state;
  t.at = now.wall;
  std::erase(r.record.now, t.worker_id);
  rolling_count(r.record, t, std::move(text), now.wall);
  r.unsaved = true;
  out.ledger.push_back({now.wall, t});
}

void Recovery::Impl::rolling_ended(const ActionRecord& action, const Now& now, RecoveryOutput& out) {
  const auto it = rollings.find(action.rolling_id);
  if (it == rollings.end()) return;
  Rolling& r = it->second;
  const auto t = std::find_if(r.targets.begin(), r.targets.end(), [&](const RollingTarget& one) {
    return one.state == Target::running && one.action_id == action.action_id;
  });
  if (t == r.targets.end()) return;
  r.look_at = now.steady;
  if (action.state == ActionState::succeeded) {
    end_target(r, *t, Target::done, "", now, out);
  } else if (action.state == ActionState::held_back ||
             (action.state == ActionState::abandoned && t->tries < kRollingTries)) {
    // Its executor said "not now", which is no try; or something else took its place: it is judged anew, and a new
    // incarnation is as good.
    if (action.state == ActionState::held_back) --t->tries;
    t->state = Target::waiting;
    std::erase(r.record.now, t->worker_id);
    r.unsaved = true;
    out.ledger.push_back({now.wall, *t});
  } else {
    const std::string worker = t->worker_id;
    end_target(r, *t, Target::failed, action.outcome, now, out);
    const bool left = std::any_of(r.targets.begin(), r.targets.end(),
                                  [](const RollingTarget& one) { return one.state == Target::waiting; });
    if (r.record.wish.pause_on_failure && left && r.record.state == RollingState::running)
      pause_rolling(r, fmt::format("the restart of {} failed: {}", worker, action.outcome), std::string(kMonitor), now,
                    out);
  }
  end_rolling_if_through(r, now, out);
}

void Recovery::Impl::end_rolling_if_through(Rolling& r, const Now& now, RecoveryOutput& out) {
  std::erase_if(r.targets,
                [](const RollingTarget& t) { return t.state != Target::waiting && t.state != Target::running; });
  if (is_over(r.record.state)) return;
  if (!r.targets.empty()) return save_rolling(r, now, out);
  r.record.held.clear();
  change_rolling(r, RollingState::finished, rolling_counts(r.record), r.record.actor, now, out);
}

void Recovery::Impl::change_rolling(Rolling& r, RollingState state, std::string text, const std::string& by,
                                    const Now& now, RecoveryOutput& out) {
  RollingRecord& record = r.record;
  record.state = state;
  record.text = std::move(text);
  record.changed_by = by;
  record.changed_at = now.wall;
  if (is_over(state)) record.ended_at = now.wall;
  if (state == RollingState::running) r.look_at = now.steady;
  r.unsaved = true;
  save_rolling(r, now, out);
  const std::string scope = rolling_scope(record.wish);
  AlertWish wish;
  const std::string& pool = record.wish.pool;
  wish.key = fmt::format("{}/rolling_paused", pool.empty() ? "monitor" : "pool/" + pool);
  wish.on = state == RollingState::paused && by == kMonitor;
  wish.severity = Severity::warning;
  wish.reason = Reason::rolling_paused;
  wish.pool = pool;
  wish.title = fmt::format("The rolling restart of {} is paused", scope);
  wish.message = fmt::format("{}; {}. Resume or abort it: {}", record.text, rolling_counts(record), record.id);
  out.alerts.push_back(std::move(wish));
  FleetEvent e;
  e.at = now.wall;
  e.kind = "operator";
  e.pool = pool;
  e.text = fmt::format("rolling restart of {} {} by {}{}", scope, to_string(state), by,
                       record.text.empty() ? "" : ": " + record.text);
  out.events.push_back(std::move(e));
}

void Recovery::Impl::pause_rolling(Rolling& r, std::string why, const std::string& by, const Now& now,
                                   RecoveryOutput& out) {
  r.record.held.clear();
  r.look_at.reset();
  change_rolling(r, RollingState::paused, std::move(why), by, now, out);
}

// Once per step, however many turns it ends.
void Recovery::Impl::save_rolling(Rolling& r, const Now& now, RecoveryOutput& out) {
  if (!std::exchange(r.unsaved, false)) return;
  out.ledger.push_back({now.wall, r.record});
  out.changed_pools.push_back(r.record.wish.pool);
}

// ---- operators

CommandResult Recovery::Impl::command_rolling(const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (shut_down) return refused(Errc::unavailable, "the monitor is shutting down");
  if (c.verb == Verb::rolling_start) return begin_rolling(c, now, out);
  const auto it = rollings.find(c.target);
  if (it == rollings.end()) {
    const bool over = std::any_of(past_rollings.begin(), past_rollings.end(),
                                  [&](const RollingRecord& r) { return r.id == c.target; });
    return over ? refused(Errc::conflict, fmt::format("rolling restart {} is over", c.target))
                : refused(Errc::not_found, fmt::format("rolling restart {} is not known", c.target));
  }
  return change_rolling_by_command(it->second, c, now, out);
}

CommandResult Recovery::Impl::change_rolling_by_command(Rolling& r, const CommandInput& c, const Now& now,
                                                        RecoveryOutput& out) {
  const std::string said = c.reason.empty() ? std::string() : c.reason;
  const std::string under_way = r.record.now.empty() ? "" : fmt::format("; {} that began go on", r.record.now.size());
  CommandResult result = done("");
  result.id = r.record.id;
  if (c.verb == Verb::rolling_abort) {
    for (RollingTarget& t : r.targets) {
      t.state = t.state == Target::running ? Target::lost : Target::skipped;
      out.ledger.push_back({now.wall, t});
    }
    r.targets.clear();
    r.record.held.clear();
    change_rolling(r, RollingState::aborted, said, c.actor, now, out);
    result.message = fmt::format("aborted: {}{}", rolling_counts(r.record), under_way);
    return result;
  }
  const RollingState wanted = c.verb == Verb::rolling_pause ? RollingState::paused : RollingState::running;
  if (r.record.state == wanted)
    return refused(Errc::conflict, fmt::format("rolling restart {} is {} already", r.record.id, to_string(wanted)));
  if (wanted == RollingState::paused)
    pause_rolling(r, said, c.actor, now, out);
  else
    change_rolling(r, wanted, said, c.actor, now, out);
  result.message = fmt::format("{}: {}{}", wanted == RollingState::paused ? "paused" : "goes on",
                               rolling_counts(r.record), wanted == RollingState::paused ? under_way : "");
  result.running = wanted == RollingState::running;
  return result;
}

std::vector<RollingCandidate> Recovery::Impl::rolling_candidates(const RollingWish& wish, const Now& now) const {
  std::vector<RollingCandidate> out;
  for (const auto& [id, w] : workers) {
    const RecoveryWorkerFacts& f = w.facts;
    const bool living = w.seen && !f.dead && w.ended_incarnation.empty() && !is_inactive(f.state) && !w.stopped;
    if (!living || (!wish.pool.empty() && f.pool != wish.pool)) continue;
    if ((!wish.version.empty() && f.version != wish.version) || (!wish.host.empty() && f.host != wish.host)) continue;
    out.push_back({id, f.pool, f.incarnation, w.counted_ill, f.started_at.value_or(now.wall)});
  }
  return out;
}

CommandResult Recovery::Impl::begin_rolling(const CommandInput& c, const Now& now, RecoveryOutput& out) {
  const RollingWish wish = c.rolling.value_or(RollingWish{.pool = c.pool});
  if (!wish.pool.empty() && !pools.contains(wish.pool))
    return refused(Errc::not_found, fmt::format("pool {} is not known", wish.pool));
  std::vector<const RollingRecord*> open;
  for (const auto& [id, r] : rollings) open.push_back(&r.record);
  if (auto conflict = rolling_conflict(open, wish.pool)) return refused(Errc::conflict, std::move(*conflict));
  auto candidates = rolling_candidates(wish, now);
  if (candidates.empty())
    return refused(Errc::conflict, fmt::format("no living worker of {} to restart", rolling_scope(wish)));
  Rolling r;
  r.record.wish = wish;
  r.record.actor = r.record.changed_by = c.actor;
  r.record.reason = c.reason;
  r.record.started_at = now.wall;
  r.record.id = "roll-" + hash_hex(hash_mix(stable_hash(rolling_scope(wish)),
                                            std::uint64_t(now.wall.time_since_epoch().count())));
  r.targets = rolling_targets(r.record.id, std::move(candidates), now.wall);
  r.record.total = int(r.targets.size());
  for (const RollingTarget& t : r.targets) out.ledger.push_back({now.wall, t});
  const std::string id = r.record.id;
  Rolling& kept = rollings[id] = std::move(r);
  change_rolling(kept, RollingState::running, c.reason, c.actor, now, out);
  CommandResult result =
      done(fmt::format("rolling restart {} of {} begins: {} workers, {} at a time at most", id, rolling_scope(wish),
                       kept.record.total, rolling_at_once(wish, kept.record.total)));
  result.id = id;
  result.running = true;
  return result;
}

// ---- the last life of the monitor

void Recovery::Impl::restore_rollings(const LedgerState& state, const Now& now) {
  auto records = state.rollings;
  std::stable_sort(records.begin(), records.end(),
                   [](const RollingRecord& a, const RollingRecord& b) { return a.started_at < b.started_at; });
  for (RollingRecord& record : records) {
    if (is_over(record.state)) {
      past_rollings.push_back(std::move(record));
      if (past_rollings.size() > kKeptRollings) past_rollings.pop_front();
      continue;
    }
    Rolling& r = rollings[record.id];
    r.record = std::move(record);
    r.record.now.clear();
    r.look_at = now.steady;
  }
  for (const RollingTarget& t : state.rolling_targets)
    if (const auto it = rollings.find(t.rolling_id); it != rollings.end()) it->second.targets.push_back(t);
  for (auto& [id, r] : rollings) {
    std::stable_sort(r.targets.begin(), r.targets.end(),
                     [](const RollingTarget& a, const RollingTarget& b) { return a.turn < b.turn; });
    for (RollingTarget& t : r.targets) restore_target(r, t);
  }
}

// A restart that was under way goes on when its action came back with it. Otherwise nobody knows, and a person decides.
void Recovery::Impl::restore_target(Rolling& r, RollingTarget& t) {
  if (t.state != Target::running) return;
  const bool runs = std::any_of(workers.begin(), workers.end(), [&](const auto& entry) {
    return entry.second.action_running() && entry.second.action->action_id == t.action_id;
  });
  if (runs) {
    r.record.now.push_back(t.worker_id);
    return;
  }
  t.state = Target::waiting;
  r.unknown += (r.unknown.empty() ? "" : ", ") + t.worker_id;
}

}  // namespace paramedic
