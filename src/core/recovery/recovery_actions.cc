// Ladders: one remedy from the wish to its end, and quarantine.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/recovery/action_steps.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
constexpr std::size_t kCountedStarts = 20'000;
constexpr std::size_t kMaxDiagnosisBytes = 16 * 1024;

}  // namespace

std::string_view Recovery::Impl::verb(RemedyKind kind) {
  if (kind == RemedyKind::start) return "start";
  return kind == RemedyKind::drain_restart ? "drain and restart" : "restart";
}

ActionRecord Recovery::Impl::new_action(Worker& w, RemedyKind kind, Reason reason, std::string text, const Asker* by,
                                        const Now& now) {
  ActionRecord a;
  const bool waited = w.action_open() && w.action->state == ActionState::waiting_approval && w.action->kind == kind;
  if (waited) a = *w.action;
  // A crash's start is named alike by agent and monitor; anything else is named after the instant of its decision.
  const bool crash_start = kind == RemedyKind::start && w.crashed && !by;
  const std::int64_t attempt = crash_start ? w.backoff.crashes() : now.wall.time_since_epoch().count();
  if (!waited) {
    a.action_id = make_action_id(w.facts.id, w.facts.incarnation, attempt);
    a.requested_at = now.wall;
  }
  a.worker_id = w.facts.id;
  a.pool = w.facts.pool;
  a.host = w.facts.host;
  a.incarnation = w.facts.incarnation;
  a.kind = kind;
  a.reason = reason;
  a.text = std::move(text);
  a.executor = w.facts.source;
  a.by_operator = by != nullptr;
  a.actor = by ? by->actor : "paramedic";
  a.rolling_id = by ? by->rolling : std::string();
  note_step(a, ActionMoment::requested, a.requested_at, a.text);
  return a;
}

Ladder Recovery::Impl::ladder_of(const Worker& w) const {
  const ActionRecord& a = *w.action;
  const RecoveryPolicy& p = policy_of(w);
  Ladder ladder;
  ladder.action_id = a.action_id;
  ladder.worker_id = a.worker_id;
  ladder.expected_incarnation = a.incarnation;
  ladder.kind = a.kind;
  if (a.kind == RemedyKind::drain_restart) {
    ladder.drain = p.drain;
    ladder.max_drain = p.max_drain;
  }
  if (is_stop(a.kind)) {
    ladder.diagnostics = p.diagnostics;
    ladder.term_grace = p.term_grace;
  }
  ladder.reason = a.text;
  return ladder;
}

// The longest that the action may take before its slot is freed as failed.
Duration Recovery::Impl::action_time(const Worker& w) const {
  const RecoveryPolicy& p = policy_of(w);
  Duration total = grace_of(w) + p.verify_proof + p.no_outcome;
  if (is_stop(w.action->kind)) total += p.diagnostics + p.term_grace;
  if (w.action->kind == RemedyKind::drain_restart) total += std::max(p.drain, p.max_drain);
  return total;
}

void Recovery::Impl::record_action(Worker& w, const Now& now, RecoveryOutput& out) {
  out.ledger.push_back({now.wall, *w.action});
  touch(w);
}

void Recovery::Impl::begin_stop(Worker& w, RemedyKind kind, Reason reason, std::string text, const Asker* by,
                                const Now& now, RecoveryOutput& out) {
  ActionRecord a = new_action(w, kind, reason, std::move(text), by, now);
  a.state = ActionState::sent;
  a.sent_at = now.wall;
  note_step(a, ActionMoment::sent, now.wall, "to " + a.executor);
  a.counted_stop = !by;
  w.action = std::move(a);
  end_approval(w, "begun", out);
  w.action_deadline = now.steady + action_time(w);
  w.verify.reset();
  w.counted_at.reset();
  set_hold(w, std::nullopt, out);
  ++stats.stops_ordered;
  if (takes_place(*w.action)) pool_of(w).down.insert(w.facts.id);
  if (!by) count_stop(w, now, out);
  record_action(w, now, out);
  out.acts.push_back(SendLadder{w.facts.source, ladder_of(w)});
  std::string said = fmt::format("{} by {}: {}", verb(kind), w.action->actor, w.action->text);
  if (!w.action->canary_of.empty())
    said += fmt::format("; a canary, it tries whether restarts help {}", fmt::join(w.action->canary_of, ", "));
  note(w, TimelineKind::acted, said, true, out);
  event(w, "action", fmt::format("{}: {}", w.facts.id, said), now, out);
}

// Against every budget; what it is the canary of hears of it.
void Recovery::Impl::count_stop(Worker& w, const Now& now, RecoveryOutput& out) {
  ActionRecord& a = *w.action;
  const RecoveryPolicy& policy = policy_of(w);
  Pool& pool = pool_of(w);
  w.counted_at = now.steady;
  pool.stops.add(now.steady);
  a.canary_of = causes.stop_began(w.facts.id, a.action_id, policy, now.steady);
  if (pool.freeze.stop_began(a.action_id, policy, now.steady))
    a.canary_of.insert(a.canary_of.begin(), pool_key(w.facts.pool));
  a.canary_of.resize(std::min(a.canary_of.size(), kMaxCanaryOf));
  budgets[budget_key(w)].add(now.steady);
  if (w.quarantine.on) {
    const auto hash = stable_hash(w.facts.id, stable_hash(a.action_id));
    const double swing = 1 + policy.backoff.jitter * (2 * hash_fraction(hash) - 1);
    w.quarantine.next_retry = now.steady + from_seconds(to_seconds(policy.quarantine_retry) * swing);
  }
  out.ledger.push_back(
      {now.wall, BudgetRecord{a.action_id, w.facts.id, w.facts.pool, w.facts.host, true, false, now.wall}});
}

void Recovery::Impl::begin_start(Worker& w, Reason reason, std::string text, const Asker* by, const Now& now,
                                 RecoveryOutput& out) {
  ActionRecord a = new_action(w, RemedyKind::start, reason, std::move(text), by, now);
  a.state = ActionState::sent;
  a.sent_at = now.wall;
  note_step(a, ActionMoment::sent, now.wall, "to " + a.executor);
  a.counted_start = !by;
  w.action = std::move(a);
  end_approval(w, "begun", out);
  w.action_deadline = now.steady + action_time(w);
  set_hold(w, std::nullopt, out);
  record_action(w, now, out);
  ++stats.starts_done;
  count_start(w.action->action_id);
  if (!by)
    out.ledger.push_back({now.wall, BudgetRecord{w.action->action_id, w.facts.id, w.facts.pool, w.facts.host, false,
                                                 w.crashed, now.wall}});
  out.acts.push_back(SendLadder{w.facts.source, ladder_of(w)});
  const std::string said = fmt::format("start by {}: {}", w.action->actor, w.action->text);
  note(w, TimelineKind::acted, said, true, out);
  event(w, "action", fmt::format("{}: {}", w.facts.id, said), now, out);
}

bool Recovery::Impl::count_start(const std::string& action_id) {
  if (!counted.insert(action_id).second) return false;
  counted_order.push_back(action_id);
  if (counted_order.size() > kCountedStarts) {
    counted.erase(counted_order.front());
    counted_order.pop_front();
  }
  return true;
}

// The agent started `w` by itself: the death that it answers is counted now if no report told of it.
void Recovery::Impl::count_death_of(Worker& w, const AgentStartInput& start, SteadyTime at, const Now& now,
                                    RecoveryOutput& out) {
  const bool was_ours = std::exchange(w.end_was_ours, false);
  const bool unseen = w.ended_incarnation != start.previous_incarnation;
  if (w.stop_running() && w.action->incarnation == start.previous_incarnation)
    finish_action(w, ActionState::abandoned, "the worker ended by itself first", now, out);
  if (w.facts.incarnation != start.previous_incarnation || (!unseen && !was_ours)) return;
  w.facts.exit = start.exit;
  w.ended_incarnation = start.previous_incarnation;
  crashed(w, at, unseen, now, out);
}

void Recovery::Impl::begin_agent_start(Worker& w, const AgentStartInput& start, const Now& now, RecoveryOutput& out) {
  if (!count_start(start.action_id)) return;
  const SteadyTime at = now.steady - std::max(start.ago, Duration{0});
  ActionRecord a = new_action(w, RemedyKind::start, Reason::exited,
                              fmt::format("crash {} in a row", std::max(start.crashes, 1)), nullptr, now);
  a.action_id = start.action_id;
  a.incarnation = start.previous_incarnation;
  a.new_incarnation = start.incarnation;
  a.executor = start.source;
  a.state = ActionState::verifying;
  a.step = LadderStep::verify;
  a.counted_start = true;
  a.requested_at = wall_at(at, now);
  a.sent_at = a.verify_since = a.requested_at;
  a.steps.clear();
  note_step(a, ActionMoment::requested, a.requested_at, a.text);
  note_step(a, ActionMoment::start, a.requested_at, "by its agent");
  note_step(a, ActionMoment::verify, a.requested_at);
  ++stats.starts_done;
  out.ledger.push_back(
      {now.wall, BudgetRecord{start.action_id, w.facts.id, w.facts.pool, w.facts.host, false, true, wall_at(at, now)}});
  event(w, "action", fmt::format("{} started by its agent", w.facts.id), now, out);
  const auto last_words = [&] {  // after the alert that the death makes
    if (!start.last_words.empty())
      note(w, TimelineKind::diagnosed, "its last words:\n" + start.last_words.substr(0, kMaxLastWords), std::nullopt,
           out);
  };
  // Told late: reports are ahead of this start, its incarnation has ended again or was never the newest one here.
  const std::string& current = w.facts.incarnation;
  const bool next = !current.empty() && current != start.previous_incarnation && current != start.incarnation;
  if (next || w.ended_incarnation == start.incarnation || is_past(w, start.incarnation)) {
    a.state = ActionState::failed;
    a.outcome = "told late: that incarnation no longer lives";
    a.ended_at = now.wall;
    note_step(a, ActionMoment::ended, now.wall, a.outcome);
    ++stats.actions_failed;
    out.ledger.push_back({now.wall, std::move(a)});
    w.backoff.adopt(std::max(w.backoff.crashes(), start.crashes + (w.crashed ? 1 : 0)), now.steady);
    remember_past(w, start.incarnation == current ? start.previous_incarnation : start.incarnation);
    set_next_start(w);
    last_words();
    return touch(w);
  }
  // A report of the successor came first: nobody saw the death, so the agent's count is taken.
  if (current == start.incarnation) w.backoff.adopt(std::max(w.backoff.crashes(), start.crashes), now.steady);
  count_death_of(w, start, at, now, out);
  last_words();
  if (w.action_open()) finish_action(w, ActionState::abandoned, "the agent started it as " + start.action_id, now, out);
  w.action = std::move(a);
  w.action_deadline = now.steady + action_time(w);
  record_action(w, now, out);
  note(w, TimelineKind::acted, fmt::format("started by its agent: {}", w.action->text), true, out);
  if (w.facts.incarnation != start.incarnation) announce(w, start.incarnation, now, out);
  if (!w.verify) begin_verify(w, now.steady, now, out);
}

// Its starter tells of a new incarnation; its first report is still on the way.
void Recovery::Impl::announce(Worker& w, const std::string& incarnation, const Now& now, RecoveryOutput& out) {
  remember_past(w, w.facts.incarnation);
  RecoveryWorkerFacts& f = w.facts;
  f.incarnation = incarnation;
  f.dead = f.heard = false;
  f.exit.reset();
  f.status = Status::unknown;
  f.wish = {};
  f.took_task = f.idle_with_empty_queue = f.smoke_ok = std::nullopt;
  f.in_flight.clear();
  born(w, now, out);
  update_wish(w, now, out);
  recount(w, now);
}

// What a step brought to light belongs to the incident, in full: the record keeps its beginning. True when the record
// changed.
bool Recovery::Impl::told_step(Worker& w, const ProgressInput& p, const Now& now, RecoveryOutput& out) {
  if (p.done) return p.ok && note_step(*w.action, ActionMoment::start, now.wall, p.message);
  const bool news = note_step(*w.action, moment_of(p.step), now.wall, p.message);
  if (news && p.step == LadderStep::diagnostics && !p.message.empty())
    note(w, TimelineKind::diagnosed, cut_text(p.message, kMaxDiagnosisBytes), std::nullopt, out);
  return news;
}

void Recovery::Impl::progress(Worker& w, const ProgressInput& p, const Now& now, RecoveryOutput& out) {
  if (!w.action_running() || w.action->action_id != p.action_id) return;
  w.unsure = false;
  w.first_words_by.reset();
  if (p.done && !p.ok && p.held_back) return held_back(w, p, now, out);
  const bool news = told_step(w, p, now, out);
  if (p.done && !p.ok) {
    const auto state = w.action->state == ActionState::sent && p.step == LadderStep::accepted ? ActionState::refused
                                                                                              : ActionState::failed;
    return finish_action(w, state, p.message.empty() ? "its executor gave no reason" : p.message, now, out);
  }
  if (!p.new_incarnation.empty()) {
    w.action->new_incarnation = p.new_incarnation;
    if (p.new_incarnation != w.facts.incarnation && !is_past(w, p.new_incarnation))
      announce(w, p.new_incarnation, now, out);
  }
  const bool moved = w.action->step != p.step || w.action->state == ActionState::sent;
  if (p.done) w.executor_hold.reset();
  if (p.step > w.action->step) w.action->step = p.step;
  if (w.action->state == ActionState::sent) w.action->state = ActionState::running;
  if (p.done && w.action->state == ActionState::running) {
    w.action->step = LadderStep::verify;
    return begin_verify(w, now.steady, now, out);
  }
  if (moved || news) record_action(w, now, out);
}

void Recovery::Impl::finish_action(Worker& w, ActionState state, std::string outcome, const Now& now,
                                   RecoveryOutput& out) {
  const bool ran = w.action_running();
  ActionRecord& a = *w.action;
  a.state = state;
  a.outcome = std::move(outcome);
  a.ended_at = now.wall;
  note_step(a, ActionMoment::ended, now.wall, fmt::format("{}: {}", to_string(state), a.outcome));
  w.action_deadline.reset();
  w.approved = false;
  end_approval(w, "withdrawn", out);
  pool_of(w).down.erase(w.facts.id);
  const StopOutcome outcome_of_stop = state == ActionState::succeeded ? StopOutcome::cured
                                      : state == ActionState::failed  ? StopOutcome::failed
                                                                      : StopOutcome::nothing;
  pool_of(w).freeze.stop_ended(a.action_id, outcome_of_stop);
  dirty_pools_of(causes.stop_ended(a.action_id, outcome_of_stop));
  record_action(w, now, out);
  if (!a.rolling_id.empty()) rolling_ended(a, now, out);
  if (!ran) return;
  const bool good = state == ActionState::succeeded, held = state == ActionState::held_back;
  if (!held) ++(good ? stats.actions_succeeded : stats.actions_failed);
  // Refused, overtaken or "not now": nobody was stopped.
  if (is_stop(a.kind) && (good || state == ActionState::failed)) ++stats.stops_done;
  note(w,
       good   ? TimelineKind::verified
       : held ? TimelineKind::held
              : TimelineKind::acted,
       fmt::format("{} {}: {}", verb(a.kind), to_string(state), a.outcome), false, out);
  event(w, "action", fmt::format("{}: {} {}: {}", w.facts.id, verb(a.kind), to_string(state), a.outcome), now, out);
  if (good || state == ActionState::abandoned) return;
  if (state == ActionState::refused && a.kind == RemedyKind::start && w.crashed) {
    w.not_before = now.steady + w.backoff.policy().first;
    return;
  }
  // The ladder ended it, or could not start it: from here on a crash like any other, so that it is not left down.
  const bool still_down = w.ended_incarnation == a.incarnation && !w.ended_incarnation.empty() && !w.stopped;
  const bool start_failed = a.kind == RemedyKind::start && w.crashed && !held;
  if (still_down && (std::exchange(w.end_was_ours, false) || start_failed)) crashed(w, now.steady, false, now, out);
}

void Recovery::Impl::quarantine(Worker& w, std::string reason, const Now& now, RecoveryOutput& out) {
  const RecoveryPolicy& p = policy_of(w);
  const auto hash = hash_mix(stable_hash(w.facts.id), stable_hash(w.facts.incarnation));
  const double swing = 1 + p.backoff.jitter * (2 * hash_fraction(hash) - 1);
  w.quarantine = {true, false, std::move(reason), now.steady,
                  now.steady + from_seconds(to_seconds(p.quarantine_retry) * swing)};
  w.quarantine_alert = true;
  out.ledger.push_back(
      {now.wall, QuarantineRecord{w.facts.id, w.facts.pool, w.quarantine.reason, "paramedic", true, false, now.wall}});
  wish_alert(w, true, Severity::critical, Reason::quarantined, fmt::format("Worker {} is quarantined", w.facts.id),
             fmt::format("{}; it is left as it is and tried again once per {}", w.quarantine.reason,
                         format_duration(p.quarantine_retry)),
             out);
  note(w, TimelineKind::held, "quarantined: " + w.quarantine.reason, std::nullopt, out);
  event(w, "action", fmt::format("{} quarantined: {}", w.facts.id, w.quarantine.reason), now, out);
  touch(w);
}

void Recovery::Impl::end_quarantine(Worker& w, std::string reason, const std::string& actor, const Now& now,
                                    RecoveryOutput& out) {
  if (!w.quarantine.on) return;
  out.ledger.push_back(
      {now.wall, QuarantineRecord{w.facts.id, w.facts.pool, reason, actor, false, w.quarantine.by_operator, now.wall}});
  event(w, "action", fmt::format("{} released from quarantine: {}", w.facts.id, reason), now, out);
  w.quarantine = {};
  if (std::exchange(w.quarantine_alert, false)) wish_alert(w, false, Severity::info, Reason::quarantined, "", "", out);
  set_next_start(w);
  touch(w);
}

}  // namespace paramedic
