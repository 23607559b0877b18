// Mode approve: a remedy that all brakes allow waits for a person's word. Whoever may give it is told once per waiting
// remedy; a no holds for an hour, or until the wish ends and comes back.
#include <fmt/format.h>

#include "base/text.h"
#include "core/recovery/action_steps.h"
#include "core/recovery/loss_forecast.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
constexpr Duration kRejectedFor = 1h;

std::string by_whom(const CommandInput& c) {
  return fmt::format("by {}{}", c.actor, c.reason.empty() ? "" : ": " + c.reason);
}
}  // namespace

void Recovery::Impl::wait_for_approval(Worker& w, RemedyKind kind, Reason reason, std::string text, const Now& now,
                                       RecoveryOutput& out) {
  if (w.action_open() || w.rejected_until) return;
  ActionRecord a = new_action(w, kind, reason, std::move(text), nullptr, now);
  a.state = ActionState::waiting_approval;
  w.action = std::move(a);
  record_action(w, now, out);
  note(w, TimelineKind::held, fmt::format("{} waits for approval: {}", verb(kind), w.action->text), std::nullopt, out);
  event(w, "action", fmt::format("{}: {} waits for approval", w.facts.id, verb(kind)), now, out);
  w.approval_alert = true;
  const std::string cost =
      kind == RemedyKind::start ? std::string() : "; " + in_words(forecast_losses(w.facts, kind, policy_of(w), now));
  wish_alert(w, true, Severity::warning, Reason::approval_wanted,
             fmt::format("A {} of worker {} waits for your approval", verb(kind), w.facts.id),
             fmt::format("{}{}; say yes or no: paramedic approve {}, paramedic reject {}", w.action->text, cost,
                         w.facts.id, w.facts.id),
             out);
  out.alerts.back().annotations = {{"action_id", w.action->action_id}};
}

void Recovery::Impl::end_approval(Worker& w, std::string closed_as, RecoveryOutput& out) {
  if (!std::exchange(w.approval_alert, false)) return;
  wish_alert(w, false, Severity::info, Reason::approval_wanted, "", "", out);
  out.alerts.back().closed_as = std::move(closed_as);
}

// What came back from the ledger, or was wanted when facts were last known, and is not wanted any more.
void Recovery::Impl::end_stale_approval(Worker& w, const Now& now, RecoveryOutput& out) {
  if (!w.action_open() || w.action->state != ActionState::waiting_approval) return;
  const RecoveryWorkerFacts& f = w.facts;
  const bool stop = is_stop(w.action->kind);
  const bool wanted = stop ? w.stop_wish.kind != RemedyKind::none : w.crashed || f.dead || !w.ended_incarnation.empty();
  if (!wanted && f.status != Status::unknown) finish_action(w, ActionState::abandoned, "no longer wanted", now, out);
}

// `action` = the one that the person saw; empty = whichever waits.
std::optional<CommandResult> Recovery::Impl::nothing_waits(const Worker& w, const std::string& action) const {
  const bool waits = w.action_open() && w.action->state == ActionState::waiting_approval;
  if (waits && (action.empty() || w.action->action_id == action)) return std::nullopt;
  if (waits)
    return refused(Errc::conflict, fmt::format("action {} of worker {} waits no longer; another one does: {}", action,
                                               w.facts.id, w.action->action_id));
  if (!action.empty())
    return refused(Errc::conflict, fmt::format("action {} of worker {} waits no longer", action, w.facts.id));
  return refused(Errc::conflict, fmt::format("nothing waits for approval at worker {}", w.facts.id));
}

CommandResult Recovery::Impl::command_approve(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (auto no = nothing_waits(w, c.target)) return *no;
  w.approved = true;
  if (note_step(*w.action, ActionMoment::approved, now.wall, by_whom(c))) record_action(w, now, out);
  end_approval(w, "approved", out);
  event(w, "operator", fmt::format("{}: approved {}", w.facts.id, by_whom(c)), now, out);
  touch(w);
  CommandResult r = done(fmt::format("approved; worker {} is handled as soon as no brake holds it", w.facts.id));
  r.action_id = w.action->action_id;
  r.running = true;
  return r;
}

CommandResult Recovery::Impl::command_reject(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (auto no = nothing_waits(w, c.target)) return *no;
  CommandResult r =
      done(fmt::format("rejected; worker {} is left as it is and asked about again in {}, or when it "
                       "turns ill anew",
                       w.facts.id, format_duration(kRejectedFor)));
  r.action_id = w.action->action_id;
  w.rejected_until = now.steady + kRejectedFor;
  w.rejected = by_whom(c);
  note_step(*w.action, ActionMoment::rejected, now.wall, w.rejected);
  end_approval(w, "rejected", out);
  note(w, TimelineKind::held, fmt::format("{} rejected {}", verb(w.action->kind), w.rejected), std::nullopt, out);
  event(w, "operator", fmt::format("{}: {} rejected {}", w.facts.id, verb(w.action->kind), w.rejected), now, out);
  finish_action(w, ActionState::abandoned, "rejected " + w.rejected, now, out);
  return r;
}

void Recovery::Impl::restore_approval(Worker& w, const Now& now) {
  for (const ActionStep& step : w.action->steps) {
    if (step.step == ActionMoment::approved && w.action->state == ActionState::waiting_approval) w.approved = true;
    if (step.step != ActionMoment::rejected) continue;
    const SteadyTime until = std::min(steady_at(step.at, now), now.steady) + kRejectedFor;
    if (now.steady >= until) continue;
    w.rejected_until = until;
    w.rejected = step.message;
  }
}

}  // namespace paramedic
