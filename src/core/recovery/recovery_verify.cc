// The proof of a cure. Within its grace the new incarnation must report, and within verify_proof take a task, pass a
// smoke check or be idle with an empty queue; where none of these can be known: alive verify_alive without a critical
// finding.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "core/recovery/action_steps.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {

// How the evidence proves work; nullopt = not (yet).
std::optional<std::string> proof_of_work(const RecoveryWorkerFacts& f) {
  if (f.took_task == true) return "it takes tasks";
  if (f.smoke_ok == true) return "its smoke check passed";
  if (f.idle_with_empty_queue == true) return "it is idle and its queue is empty";
  return std::nullopt;
}

}  // namespace

Duration Recovery::Impl::grace_of(const Worker& w) const {
  const RecoveryPolicy& p = policy_of(w);
  return w.facts.has_model ? p.verify_grace_model : p.verify_grace;
}

void Recovery::Impl::begin_verify(Worker& w, SteadyTime since, const Now& now, RecoveryOutput& out) {
  w.verify = Verification{};
  w.verify->since = since;
  w.crash_rises_at.reset();
  touch(w);
  if (!w.action_running()) return;
  w.action->state = ActionState::verifying;
  w.action->step = LadderStep::verify;
  w.action->verify_since = now.wall;
  note_step(*w.action, ActionMoment::verify, now.wall);
  record_action(w, now, out);
}

void Recovery::Impl::check_verify(Worker& w, const Now& now, RecoveryOutput& out) {
  if (!w.verify || w.crashed || w.stopped) return;
  Verification& v = *w.verify;
  const RecoveryWorkerFacts& f = w.facts;
  const RecoveryPolicy& p = policy_of(w);
  if (!f.source_connected) {
    if (!v.paused_at) v.paused_at = now.steady;
    return;
  }
  if (v.paused_at) {
    const Duration away = now.steady - *v.paused_at;
    v.since += away;
    if (v.heard_at) *v.heard_at += away;
    v.calm_since.reset();
    v.paused_at.reset();
  }
  // An executor that does not know the successor's name: what the old incarnation still tells proves nothing.
  const bool old_one = w.stop_running() && !f.incarnation.empty() && f.incarnation == w.action->incarnation;
  if (f.heard && !old_one && !v.heard_at) v.heard_at = now.steady;
  if (f.status == Status::critical || !v.heard_at)
    v.calm_since.reset();
  else if (!v.calm_since)
    v.calm_since = now.steady;
  const bool calm_long = v.calm_since && now.steady - *v.calm_since >= p.verify_alive;
  if (v.calm_since)
    if (auto how = proof_of_work(f)) return proven(w, std::move(*how), now, out);
  const bool knows_none = !f.took_task && !f.smoke_ok && !f.idle_with_empty_queue;
  const std::string alive = fmt::format("alive for {} without a critical finding", format_duration(p.verify_alive));
  if (knows_none && calm_long) return proven(w, alive, now, out);
  if (!v.heard_at) {
    if (!v.failed && now.steady >= v.since + grace_of(w))
      not_proven(w, fmt::format("the new incarnation did not report within {}", format_duration(grace_of(w))), now,
                 out);
    return;
  }
  const SteadyTime from = f.has_model ? std::max(*v.heard_at, v.since + grace_of(w)) : *v.heard_at;
  if (now.steady < from + p.verify_proof) return;
  // It took nothing, but nobody knows whether there was anything to take.
  if (!f.idle_with_empty_queue && !f.smoke_ok && calm_long)
    return proven(w, alive + "; its queue is unknown", now, out);
  if (v.failed) return;
  const std::string limit = format_duration(p.verify_proof);
  not_proven(w,
             f.status == Status::critical ? fmt::format("still critical {} after its start", limit)
                                          : fmt::format("it took no task within {}", limit),
             now, out);
}

void Recovery::Impl::proven(Worker& w, std::string how, const Now& now, RecoveryOutput& out) {
  w.verify.reset();
  w.crash_critical = false;
  w.crash_rises_at.reset();
  if (std::exchange(w.crash_alert, false)) wish_alert(w, false, Severity::info, Reason::exited, "", "", out);
  if (std::exchange(w.verify_alert, false))
    wish_alert(w, false, Severity::info, Reason::verification_failed, "", "", out);
  if (w.action_running())
    finish_action(w, ActionState::succeeded, how, now, out);
  else
    note(w, TimelineKind::verified, how, false, out);
  if (w.quarantine.on && !w.quarantine.by_operator)
    end_quarantine(w, "its cure is proven: " + how, "paramedic", now, out);
  touch(w);
}

void Recovery::Impl::not_proven(Worker& w, std::string why, const Now& now, RecoveryOutput& out) {
  if (w.verify) w.verify->failed = true;
  if (w.crash_alert) {
    w.crash_critical = true;
    wish_alert(w, true, Severity::critical, Reason::exited,
               fmt::format("Worker {} crashed and did not recover", w.facts.id), why, out);
  } else {
    w.verify_alert = true;
    wish_alert(w, true, Severity::critical, Reason::verification_failed,
               fmt::format("Restart of worker {} did not help", w.facts.id), why, out);
  }
  if (w.action_running()) finish_action(w, ActionState::failed, std::move(why), now, out);
  touch(w);
}

}  // namespace paramedic
