// What each kind of input does to fleet, recovery and alerting before the rounds of its step.
#include <fmt/format.h>

#include "base/text.h"
#include "core/engine/engine_impl.h"

namespace paramedic {

void Engine::Impl::take(Input& input, const Now& now, Effects& out) {
  std::visit([&](auto& value) { take(value, now, out); }, input);
}

void Engine::Impl::take(ReportInput& input, const Now& now, Effects& out) {
  std::string last_words;
  if (input.report.process) last_words.swap(input.report.process->last_words);
  const auto applied = fleet.apply(input, now);
  if (!applied) return;  // counted by the fleet; the sender was told by the parts that parse
  sources_changed(applied->source, now, out);
  if (applied->late) out.history.push_back(*applied->late);
  if (applied->worker == kNoWorker) return;
  if (applied->absorbed) drop(*applied->absorbed, slot(*applied->absorbed).id, now);
  if (!applied->judge) return;
  const WorkerFacts& facts = fleet.facts(applied->worker);
  if (applied->is_new_worker || slot(applied->worker).id != facts.worker_id) membership_changed = true;
  if (applied->is_new_incarnation || applied->state_changed || applied->exited) {
    record_worker(applied->worker, false, now, out);
    changed(applied->worker, true);
    out.publish_now = true;
  }
  if (applied->exited) {
    FleetEvent event{.at = now.wall, .kind = "exit", .worker_id = facts.worker_id, .pool = facts.pool};
    const ExitInfo& exit = *facts.process.exit;
    event.text = exit.signal ? fmt::format("ended by signal {}", *exit.signal)
                 : exit.code ? fmt::format("ended with code {}", *exit.code)
                             : std::string("ended, the cause is not known");
    if (exit.oom) event.text += " (out of memory)";
    add_event(std::move(event));
    record_exit(applied->worker, input.source, now, out);
    // With the notes of recovery, so that it comes after the alert that the death makes.
    if (!last_words.empty())
      recovery_out.notes.push_back({.worker_id = facts.worker_id,
                                    .kind = TimelineKind::diagnosed,
                                    .text = "its last words:\n" + last_words.substr(0, kMaxLastWords)});
  }
  touch(applied->worker);
}

void Engine::Impl::take(SourceInput& input, const Now& now, Effects& out) {
  sources_changed(fleet.apply(input, now), now, out);
}

void Engine::Impl::take(SourceFrameInput& input, const Now& now, Effects& out) {
  sources_changed(fleet.apply(input, now), now, out);
}

void Engine::Impl::sources_changed(const SourceOutcome& outcome, const Now& now, Effects& out) {
  for (const SourceOutcome::Change& change : outcome.changes) {
    const bool away = change.to != SourceState::connected;
    rules.update_source({change.source, change.host, change.to}, now);
    dirty = true;
    out.publish_now = true;
    if (change.is_new && !away && !change.source.starts_with("agent/")) continue;  // http is simply there
    record_input({.source = change.source, .host = change.host, .what = RecordedSource{change.from, change.to}}, now,
                 out);
    FleetEvent event{.at = now.wall,
                     .kind = "source",
                     .from = std::string(to_string(change.from)),
                     .to = std::string(to_string(change.to))};
    event.text = change.host.empty()
                     ? fmt::format("{} {}", change.source, to_string(change.to))
                     : fmt::format("{} on host {} {}", change.source, change.host, to_string(change.to));
    add_event(std::move(event));
    const bool agent = change.source.starts_with("agent/");
    OutageFacts outage;
    outage.key = agent && !change.host.empty() ? "host/" + change.host : "source/" + change.source;
    outage.on = away;
    outage.name = change.source;
    outage.host = change.host;
    outage.title = agent ? fmt::format("Agent of host {} is {}", change.host, to_string(change.to))
                         : fmt::format("Source {} is {}", change.source, to_string(change.to));
    outage.message =
        fmt::format("{}; its workers are unknown and nothing is done to them until it is back", outage.title);
    outage.since = now.steady;
    if (away) outage.affected = int(fleet.workers_of_source(change.source).size());
    alerting.update_outage(outage, now);
  }
  for (const WorkerHandle worker : outcome.affected) touch(worker);
}

void Engine::Impl::take(ProgressInput& input, const Now& now, Effects& out) {
  RecordedOutcome outcome{input.action_id, input.step, input.done, input.ok, input.new_incarnation, input.message};
  record_input({.source = input.source, .worker_id = input.worker_id, .what = std::move(outcome)}, now, out);
  recovery.on_progress(input, now, recovery_out);
  if (input.done) out.acts.push_back(SendAck{input.source, {input.action_id}});
  if (const auto worker = fleet.find(input.worker_id)) touch(*worker);
  out.publish_now = true;
}

void Engine::Impl::take(AgentStartInput& input, const Now& now, Effects& out) {
  RecordedStart start{input.action_id, input.previous_incarnation, input.crashes, input.ago, input.exit};
  record_input({.source = input.source,
                .worker_id = input.worker_id,
                .incarnation = input.incarnation,
                .what = std::move(start)},
               now, out);
  recovery.on_agent_start(input, now, recovery_out);
  out.acts.push_back(SendAck{input.source, {input.action_id}});
  if (const auto worker = fleet.find(input.worker_id)) {
    const std::string& known = fleet.facts(*worker).incarnation;
    if (known == input.incarnation || known == input.previous_incarnation) fleet.note_exit(*worker, input.exit);
    touch(*worker);
  }
  out.publish_now = true;
}

void Engine::Impl::note_command(const CommandInput& input, const Now& now, Effects& out) {
  RecordedCommand wish{input.verb, input.actor, input.reason, input.force, input.duration};
  record_input({.worker_id = input.worker_id, .pool = input.pool, .what = std::move(wish)}, now, out);
  out.publish_now = true;
  dirty = true;
  FleetEvent event{.at = now.wall, .kind = "operator", .worker_id = input.worker_id, .pool = input.pool};
  event.text =
      fmt::format("{} by {}{}", to_string(input.verb), input.actor, input.reason.empty() ? "" : ": " + input.reason);
  add_event(std::move(event));
}

void Engine::Impl::take(CommandInput& input, const Now& now, Effects& out) {
  if (!input.dry_run) note_command(input, now, out);
  if (input.verb == Verb::forget) return forget(input, now, out);
  if (notifier.on_command(input, now, notifier_out)) return;
  if (const auto worker = fleet.find(input.worker_id)) {
    tell_recovery(*worker, now, true);  // with the tasks in flight of this very moment
    touch(*worker);
    changed(*worker, true);
  }
  if (!recovery.on_command(input, now, recovery_out)) {
    CommandResult refused{
        .error = Error{Errc::invalid_argument, fmt::format("'{}' cannot be done here", to_string(input.verb))}};
    refused.message = refused.error->message;
    out.acts.push_back(Answer{input.command_id, std::move(refused)});
  }
  // Maintenance mutes whole pools, the big switch holds everybody: all must be judged and shown anew.
  if (input.worker_id.empty())
    for (const WorkerHandle worker : fleet.workers()) {
      touch(worker);
      changed(worker, true);
    }
}

void Engine::Impl::forget(const CommandInput& input, const Now& now, Effects& out) {
  const auto worker = fleet.find(input.worker_id);
  CommandResult result;
  if (!worker || fleet.facts(*worker).state == WorkerState::gone) {
    result.error = Error{Errc::not_found, fmt::format("no worker '{}' is known", input.worker_id)};
    result.message = result.error->message;
  } else {
    const bool speaks = !fleet.source_blind(*worker) && !fleet.facts(*worker).dead();
    fleet.forget(*worker, now);
    record_worker(*worker, true, now, out);
    recovery.remove_worker(input.worker_id, now, recovery_out);
    alerting.close_worker(input.worker_id, "gone", now);
    rules.remove_worker(input.worker_id, "gone", now);
    touch(*worker);
    changed(*worker, true);
    result.success = true;
    result.message = speaks ? "forgotten; it appears again with its next report" : "forgotten";
  }
  out.ledger.push_back({now.wall, AuditRecord{now.wall, input.actor, "forget", input.worker_id, input.reason,
                                              result.success ? "done" : result.message}});
  out.acts.push_back(Answer{input.command_id, std::move(result)});
}

void Engine::Impl::record_exit(WorkerHandle worker, const std::string& source, const Now& now, Effects& out) {
  const WorkerFacts& facts = fleet.facts(worker);
  RecordedExit end{*facts.process.exit, recovery_facts(worker, now).in_flight};
  if (end.in_flight.size() > RecordedExit::kMaxInFlight) end.in_flight.resize(RecordedExit::kMaxInFlight);
  InputRecord record{.source = source,
                     .worker_id = facts.worker_id,
                     .pool = facts.pool,
                     .host = facts.host,
                     .incarnation = facts.incarnation};
  record.what = std::move(end);
  record_input(std::move(record), now, out);
}

void Engine::Impl::take(LedgerStateInput& input, const Now& now, Effects& out) {
  ledger_degraded = input.degraded;
  recovery.set_ledger_degraded(input.degraded);
  tell_monitor(Reason::ledger_degraded, input.degraded, Severity::critical,
               "the ledger cannot commit: stops are held, starts and notices go on: " + input.text, now);
  dirty = true;
  out.publish_now = true;
}

void Engine::Impl::take(ShutdownInput&, const Now& now, Effects& out) {
  if (!shut_down)
    for (SavedState& state : analysis.save(now.wall)) out.states.push_back(std::move(state));
  shut_down = true;
  recovery.shut_down();
}

void Engine::Impl::take(ProbeInput& input, const Now& now, Effects& out) {
  if (!fleet.apply(input, now)) return;
  // The freeze begins with this step, not when a worker is heard next.
  for (auto& [name, pool] : pools) {
    pool.touched = true;
    pool.judged_at = SteadyTime{};
  }
  dirty = true;
  out.publish_now = true;
}

void Engine::Impl::sweep(const Now& now, Effects& out) {
  next_sweep = now.steady + kSweepEvery;
  const SweepOutcome swept = fleet.sweep(now);
  for (const WorkerHandle worker : swept.turned_stopped) {
    record_worker(worker, false, now, out);
    touch(worker);
  }
  for (const WorkerHandle worker : swept.turned_gone) {
    const std::string id = fleet.facts(worker).worker_id;
    record_worker(worker, true, now, out);
    recovery.remove_worker(id, now, recovery_out);
    alerting.close_worker(id, "gone", now);
    rules.remove_worker(id, "gone", now);
    if (slot(worker).used) forget_analysis(worker, now);
    touch(worker);
  }
  for (const SweepOutcome::Removed& gone : swept.removed) drop(gone.worker, gone.worker_id, now);
  sweep_analysis(now, out);
}

void Engine::Impl::drop(WorkerHandle worker, const std::string& worker_id, const Now& now) {
  recovery.remove_worker(worker_id, now, recovery_out);
  alerting.close_worker(worker_id, "gone", now);
  rules.remove_worker(worker_id, "gone", now);
  forget_analysis(worker, now);
  slots[worker] = Slot{};
  removed.push_back(worker_id);
  membership_changed = dirty = true;
}

void Engine::Impl::record_worker(WorkerHandle worker, bool forgotten, const Now& now, Effects& out) {
  const WorkerFacts& facts = fleet.facts(worker);
  WorkerRecord record{facts.worker_id, facts.pool, facts.host, facts.source, facts.version, facts.incarnation};
  record.state = facts.state;
  record.status = fleet.status(worker);
  if (facts.stop) record.back_within = facts.stop->back_within;
  record.since = wall_at(facts.state_since, now);
  record.forgotten = forgotten;
  out.ledger.push_back({now.wall, std::move(record)});
}

}  // namespace paramedic
