// What operators may ask for, and the answers they get.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "core/recovery/loss_forecast.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {

Errc errc_of(HoldCode code) { return code == HoldCode::source_away ? Errc::unavailable : Errc::conflict; }

}  // namespace

CommandResult Recovery::Impl::refused(Errc code, std::string message) {
  CommandResult r;
  r.error = make_error(code, message);
  r.message = std::move(message);
  return r;
}

CommandResult Recovery::Impl::done(std::string message) {
  CommandResult r;
  r.success = true;
  r.message = std::move(message);
  return r;
}

CommandResult Recovery::Impl::command(const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (c.verb == Verb::maintenance_on || c.verb == Verb::maintenance_off) return command_maintenance(c, now, out);
  if (c.verb == Verb::freeze || c.verb == Verb::thaw) return command_switch(c, now, out);
  if (c.verb >= Verb::rolling_start && c.verb <= Verb::rolling_abort) return command_rolling(c, now, out);
  Worker* w = find(c.worker_id);
  if (!w || w->facts.state == WorkerState::gone)
    return refused(Errc::not_found, fmt::format("worker {} is not known", c.worker_id));
  if (shut_down) return refused(Errc::unavailable, "the monitor is shutting down");
  if (c.dry_run && c.verb != Verb::restart)
    return refused(Errc::invalid_argument, "only a restart can be tried without doing it");
  switch (c.verb) {
    case Verb::restart:
      return command_restart(*w, c, now, out);
    case Verb::drain:
    case Verb::resume:
      return command_drain(*w, c, out);
    case Verb::quarantine:
      return command_quarantine(*w, c, now, out);
    case Verb::release:
      return command_release(*w, c, now, out);
    case Verb::reject:
      return command_reject(*w, c, now, out);
    default:
      return command_approve(*w, c, now, out);
  }
}

CommandResult Recovery::Impl::command_restart(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out) {
  const bool down = w.facts.dead || !w.ended_incarnation.empty() || w.facts.state == WorkerState::stopped;
  const bool ill = w.counted_ill || w.facts.status == Status::critical;
  const RemedyKind kind = down ? RemedyKind::start : ill ? RemedyKind::restart : RemedyKind::drain_restart;
  GovernorWorker g = governor_worker(w, kind, now);
  g.ill = ill;
  // The proof of a start may be cut short by a person; a running ladder may not.
  const bool verifying_start =
      w.action_running() && w.action->kind == RemedyKind::start && w.action->state == ActionState::verifying;
  if (verifying_start && !down) g.action_running = false;
  const auto answer = may_operator_restart(fleet, governor_pool(w.facts.pool, pool_of(w)), g, c.force, now);
  if (answer.held) {
    CommandResult r = refused(errc_of(answer.held->code), fmt::format("worker {}: {}", w.facts.id, answer.held->text));
    if (w.action_running()) r.action_id = w.action->action_id;
    return r;
  }
  LossForecast forecast = forecast_losses(w.facts, kind, policy_of(w), now);
  const std::string tasks = down ? std::string() : "; " + in_words(forecast);
  if (c.dry_run) {
    const std::string_view what = down ? "start" : kind == RemedyKind::drain_restart ? "drain and restart" : "restart";
    CommandResult r = done(fmt::format("would {} worker {}{}", what, w.facts.id, tasks));
    r.forecast = std::move(forecast);
    return r;
  }
  if (w.action_open()) finish_action(w, ActionState::abandoned, "an operator's restart takes its place", now, out);
  const std::string why = c.reason.empty() ? "asked for by an operator" : c.reason;
  const Asker by{c.actor, ""};
  if (down)
    begin_start(w, Reason::none, why, &by, now, out);
  else
    begin_stop(w, kind, Reason::none, why, &by, now, out);
  CommandResult r = done(fmt::format("{} of worker {} begins{}", down ? "start" : "restart", w.facts.id, tasks));
  r.forecast = std::move(forecast);
  r.action_id = w.action->action_id;
  r.running = true;
  return r;
}

CommandResult Recovery::Impl::command_drain(Worker& w, const CommandInput& c, RecoveryOutput& out) {
  if (!w.facts.can_restart || !w.facts.by_agent)  // an executor knows restarts only
    return refused(Errc::conflict, fmt::format("nothing here can {} worker {}: its source takes no commands",
                                               to_string(c.verb), w.facts.id));
  if (!w.facts.source_connected)
    return refused(Errc::unavailable, fmt::format("the agent of worker {} is away", w.facts.id));
  if (w.facts.dead || is_inactive(w.facts.state))
    return refused(Errc::conflict, fmt::format("worker {} does not run", w.facts.id));
  out.acts.push_back(SendWorkerCommand{w.facts.source, w.facts.id, w.facts.incarnation, c.verb});
  return done(fmt::format("{} of worker {} sent", to_string(c.verb), w.facts.id));
}

CommandResult Recovery::Impl::command_quarantine(Worker& w, const CommandInput& c, const Now& now,
                                                 RecoveryOutput& out) {
  w.quarantine = {true, true, c.reason, now.steady, {}};
  out.ledger.push_back({now.wall, QuarantineRecord{w.facts.id, w.facts.pool, c.reason, c.actor, true, true, now.wall}});
  if (std::exchange(w.quarantine_alert, false)) wish_alert(w, false, Severity::info, Reason::quarantined, "", "", out);
  event(w, "operator", fmt::format("{} quarantined by {}", w.facts.id, c.actor), now, out);
  touch(w);
  return done(
      fmt::format("worker {} is quarantined: it is neither stopped nor started until it is released", w.facts.id));
}

CommandResult Recovery::Impl::command_release(Worker& w, const CommandInput& c, const Now& now, RecoveryOutput& out) {
  const bool was = w.quarantine.on;
  end_quarantine(w, c.reason.empty() ? "released" : c.reason, c.actor, now, out);
  clear_history(w, "released by " + c.actor, false, now, out);
  return done(fmt::format("worker {}: {}backoff and stop budget are clear", w.facts.id,
                          was ? "released from quarantine; " : ""));
}

CommandResult Recovery::Impl::command_maintenance(const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (!c.worker_id.empty() && !find(c.worker_id))
    return refused(Errc::not_found, fmt::format("worker {} is not known", c.worker_id));
  const std::string id = !c.worker_id.empty() ? "worker/" + c.worker_id : !c.pool.empty() ? "pool/" + c.pool : "fleet";
  MaintenanceRecord record;
  record.id = id;
  record.reason = c.reason;
  record.actor = c.actor;
  record.on = c.verb == Verb::maintenance_on;
  record.at = now.wall;
  std::optional<SteadyTime> until;
  if (record.on && c.duration) {
    until = now.steady + *c.duration;
    record.until = now.wall + *c.duration;
  }
  if (record.on)
    maintenance[id] = {record, until};
  else if (maintenance.erase(id) == 0)
    return refused(Errc::not_found, fmt::format("no maintenance of {} is in force", id));
  out.ledger.push_back({now.wall, record});
  touch_all();
  return done(record.on ? fmt::format("maintenance of {} {}", id,
                                      until ? "for " + format_duration(*c.duration) : "until it is ended")
                        : fmt::format("maintenance of {} ended", id));
}

CommandResult Recovery::Impl::command_switch(const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (!c.pool.empty() || !c.worker_id.empty())
    return refused(Errc::invalid_argument,
                   "freeze and thaw are for the whole fleet; use maintenance for one pool or worker");
  fleet.big_switch = c.verb == Verb::freeze;
  fleet.big_switch_reason = fleet.big_switch ? c.reason : "";
  out.ledger.push_back({now.wall, BigSwitchRecord{fleet.big_switch, c.reason, c.actor, now.wall}});
  FleetEvent e;
  e.at = now.wall;
  e.kind = "operator";
  e.text = fmt::format("automatic action {} by {}", fleet.big_switch ? "frozen" : "thawed", c.actor);
  out.events.push_back(std::move(e));
  touch_all();
  for (const auto& [name, pool] : pools) out.changed_pools.push_back(name);
  return done(fleet.big_switch ? "all automatic action is frozen, starts included" : "automatic action goes on");
}

bool Recovery::on_command(const CommandInput& c, const Now& now, RecoveryOutput& out) {
  if (c.verb == Verb::forget) return false;
  Impl& m = *impl_;
  CommandResult result;
  if (c.dry_run) {
    result = m.command(c, now, out);  // nothing is done, so nothing is audited or answered again
  } else if (const CommandResult* known = m.answered.find(c)) {
    result = *known;
  } else {
    result = m.command(c, now, out);
    m.answered.keep(c, result);
    const std::string target = !c.worker_id.empty() ? "worker/" + c.worker_id
                               : !c.target.empty()  ? "rolling/" + c.target
                               : !c.pool.empty()    ? "pool/" + c.pool
                                                    : "fleet";
    out.ledger.push_back(
        {now.wall, AuditRecord{now.wall, c.actor, std::string(to_string(c.verb)), target, c.reason, result.message}});
  }
  out.acts.push_back(Answer{c.command_id, std::move(result)});
  return true;
}

}  // namespace paramedic
