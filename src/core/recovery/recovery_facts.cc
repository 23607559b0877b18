// What happened to workers: births, ends, wishes, and the counts of their pools.
#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {

std::string exit_words(const std::optional<ExitInfo>& exit) {
  if (!exit || exit->unknown_cause) return "its exit code is unknown";
  std::string out = exit->signal        ? fmt::format("signal {}", *exit->signal)
                    : exit->code == 127 ? std::string("exit code 127, its command was not found or cannot be executed")
                    : exit->code        ? fmt::format("exit code {}", *exit->code)
                                        : std::string("its exit code is unknown");
  return exit->oom ? out + ", out of memory" : out;
}

// Of a stop: whether what it was done for may be the doing of a task.
bool task_may_do(Reason reason) {
  switch (reason) {
    case Reason::silent:
    case Reason::zombie:
    case Reason::stopped:
    case Reason::blocked:
    case Reason::hung_task:
    case Reason::not_consuming:
    case Reason::gpu_error:
      return true;
    default:
      return false;
  }
}

void forget_before(std::deque<SteadyTime>& times, SteadyTime before) {
  while (!times.empty() && times.front() < before) times.pop_front();
}

}  // namespace

RemedyWish strongest_wish(std::span<const Finding> findings) {
  const auto strength = [](RemedyKind k) {
    return k == RemedyKind::restart ? 3 : k == RemedyKind::drain_restart ? 2 : k == RemedyKind::start;
  };
  RemedyWish best;
  for (const Finding& finding : findings) {
    for (const Cause& cause : finding.causes) {
      if (cause.status != FindingStatus::critical || strength(cause.remedy) <= strength(best.kind)) continue;
      best = {cause.remedy, cause.reason, std::string(finding.check), describe(cause)};
    }
  }
  return best;
}

Recovery::Impl::Worker* Recovery::Impl::find(std::string_view id) {
  const auto it = workers.find(id);
  return it == workers.end() ? nullptr : &it->second;
}

std::string Recovery::Impl::budget_key(const Worker& w) const {
  if (w.facts.id_scope == IdScope::worker) return w.facts.id;
  return fmt::format("{}/{}", w.facts.pool, w.facts.host);
}

void Recovery::Impl::uncount(Worker& w) {
  Pool& pool = pool_of(w);
  if (w.counted) --pool.size;
  if (w.counted && w.counted_known) --pool.known;
  if (w.counted && w.counted_ill) --pool.ill;
  w.counted = false;
}

void Recovery::Impl::recount(Worker& w, const Now& now) {
  const auto before = std::tuple(w.counted, w.counted_known, w.counted_ill);
  uncount(w);
  const bool asks = w.facts.wish.kind != RemedyKind::none || w.stop_wish.kind != RemedyKind::none;
  const bool was_ill = std::get<2>(before) && std::get<0>(before);
  w.counted = !is_inactive(w.facts.state) && !w.stopped;
  // A crash is known for as long as its agent is there to tell of a start.
  const bool down = w.crashed && w.facts.source_connected;
  w.counted_known = w.facts.status != Status::unknown || down;
  w.counted_ill = down || (w.facts.status == Status::critical && asks);
  Pool& pool = pool_of(w);
  if (w.counted) ++pool.size;
  if (w.counted && w.counted_known) ++pool.known;
  if (w.counted && w.counted_ill) ++pool.ill;
  if (w.counted && w.counted_ill && !was_ill) {
    w.ill_since = now.steady;
    pool.turned_ill.emplace_back(now.steady, w.facts.id);
  }
  if (before != std::tuple(w.counted, w.counted_known, w.counted_ill)) dirty_pools.insert(w.facts.pool);
}

void Recovery::Impl::take_facts(Worker& w, const RecoveryWorkerFacts& facts, const Now& now, RecoveryOutput& out) {
  const bool first = !w.seen && w.facts.incarnation.empty();
  const RecoveryWorkerFacts old = std::move(w.facts);
  w.facts = old;
  if (!old.id.empty() && old.pool != facts.pool) {
    uncount(w);
    Pool& from = pool_of(w);
    from.members.erase(old.id);
    from.crashed.erase(old.id);
    from.down.erase(old.id);
    if (w.wish_since) from.wanting.erase({*w.wish_since, old.id});
    dirty_pools.insert(old.pool);
  }
  w.facts = facts;
  if (w.facts.incarnation.empty()) w.facts.incarnation = old.incarnation;
  Pool& pool = pool_of(w);
  pool.members.insert(facts.id);
  if (old.pool != facts.pool) {
    if (w.crashed) pool.crashed.insert(facts.id);
    if (w.wish_since) pool.wanting.insert({*w.wish_since, facts.id});
    if (w.stop_running() && takes_place(*w.action)) pool.down.insert(facts.id);
  }
  w.seen = true;
  if (is_past(w, w.facts.incarnation)) {  // facts of a predecessor, on their way while its successor was announced
    w.facts.incarnation = old.incarnation;
    w.facts.dead = old.dead;
    w.facts.heard = old.heard;
    w.facts.exit = old.exit;
    w.facts.status = old.status;
    w.facts.wish = old.wish;
    w.facts.took_task = w.facts.idle_with_empty_queue = w.facts.smoke_ok = std::nullopt;
  }
  if (first) {
    w.backoff = Backoff(policy_of(w).backoff);
    w.backoff.on_start(now.steady);
    if (facts.id_scope == IdScope::incarnation) adopt_successor(w, now);
  }
  if (!old.version.empty() && !facts.version.empty() && old.version != facts.version)
    clear_history(w, "new version " + facts.version, true, now, out);
  const bool other = !old.incarnation.empty() && w.facts.incarnation != old.incarnation;
  const bool risen = !w.facts.dead && !w.ended_incarnation.empty() && w.ended_incarnation == w.facts.incarnation;
  if (other) remember_past(w, old.incarnation);
  if (other || risen) born(w, now, out);
  if (w.facts.dead && w.ended_incarnation != w.facts.incarnation)
    ended(w, facts.died_at.value_or(now.steady), now, out);
  if (facts.source_connected && !old.source_connected) on_connected(w, now, out);
  update_wish(w, now, out);
  recount(w, now);
  end_stale_approval(w, now, out);
  if (w.stop_wish.planned && facts.idle != old.idle) dirty_pools.insert(facts.pool);  // its moment may be short
  if (w.held && w.held->code == HoldCode::source_away && facts.news_until != old.news_until)
    dirty_pools.insert(facts.pool);
  const bool ill = w.counted_ill || w.facts.status == Status::unknown;
  if (ill) {
    w.calm_since.reset();
    w.backoff.on_unhealthy();
  } else if (!w.facts.dead) {
    w.calm_since = w.calm_since.value_or(now.steady);
    w.backoff.on_healthy(now.steady);
  }
  check_verify(w, now, out);
  touched.insert(w.facts.id);
}

void Recovery::Impl::update_wish(Worker& w, const Now& now, RecoveryOutput& out) {
  const bool possible =
      !w.facts.dead && w.ended_incarnation.empty() && !is_inactive(w.facts.state) && w.facts.status != Status::unknown;
  const bool queue_stalls = possible && w.stop_wish.reason == Reason::queue_stalled;
  if (possible && is_stop(w.facts.wish.kind))
    set_wish(w, w.facts.wish, now, out);
  else if (possible && !queue_stalls)
    set_wish(w, planned_wish(w, now.steady), now, out);
  else if (!possible ||
           w.stop_wish.reason != Reason::queue_stalled)  // the pool's own wish is ended by check_pool_of_one
    set_wish(w, {}, now, out);
}

void Recovery::Impl::set_wish(Worker& w, RemedyWish wish, const Now& now, RecoveryOutput& out) {
  Pool& pool = pool_of(w);
  const bool had = w.stop_wish.kind != RemedyKind::none, has = wish.kind != RemedyKind::none;
  const bool same = w.stop_wish.kind == wish.kind && w.stop_wish.reason == wish.reason;
  w.stop_wish = std::move(wish);
  if (same) return;
  touch(w);
  // Another wish is another question.
  if (w.action_open() && !w.action_running() && is_stop(w.action->kind))
    finish_action(w, ActionState::abandoned, has ? "another remedy is wanted now" : "no longer wanted", now, out);
  if (had) w.rejected_until.reset();  // else it came back from the ledger with its wish
  if (!had) {
    w.wish_since = now.steady;
    pool.wanting.insert({now.steady, w.facts.id});
    ++stats.stops_wanted;
  } else if (!has) {
    pool.wanting.erase({*w.wish_since, w.facts.id});
    w.wish_since.reset();
    w.approved = false;
    set_hold(w, std::nullopt, out);
  }
}

bool Recovery::Impl::is_past(const Worker& w, const std::string& incarnation) {
  return std::find(w.past.begin(), w.past.end(), incarnation) != w.past.end();
}

void Recovery::Impl::remember_past(Worker& w, const std::string& incarnation) {
  if (incarnation.empty() || is_past(w, incarnation)) return;
  w.past.push_back(incarnation);
  if (w.past.size() > 8) w.past.erase(w.past.begin());
}

void Recovery::Impl::born(Worker& w, const Now& now, RecoveryOutput& out) {
  const bool had_ended = !w.ended_incarnation.empty();
  w.ended_incarnation.clear();
  w.crashed = w.stopped = w.end_was_ours = w.adds_jitter = false;
  w.next_start.reset();
  w.not_before.reset();
  w.executor_hold.reset();
  w.crash_rises_at.reset();
  w.rejected_until.reset();
  pool_of(w).crashed.erase(w.facts.id);
  w.backoff.on_start(now.steady);
  w.calm_since.reset();
  set_hold(w, std::nullopt, out);
  if (w.action_running()) {
    if (w.action->incarnation != w.facts.incarnation) note_stop_death(w, now.steady, out);  // nobody saw its end
    if (w.action->new_incarnation.empty()) w.action->new_incarnation = w.facts.incarnation;
    if (w.action->state != ActionState::verifying) begin_verify(w, now.steady, now, out);
  } else {
    if (w.action_open()) finish_action(w, ActionState::abandoned, "it was started by something else", now, out);
    if (!w.verify && (w.crash_alert || w.verify_alert || had_ended)) begin_verify(w, now.steady, now, out);
  }
  touch(w);
}

// An id that lives for one incarnation only: the newcomer in the same pool and host is the successor that a restart
// waits for.
void Recovery::Impl::adopt_successor(Worker& w, const Now& now) {
  for (const std::string& id : pool_of(w).members) {
    Worker& old = workers[id];
    if (&old == &w || old.facts.id_scope != IdScope::incarnation || old.facts.host != w.facts.host ||
        !old.stop_running() || !old.action->new_incarnation.empty())
      continue;
    w.action = std::exchange(old.action, Boxed<ActionRecord>());
    w.action_deadline = std::exchange(old.action_deadline, std::nullopt);
    w.counted_at = std::exchange(old.counted_at, std::nullopt);
    w.action->new_incarnation = w.facts.incarnation.empty() ? w.facts.id : w.facts.incarnation;
    w.action->state = ActionState::verifying;
    w.verify = Verification{};
    w.verify->since = now.steady;
    old.verify.reset();
    Pool& pool = pool_of(w);
    if (pool.down.erase(id)) pool.down.insert(w.facts.id);
    touch(old);
    return;
  }
}

void Recovery::Impl::ended(Worker& w, SteadyTime at, const Now& now, RecoveryOutput& out) {
  w.ended_incarnation = w.facts.incarnation;
  w.calm_since.reset();
  if (w.stop_running() && w.action->incarnation == w.facts.incarnation) {
    w.end_was_ours = true;
    note_stop_death(w, at, out);
    touch(w);
    return;
  }
  const bool on_purpose =
      w.facts.announced_stop || (w.facts.exit && exit_means_stopped(*w.facts.exit, policy_of(w).no_restart_exit_codes));
  if (!on_purpose) return crashed(w, at, true, now, out);
  w.stopped = true;
  if (w.action_running()) finish_action(w, ActionState::abandoned, "the worker ended on purpose", now, out);
  w.verify.reset();
  if (std::exchange(w.crash_alert, false))
    out.alerts.push_back({.key = "worker/" + w.facts.id + "/exited",
                          .on = false,
                          .reason = Reason::exited,
                          .worker_id = w.facts.id,
                          .pool = w.facts.pool,
                          .host = w.facts.host,
                          .closed_as = "announced_stop"});
  w.crash_critical = false;
  w.crash_rises_at.reset();
  touch(w);
}

void Recovery::Impl::note_stop_death(const Worker& w, SteadyTime at, RecoveryOutput& out) const {
  const ActionRecord& a = *w.action;
  if (a.by_operator || !is_stop(a.kind) || !task_may_do(a.reason)) return;
  out.deaths.push_back({a.worker_id, a.incarnation, "stopped: " + a.text, true, at});
}

void Recovery::Impl::crashed(Worker& w, SteadyTime at, bool is_death, const Now& now, RecoveryOutput& out) {
  if (is_death)
    out.deaths.push_back({w.facts.id, w.ended_incarnation, exit_words(w.facts.exit), false, std::min(at, now.steady)});
  w.crashed = true;
  w.backoff.set_policy(policy_of(w).backoff);
  w.backoff.on_death(std::min(at, now.steady));
  ++stats.starts_wanted;
  pool_of(w).crashed.insert(w.facts.id);
  const std::string why = exit_words(w.facts.exit);
  if (w.verify || w.action_running())
    not_proven(w, fmt::format("it crashed again ({}) before its cure was proven", why), now, out);
  w.verify.reset();
  note_mass_death(w, at);
  set_next_start(w);
  w.crash_alert = true;
  w.crash_rises_at = std::max(now.steady, w.next_start.value_or(now.steady)) + grace_of(w);
  const Severity severity = w.crash_critical ? Severity::critical : Severity::info;
  wish_alert(w, true, severity, Reason::exited, fmt::format("Worker {} crashed", w.facts.id),
             fmt::format("{}; crash {} in a row", why, w.backoff.crashes()), out);
  check_crash_loop(w, now, out);
  update_wish(w, now, out);
  recount(w, now);
  touch(w);
}

void Recovery::Impl::note_mass_death(Worker& w, SteadyTime at) {
  const RecoveryPolicy& policy = policy_of(w);
  Pool& pool = pool_of(w);
  auto& host = host_deaths[w.facts.host];
  host.push_back(at);
  pool.deaths.push_back(at);
  forget_before(host, at - policy.mass_death_window);
  forget_before(pool.deaths, at - policy.mass_death_window);
  const bool many =
      (!w.facts.host.empty() && int(host.size()) > policy.mass_death_host) ||
      (int(pool.deaths.size()) > 1 && double(pool.deaths.size()) > pool.size * policy.mass_death_pool_percent / 100);
  w.adds_jitter = many;
  while (host.size() > 64) host.pop_front();
  while (pool.deaths.size() > 4096) pool.deaths.pop_front();
}

void Recovery::Impl::set_next_start(Worker& w) {
  if (!w.crashed) return;
  const std::string& id = w.facts.id;
  auto due = w.backoff.next_start(id, w.ended_incarnation);
  if (!due) return;
  if (w.quarantine.on && !w.quarantine.by_operator)
    due = std::max(*due, *w.backoff.last_death() + backoff_delay(w.backoff.policy(), std::max(w.backoff.crashes(), 1),
                                                                 true, id, w.ended_incarnation));
  w.next_start = std::max(*due, w.not_before.value_or(*due));
}

void Recovery::Impl::check_crash_loop(Worker& w, const Now& now, RecoveryOutput& out) {
  if (!w.crash_loop_key.empty() || !w.backoff.crash_loop(now.steady)) return;
  w.crash_loop_key = fmt::format("pool/{}/crash_loop/{}", w.facts.pool, w.facts.version);
  auto& members = crash_loops[w.crash_loop_key];
  const bool first = members.empty();
  members.insert(w.facts.id);
  if (!first) return;  // one page per (pool, version)
  const std::string version = w.facts.version.empty() ? "" : fmt::format(" (version {})", w.facts.version);
  const auto& p = w.backoff.policy();
  out.alerts.push_back({.key = w.crash_loop_key,
                        .severity = Severity::critical,
                        .reason = Reason::crash_loop,
                        .pool = w.facts.pool,
                        .title = fmt::format("Crash loop in pool {}{}", w.facts.pool, version),
                        .message = fmt::format("worker {} crashed {} times in {}; it is tried once per {}", w.facts.id,
                                               p.crash_loop_crashes, format_duration(p.crash_loop_window),
                                               format_duration(p.crash_loop_every)),
                        .hard_evidence = true});
}

void Recovery::Impl::end_crash_loop(Worker& w, RecoveryOutput& out) {
  if (w.crash_loop_key.empty()) return;
  const std::string key = std::exchange(w.crash_loop_key, {});
  auto& members = crash_loops[key];
  members.erase(w.facts.id);
  if (!members.empty()) return;
  crash_loops.erase(key);
  out.alerts.push_back({.key = key, .on = false, .reason = Reason::crash_loop, .pool = w.facts.pool});
}

void Recovery::Impl::clear_history(Worker& w, const std::string& reason, bool also_quarantine, const Now& now,
                                   RecoveryOutput& out) {
  const auto budget = budgets.find(budget_key(w));
  const bool nothing = w.backoff.crashes() == 0 && (budget == budgets.end() || budget->second.empty());
  if (budget != budgets.end()) budgets.erase(budget);
  w.backoff.clear();
  w.executor_hold.reset();
  if (!nothing) out.ledger.push_back({now.wall, BackoffClearedRecord{w.facts.id, reason, false, now.wall}});
  if (also_quarantine && w.quarantine.on && !w.quarantine.by_operator) end_quarantine(w, reason, "paramedic", now, out);
  end_crash_loop(w, out);
  set_next_start(w);
  touch(w);
}

void Recovery::Impl::wish_alert(const Worker& w, bool on, Severity severity, Reason reason, std::string title,
                                std::string message, RecoveryOutput& out) const {
  AlertWish wish;
  wish.key = fmt::format("worker/{}/{}", w.facts.id, to_string(reason));
  wish.on = on;
  wish.severity = severity;
  wish.reason = reason;
  wish.worker_id = w.facts.id;
  wish.pool = w.facts.pool;
  wish.host = w.facts.host;
  wish.title = std::move(title);
  wish.message = std::move(message);
  wish.hard_evidence = reason == Reason::exited && w.facts.by_agent;
  out.alerts.push_back(std::move(wish));
}

void Recovery::Impl::event(const Worker& w, std::string kind, std::string text, const Now& now,
                           RecoveryOutput& out) const {
  FleetEvent e;
  e.at = now.wall;
  e.kind = std::move(kind);
  e.worker_id = w.facts.id;
  e.pool = w.facts.pool;
  e.text = std::move(text);
  out.events.push_back(std::move(e));
}

void Recovery::Impl::note(const Worker& w, TimelineKind kind, std::string text, std::optional<bool> holds_open,
                          RecoveryOutput& out) const {
  out.notes.push_back({w.facts.id, kind, std::move(text), holds_open});
}

}  // namespace paramedic
